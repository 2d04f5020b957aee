use uuid::Uuid;

use super::*;

fn place(masked_for: &[&str], key: &Key) -> TopicAsk {
    asked(masked_for, key, &RecordsInput::default()).expect("sound")
}

fn asked(masked_for: &[&str], key: &Key, input: &RecordsInput) -> Result<TopicAsk> {
    let place = Place {
        key,
        broker: BrokerId(Uuid::nil()),
        topic: "orders",
        site: SiteId(Uuid::nil()),
        cluster: "kafka-a".to_owned(),
        masked_for: masked_for.iter().map(|tag| (*tag).to_owned()).collect(),
    };
    ask(&place, input, !place.masked_for.is_empty())
}

fn wrong(input: &RecordsInput, masked_for: &[&str]) -> Vec<String> {
    let key = Key::Topic(BrokerId(Uuid::nil()), "orders".to_owned());
    match asked(masked_for, &key, input) {
        Err(Error::Invalid(errors)) => errors.0.into_keys().collect(),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_look_goes_on_where_a_cursor_says() {
    let key = Key::Topic(BrokerId(Uuid::nil()), "orders".to_owned());
    assert_eq!(place(&[], &key).from, TopicFrom::Newest);
    let from = TopicFrom::Before { places: Places::from([(2, 40)]) };
    let input = RecordsInput { cursor: Some(write(&from)), since: Some(5), ..RecordsInput::default() };
    assert_eq!(asked(&[], &key, &input).expect("sound").from, from);
    let input = RecordsInput { partition: Some(2), offset: Some(7), limit: Some(9_999), ..RecordsInput::default() };
    let ask = asked(&[], &key, &input).expect("sound");
    assert_eq!((ask.from, ask.limit), (TopicFrom::After { places: Places::from([(2, 7)]) }, RECORDS_MAX));
}

#[test]
fn what_is_wrong_is_told_at_its_field() {
    let none = RecordsInput::default();
    assert_eq!(wrong(&RecordsInput { offset: Some(1), ..none.clone() }, &[]), ["partition"]);
    assert_eq!(wrong(&RecordsInput { offset: Some(-1), partition: Some(0), ..none.clone() }, &[]), ["offset"]);
    assert_eq!(
        wrong(&RecordsInput { offset: Some(1), partition: Some(0), since: Some(1), ..none.clone() }, &[]),
        ["offset"]
    );
    assert_eq!(wrong(&RecordsInput { partition: Some(-1), ..none.clone() }, &[]), ["partition"]);
    assert_eq!(wrong(&RecordsInput { cursor: Some("%".to_owned()), ..none.clone() }, &[]), ["cursor"]);
    assert_eq!(wrong(&RecordsInput { find: "x".repeat(FIND_BYTES_MAX + 1), ..none.clone() }, &[]), ["find"]);
    assert_eq!(wrong(&RecordsInput { find: "ada".to_owned(), ..none }, &["pii"]), ["find"], "a search would tell");
}

#[test]
fn the_same_look_is_noted_once_in_a_while() {
    let noted = Noted::default();
    let look = |find: &str| ("ada".to_owned(), Key::Topic(BrokerId(Uuid::nil()), "orders".to_owned()), find.to_owned());
    assert!(noted.is_new(&look(""), 0));
    noted.remember(look(""), 0);
    assert!(!noted.is_new(&look(""), NOTED_MS - 1));
    assert!(noted.is_new(&look("ada"), 1), "another text is another look");
    assert!(noted.is_new(&look(""), NOTED_MS));
}
