//! The secret files: a folder with mode 0700, files with mode 0600, each written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use ed25519_dalek::SigningKey;

use super::AuthorityError;

/// Makes the folder, or closes it to others.
pub(super) fn prepare_folder(folder: &Path) -> Result<(), AuthorityError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|source| failed(folder, source))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(|source| failed(folder, source))
}

/// Keeps other processes out of the folder until it is dropped; waits for those that are in it.
pub(super) fn lock(folder: &Path) -> Result<File, AuthorityError> {
    let path = folder.join("lock");
    let mut options = OpenOptions::new();
    let opened = options.write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = opened.map_err(|source| failed(&path, source))?;
    file.lock().map_err(|source| failed(&path, source))?;
    Ok(file)
}

/// The text of a file; none when there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<String>, AuthorityError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(failed(path, source)),
    }
}

/// Writes a new file durably; it appears under its name only when it is whole.
pub(super) fn write(path: &Path, text: &str) -> Result<(), AuthorityError> {
    let unfinished = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(|source| failed(&unfinished, source))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|source| failed(&unfinished, source))?;
    fs::rename(&unfinished, path).map_err(|source| failed(path, source))
}

/// Gives a file the name of another one, which is gone by that; durable when it returns.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), AuthorityError> {
    fs::rename(from, to).map_err(|source| failed(from, source))?;
    let folder = to.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|source| failed(folder, source))
}

/// An Ed25519 key kept as 64 hex digits; made when there is none.
pub(super) fn signing_key(path: &Path) -> Result<SigningKey, AuthorityError> {
    Ok(SigningKey::from_bytes(&random_key(path)?))
}

/// 32 random bytes kept as 64 hex digits; made when there are none.
pub(super) fn random_key(path: &Path) -> Result<[u8; 32], AuthorityError> {
    if let Some(text) = read(path)? {
        let mut key = [0; 32];
        hex::decode_to_slice(text.trim(), &mut key).map_err(|_| AuthorityError::Damaged(path.to_owned()))?;
        return Ok(key);
    }
    let key: [u8; 32] = rand::random();
    write(path, &hex::encode(key))?;
    Ok(key)
}

fn failed(path: &Path, source: std::io::Error) -> AuthorityError {
    AuthorityError::File { path: path.to_owned(), source }
}
