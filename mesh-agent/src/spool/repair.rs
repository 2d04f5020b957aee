//! Makes a journal with a damaged end readable again, before fjall opens it.
//!
//! A crash leaves a torn batch at the end of the journal, a failing disk leaves anything. Fjall shortens the first, and
//! refuses to open, or drops what follows, with the second. Here every batch that is complete is kept (its checksum says
//! so), whatever lies between them is set aside in `damaged/`, and all of it is told. A batch that was acknowledged was
//! synced whole, so a crash alone never costs one.
//!
//! The layout is that of fjall 3.1 (its version is pinned; the tests write with fjall and repair what they break):
//! ```text
//! start  1 | items u32 | seqno u64
//! item   2 | type u8 | compression u8 | keyspace u64 | key length u16 | length u32 | stored length u32 | key | value
//! clear  4 | keyspace u64
//! end    3 | xxh3 over all items u64 | "FJL" 3                                       all little-endian; then zeros
//! ```

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use xxhash_rust::xxh3::Xxh3;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const MAGIC: [u8; 4] = [b'F', b'J', b'L', 3];
/// Folder of what was set aside, beside the journal.
const ASIDE: &str = "damaged";

/// What was done to a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The journal.
    pub journal: PathBuf,
    /// Where the damaged bytes are now.
    pub aside: PathBuf,
    /// How many these are.
    pub damaged_bytes: u64,
    /// Complete batches that were found behind the damage and kept.
    pub rescued_batches: u64,
}

/// Looks at all journals of a folder and mends those that need it.
///
/// # Errors
/// They cannot be read or written; the journals are as they were.
pub(super) fn repair(folder: &Path) -> io::Result<Vec<Repaired>> {
    let mut journals: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .filter(|path| path.as_ref().map_or(true, |path| path.extension().is_some_and(|end| end == "jnl")))
        .collect::<io::Result<_>>()?;
    journals.sort();
    let mut repaired = Vec::new();
    for journal in journals {
        repaired.extend(repair_one(folder, journal)?);
    }
    Ok(repaired)
}

fn repair_one(folder: &Path, journal: PathBuf) -> io::Result<Option<Repaired>> {
    let mut file = File::open(&journal)?;
    let size = file.metadata()?.len();
    let sound = sound_bytes(&file, size)?;
    file.seek(SeekFrom::Start(sound))?;
    // Journals are made with their full size: what was never written is zero.
    if is_zero(&file)? {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(sound))?;
    let mut rest = Vec::new();
    BufReader::new(&file).read_to_end(&mut rest)?;
    let written = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let kept = complete_batches(&rest);
    let aside = set_aside(folder, &journal, &rest[..written])?;
    rewrite(&journal, sound, kept.iter().map(|range| &rest[range.clone()]))?;
    let kept_bytes: usize = kept.iter().map(ExactSizeIterator::len).sum();
    Ok(Some(Repaired {
        journal,
        aside,
        damaged_bytes: (written.saturating_sub(kept_bytes)) as u64,
        rescued_batches: kept.len() as u64,
    }))
}

/// Length of the unbroken run of complete batches from the beginning.
fn sound_bytes(file: &File, size: u64) -> io::Result<u64> {
    let mut reader = BufReader::with_capacity(256 * 1024, file);
    let mut sound = 0;
    while let Some(length) = batch(&mut reader, size - sound)? {
        sound += length;
    }
    Ok(sound)
}

fn is_zero(file: &File) -> io::Result<bool> {
    let mut reader = BufReader::new(file);
    let mut portion = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut portion)? {
            0 => return Ok(true),
            count if portion[..count].iter().any(|byte| *byte != 0) => return Ok(false),
            _ => {}
        }
    }
}

/// Complete batches anywhere in these bytes.
fn complete_batches(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let rest = &bytes[at..];
        match (rest[0] == START).then(|| batch(&mut &*rest, rest.len() as u64)) {
            Some(Ok(Some(length))) => {
                let end = at + usize::try_from(length).unwrap_or(rest.len());
                found.push(at..end);
                at = end;
            }
            _ => at += 1,
        }
    }
    found
}

/// Length of the batch that begins here; none when there is no complete one.
fn batch(reader: &mut impl Read, left: u64) -> io::Result<Option<u64>> {
    match read_batch(reader, left) {
        Ok(length) => Ok(length),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_batch(reader: &mut impl Read, left: u64) -> io::Result<Option<u64>> {
    let start: [u8; 13] = take(reader)?;
    if start[0] != START {
        return Ok(None);
    }
    let items = u32::from_le_bytes([start[1], start[2], start[3], start[4]]);
    let mut length = start.len() as u64;
    let mut sum = Xxh3::new();
    for _ in 0..items {
        let [tag] = take(reader)?;
        sum.update(&[tag]);
        length += 1;
        let Some(rest) = (match tag {
            ITEM => read_item(reader, &mut sum, left.saturating_sub(length))?,
            CLEAR => {
                sum.update(&take::<8>(reader)?);
                Some(8)
            }
            _ => None,
        }) else {
            return Ok(None);
        };
        length += rest;
    }
    let end: [u8; 13] = take(reader)?;
    let told = u64::from_le_bytes([end[1], end[2], end[3], end[4], end[5], end[6], end[7], end[8]]);
    let complete = end[0] == END && end[9..] == MAGIC && told == sum.digest();
    Ok(complete.then_some(length + end.len() as u64))
}

/// Length of an item after its tag; none when it says that it is longer than what is there.
fn read_item(reader: &mut impl Read, sum: &mut Xxh3, left: u64) -> io::Result<Option<u64>> {
    let head: [u8; 20] = take(reader)?;
    sum.update(&head);
    let key = u64::from(u16::from_le_bytes([head[10], head[11]]));
    let stored = u64::from(u32::from_le_bytes([head[16], head[17], head[18], head[19]]));
    let length = head.len() as u64 + key + stored;
    if length > left {
        return Ok(None);
    }
    let mut content = reader.take(key + stored);
    let mut portion = [0; 4_096];
    loop {
        match content.read(&mut portion)? {
            0 => break,
            count => sum.update(&portion[..count]),
        }
    }
    if content.limit() > 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(Some(length)) }
}

fn take<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn set_aside(folder: &Path, journal: &Path, damaged: &[u8]) -> io::Result<PathBuf> {
    let aside = folder.join(ASIDE);
    fs::create_dir_all(&aside)?;
    let name = journal.file_name().unwrap_or_default().to_string_lossy();
    let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let path = aside.join(format!("{name}-{millis}"));
    let mut file = File::create(&path)?;
    file.write_all(damaged)?;
    file.sync_all()?;
    sync_folder(&aside)?;
    Ok(path)
}

/// The journal's sound beginning and then the kept batches; it is replaced as a whole.
fn rewrite<'a>(journal: &Path, sound: u64, kept: impl Iterator<Item = &'a [u8]>) -> io::Result<()> {
    let made = journal.with_extension("repair");
    let mut file = File::create(&made)?;
    io::copy(&mut File::open(journal)?.take(sound), &mut file)?;
    for batch in kept {
        file.write_all(batch)?;
    }
    file.sync_all()?;
    fs::rename(&made, journal)?;
    sync_folder(journal.parent().unwrap_or(Path::new(".")))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
