//! Files that hold secrets: readable by their owner only, from the moment they exist.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};

/// Writes a file with mode 0600, replacing an old one as a whole.
///
/// # Errors
/// The folder cannot be written.
pub fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    let new = file.with_extension("new");
    let _ = fs::remove_file(&new);
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new);
    let written = opened.and_then(|mut out| out.write_all(text.as_bytes())).and_then(|()| fs::rename(&new, file));
    written.with_context(|| format!("write {}", file.display()))
}

/// A password of 144 random bits without any character that a shell, a URL or a configuration file treats specially.
#[must_use]
pub fn random_password() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 18]>())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::{fs, write_private};

    #[test]
    fn only_the_owner_can_read_it_and_it_can_be_replaced() {
        let file = std::env::temp_dir().join(format!("meshport-secret-{}", std::process::id()));
        for text in ["one", "two"] {
            write_private(&file, text).expect("the folder can be written");
            assert_eq!(fs::read_to_string(&file).expect("it is ours"), text);
            assert_eq!(fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
        }
        fs::remove_file(file).expect("the file is ours");
    }
}
