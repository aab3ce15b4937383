//! What rows that are held keep alive: the buffers of their columns, each counted once though many batches share it.

use arrow::array::{Array, ArrayData, ArrayRef};
use std::collections::HashSet;

/// The buffers that one worker holds.
#[derive(Debug, Default)]
pub(super) struct Weight {
    held: HashSet<usize>,
}

impl Weight {
    /// Takes columns in. Returns the bytes of those of their buffers that were not held yet.
    pub(super) fn add(&mut self, columns: &[ArrayRef]) -> u64 {
        let bytes: usize = columns.iter().map(|c| self.of(&c.to_data())).sum();
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    fn of(&mut self, data: &ArrayData) -> usize {
        let nulls = data.nulls().map(|n| n.buffer());
        let mine: usize = data
            .buffers()
            .iter()
            .chain(nulls)
            .filter_map(|buffer| {
                // A decoded page or a dictionary is one buffer under many batches: by its address it is known again.
                let address = buffer.data_ptr().as_ptr() as usize;
                self.held.insert(address).then(|| buffer.capacity())
            })
            .sum();
        mine + data.child_data().iter().map(|child| self.of(child)).sum::<usize>()
    }

    /// Forgets all: nothing is held any more.
    pub(super) fn clear(&mut self) {
        self.held.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringViewArray};
    use std::sync::Arc;

    #[test]
    fn a_shared_buffer_weighs_once() {
        let mut weight = Weight::default();
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![7; 1000]));
        let first = weight.add(&[Arc::clone(&numbers)]);
        assert!((8000..9000).contains(&first), "{first}");
        assert_eq!(weight.add(&[numbers.slice(10, 100)]), 0);
        let texts = StringViewArray::from_iter_values(["a text that is too long for a view"; 100]);
        let whole: ArrayRef = Arc::new(texts.clone());
        let part: ArrayRef = Arc::new(texts.slice(0, 1));
        assert!(weight.add(&[whole]) >= 1600);
        assert_eq!(weight.add(&[part]), 0);
        weight.clear();
        assert!(weight.add(&[numbers]) >= 8000);
    }
}
