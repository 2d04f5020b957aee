//! Lists of owners as spreadsheets and other catalogs write them: `kind,name,owner`, one thing a line.

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::domain::field::TEXT_BYTES_MAX;

/// Most lines of one list.
pub const LINES_MAX: usize = 2_000;
/// Longest list, in bytes: 512 KiB.
pub const BYTES_MAX: usize = 512 * 1024;

/// The columns that are read; others may stand beside them.
const COLUMNS: [&str; 3] = ["kind", "name", "owner"];

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An application domain.
    Domain,
    /// A designed event.
    Event,
    /// A designed schema.
    Schema,
    /// An application, designed or with clients.
    Application,
    /// An event address.
    Address,
    /// A Kafka topic.
    Topic,
}

impl Kind {
    const ALL: [(&'static str, Self); 6] = [
        ("domain", Self::Domain),
        ("event", Self::Event),
        ("schema", Self::Schema),
        ("application", Self::Application),
        ("address", Self::Address),
        ("topic", Self::Topic),
    ];

    /// As a list writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// What a line wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What it is about.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Who shall answer for it; never empty.
    pub owner: String,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Where it begins in the list; the first line is 1.
    pub line: u64,
    /// What it wants, or why it cannot be read: a sentence without its subject.
    pub wanted: Result<Wanted, String>,
}

/// Reads a list. Fields may be quoted; a semicolon may stand for each comma, as some spreadsheets have it.
///
/// # Errors
/// Why nothing of it can be read, and what is expected.
pub fn read(text: &str) -> Result<Vec<Read>, String> {
    if text.len() > BYTES_MAX {
        return Err(format!("is longer than {} KiB: split it", BYTES_MAX / 1024));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let delimiter = if first.contains(';') && !first.contains(',') { b';' } else { b',' };
    let mut reader =
        ReaderBuilder::new().delimiter(delimiter).trim(Trim::All).flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| format!("cannot be read: {error}"))?.clone();
    let Some(places) = places(&header) else {
        return Err(format!("must begin with the line `{}`", COLUMNS.join(",")));
    };
    let mut lines = Vec::new();
    for record in reader.records() {
        if lines.len() == LINES_MAX {
            return Err(format!("has more than {LINES_MAX} lines: split it"));
        }
        let record = record.map_err(|error| format!("cannot be read: {error}"))?;
        let line = record.position().map_or(0, |begin| begin.line() + blank_lines(text, begin.byte()));
        lines.push(Read { line, wanted: wanted(&record, places, header.len()) });
    }
    if lines.is_empty() {
        return Err("names nothing: write one thing a line below the first".to_owned());
    }
    Ok(lines)
}

/// How many lines of nothing stand where a record is said to begin.
fn blank_lines(text: &str, begin: u64) -> u64 {
    let rest = usize::try_from(begin).ok().and_then(|begin| text.as_bytes().get(begin..)).unwrap_or_default();
    let blank = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    blank.filter(|byte| **byte == b'\n').count() as u64
}

/// Where the columns stand.
fn places(header: &StringRecord) -> Option<[usize; 3]> {
    let place = |name: &str| header.iter().position(|field| field.eq_ignore_ascii_case(name));
    Some([place(COLUMNS[0])?, place(COLUMNS[1])?, place(COLUMNS[2])?])
}

fn wanted(record: &StringRecord, places: [usize; 3], fields: usize) -> Result<Wanted, String> {
    if record.len() != fields {
        let has = record.len();
        return Err(format!("has {has} fields where the first line has {fields}: quote what holds a comma"));
    }
    let [kind, name, owner] = places.map(|place| record.get(place).unwrap_or_default());
    let known = Kind::ALL.iter().find(|(word, _)| word.eq_ignore_ascii_case(kind));
    let Some((_, kind)) = known else {
        let kinds = Kind::ALL.map(|(word, _)| word).join(", ");
        return Err(format!("is about `{}`: a kind is one of {kinds}", shortened(kind)));
    };
    if name.is_empty() {
        return Err("names nothing".to_owned());
    }
    if owner.is_empty() {
        return Err("names no owner: leave the line out to change nothing".to_owned());
    }
    if owner.len() > TEXT_BYTES_MAX || owner.contains('\0') {
        return Err(format!("has an owner beyond {TEXT_BYTES_MAX} characters"));
    }
    Ok(Wanted { kind: *kind, name: name.to_owned(), owner: owner.to_owned() })
}

/// What is shown of a text that may be anything.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(line: u64, kind: Kind, name: &str, owner: &str) -> Read {
        Read { line, wanted: Ok(Wanted { kind, name: name.to_owned(), owner: owner.to_owned() }) }
    }

    fn why(read: &Read) -> &str {
        read.wanted.as_ref().expect_err("it is refused")
    }

    #[test]
    fn lines_are_read_with_their_numbers_whatever_is_quoted() {
        let text =
            "kind,name,owner\ndomain, retail ,tills\n\ntopic,\"a,b\",\"the \"\"tills\"\"\nof Lyon\"\naddress,x/y,eve\n";
        let expected = [
            line(2, Kind::Domain, "retail", "tills"),
            line(4, Kind::Topic, "a,b", "the \"tills\"\nof Lyon"),
            line(6, Kind::Address, "x/y", "eve"),
        ];
        assert_eq!(read(text), Ok(expected.to_vec()));
    }

    #[test]
    fn spreadsheets_write_semicolons_marks_and_other_columns() {
        let text = "\u{feff}Owner;Note;Kind;Name\r\ntills;x;EVENT;order\r\n";
        assert_eq!(read(text), Ok(vec![line(2, Kind::Event, "order", "tills")]));
    }

    #[test]
    fn what_is_wrong_with_a_line_stands_beside_it_and_the_others_are_read() {
        let text = "kind,name,owner\nqueue,q,tills\nevent,,tills\nevent,order,\nevent,order\nevent,order,tills,x\nschema,s,t\n";
        let lines = read(text).expect("a list");
        assert!(why(&lines[0]).contains("`queue`") && why(&lines[0]).contains("domain, event"), "{lines:?}");
        assert_eq!(why(&lines[1]), "names nothing");
        assert!(why(&lines[2]).starts_with("names no owner"));
        assert!(why(&lines[3]).contains("2 fields") && why(&lines[4]).contains("4 fields"), "{lines:?}");
        assert_eq!(lines[5], line(7, Kind::Schema, "s", "t"));
    }

    #[test]
    fn what_is_no_list_says_what_one_is() {
        for text in ["", "\n\n", "domain,retail,tills\n", "kind,name\n"] {
            assert!(read(text).expect_err("no list").contains("kind,name,owner"), "{text:?}");
        }
        assert!(read("kind,name,owner\n").expect_err("nothing").starts_with("names nothing"));
        let long = format!("kind,name,owner\n{}", "topic,a,b\n".repeat(LINES_MAX + 1));
        assert!(read(&long).expect_err("too long").contains("more than 2000 lines"));
        assert!(read(&"x".repeat(BYTES_MAX + 1)).expect_err("too long").contains("512 KiB"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let _ = read(&text);
            let _ = read(&format!("kind,name,owner\n{text}"));
        }

        #[test]
        fn what_is_written_by_the_book_comes_back(name in "[a-z,\"\\n /]{1,20}", owner in "[a-z,\";]{1,20}") {
            let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
            let lines = read(&format!("kind,name,owner\ntopic,{},{}\n", quoted(&name), quoted(&owner))).expect("a list");
            if let Ok(wanted) = &lines[0].wanted {
                prop_assert_eq!(wanted.name.as_str(), name.trim());
                prop_assert_eq!(wanted.owner.as_str(), owner.trim());
            } else {
                prop_assert!(name.trim().is_empty());
            }
        }
    }
}
