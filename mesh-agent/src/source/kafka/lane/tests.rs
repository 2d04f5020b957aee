mod contracts;
mod schemas;
mod world;

use super::*;
use bytes::Bytes;
use proptest::prelude::*;

fn record(offset: i64, bytes: usize) -> Record {
    Record {
        offset,
        timestamp_ms: None,
        key: None,
        payload: Some(Bytes::from(vec![0; bytes])),
        headers: crate::kafka::headers::FromRecord::default(),
    }
}

/// Cut into batches, one after the other.
fn batches(mut records: &[Record]) -> Vec<&[Record]> {
    let mut slices = Vec::new();
    while !records.is_empty() {
        let batch = first_batch(records, BATCH_BYTES_MAX);
        slices.push(batch);
        records = &records[batch.len()..];
    }
    slices
}

proptest! {
    #[test]
    fn batches_keep_every_record_in_order_and_within_bounds(sizes in proptest::collection::vec(0_usize..300_000, 0..60)) {
        let records: Vec<_> = (0..).zip(&sizes).map(|(offset, size)| record(offset, *size)).collect();
        let slices = batches(&records);
        let offsets: Vec<_> = slices.iter().flat_map(|slice| slice.iter().map(|record| record.offset)).collect();
        prop_assert_eq!(offsets, (0..).take(sizes.len()).collect::<Vec<i64>>());
        for slice in slices {
            let bytes: usize = slice.iter().map(Record::size).sum();
            prop_assert!(slice.len() == 1 || bytes <= BATCH_BYTES_MAX);
            prop_assert!(!slice.is_empty() && slice.len() <= BATCH_RECORDS_MAX);
        }
    }
}

#[test]
fn a_record_above_the_limit_travels_alone() {
    let records = [record(0, 10), record(1, BATCH_BYTES_MAX), record(2, 10)];
    let lengths: Vec<_> = batches(&records).iter().map(|slice| slice.len()).collect();
    assert_eq!(lengths, [1, 1, 1]);
}
