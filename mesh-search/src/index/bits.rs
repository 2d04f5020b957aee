//! Sets of documents of one segment.

use tantivy::DocId;
use tantivy::fastfield::AliveBitSet;

const WORD_BITS: u32 = 64;

/// A set of documents, a bit for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// None of `documents`.
    pub(super) fn none(documents: u32) -> Self {
        Self(vec![0; documents.div_ceil(WORD_BITS) as usize])
    }

    /// All of them that are alive; no set of living ones means that all are.
    pub(super) fn all(documents: u32, alive: Option<&AliveBitSet>) -> Self {
        if let Some(alive) = alive {
            let mut all = Self::none(documents);
            alive.iter_alive().for_each(|document| all.insert(document));
            return all;
        }
        let mut all = vec![u64::MAX; documents.div_ceil(WORD_BITS) as usize];
        if let Some(last) = all.last_mut() {
            // Those that the last word has beyond the documents.
            *last >>= (WORD_BITS - documents % WORD_BITS) % WORD_BITS;
        }
        Self(all)
    }

    pub(super) fn insert(&mut self, document: DocId) {
        if let Some(word) = self.0.get_mut((document / WORD_BITS) as usize) {
            *word |= 1 << (document % WORD_BITS);
        }
    }

    pub(super) fn insert_all(&mut self, documents: &[DocId]) {
        for document in documents {
            self.insert(*document);
        }
    }

    pub(super) fn has(&self, document: DocId) -> bool {
        self.0.get((document / WORD_BITS) as usize).is_some_and(|word| word >> (document % WORD_BITS) & 1 == 1)
    }

    /// Keeps what the other has too.
    pub(super) fn and(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
        self
    }

    /// Adds what the other has.
    pub(super) fn or(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
        self
    }

    /// Takes away what the other has.
    pub(super) fn and_not(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= !other);
        self
    }

    /// The documents, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = DocId> {
        (0..).zip(&self.0).filter(|(_, word)| **word != 0).flat_map(|(at, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(at * WORD_BITS + bit)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_sets() {
        let of = |documents: &[u32]| {
            let mut bits = Bits::none(200);
            bits.insert_all(documents);
            bits
        };
        let list = |bits: &Bits| bits.iter().collect::<Vec<_>>();
        let (one, two) = (of(&[0, 63, 64, 199]), of(&[63, 100, 199]));
        assert_eq!(list(&one.clone().and(&two)), [63, 199]);
        assert_eq!(list(&one.clone().or(&two)), [0, 63, 64, 100, 199]);
        assert_eq!(list(&one.clone().and_not(&two)), [0, 64]);
        assert!(one.has(64) && !one.has(65) && !one.has(5_000));
        for documents in [0, 1, 3, 63, 64, 65, 128] {
            assert_eq!(list(&Bits::all(documents, None)), (0..documents).collect::<Vec<_>>());
        }
    }
}
