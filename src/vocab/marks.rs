//! Rows, each with a mark or none for each of some things: a bit a thing.

/// Marks of rows.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// Bytes a row.
    width: usize,
    bytes: Vec<u8>,
}

impl Marks {
    /// So many rows without a mark of so many things.
    #[must_use]
    pub fn new(rows: usize, things: usize) -> Self {
        let width = things.div_ceil(8);
        Self { width, bytes: vec![0; rows * width] }
    }

    /// So many rows without a mark, of the same things.
    pub fn reset(&mut self, rows: usize) {
        self.bytes.clear();
        self.bytes.resize(rows * self.width, 0);
    }

    /// No row any more, of the same things as others.
    pub fn clear_like(&mut self, others: &Self) {
        self.bytes.clear();
        self.width = others.width;
    }

    /// Whether a row is marked for a thing. Rows and things that are not there are not.
    #[cfg(test)]
    pub(crate) fn has(&self, row: usize, thing: usize) -> bool {
        thing / 8 < self.width
            && self.bytes.get(row * self.width + thing / 8).is_some_and(|b| b >> (thing % 8) & 1 == 1)
    }

    /// Marks a row for a thing.
    #[cfg(test)]
    pub(crate) fn mark(&mut self, row: usize, thing: usize) {
        if let Some(byte) = self.bytes.get_mut(row * self.width + thing / 8).filter(|_| thing / 8 < self.width) {
            *byte |= 1 << (thing % 8);
        }
    }

    /// Marks rows for a thing where `marked` says so; the rows are all there are.
    pub fn mark_all(&mut self, marked: &[bool], thing: usize) {
        let rows = self.bytes.chunks_exact_mut(self.width.max(1)).zip(marked);
        rows.for_each(|(row, marked)| row[thing / 8] |= u8::from(*marked) << (thing % 8));
    }

    /// The rows that have any mark.
    pub fn marked(&self) -> impl Iterator<Item = u32> {
        let rows = (0..).zip(self.bytes.chunks_exact(self.width.max(1)));
        rows.filter(|(_, row)| row.iter().any(|byte| *byte != 0)).map(|(row, _)| row)
    }

    /// Tells of each row whether it is marked for a thing.
    pub fn each(&self, thing: usize) -> impl ExactSizeIterator<Item = bool> {
        let bytes = self.bytes.iter().skip(thing / 8).step_by(self.width.max(1));
        bytes.map(move |byte| byte >> (thing % 8) & 1 == 1)
    }

    /// How many rows are marked for a thing.
    #[must_use]
    pub fn count(&self, thing: usize) -> usize {
        self.each(thing).map(usize::from).sum()
    }

    /// Takes in the marks of some rows of others, of the same things. Rows that are not there have none.
    pub fn extend(&mut self, others: &Self, rows: &[u32]) {
        match self.width {
            1 => self.bytes.extend(rows.iter().map(|row| others.bytes.get(*row as usize).copied().unwrap_or(0))),
            width => rows.iter().for_each(|row| {
                let (start, end) = (*row as usize * width, self.bytes.len() + width);
                self.bytes.extend_from_slice(others.bytes.get(start..start + width).unwrap_or_default());
                self.bytes.resize(end, 0);
            }),
        }
    }

    /// Whether any row is marked for a thing.
    #[must_use]
    pub fn any(&self, thing: usize) -> bool {
        self.each(thing).any(|marked| marked)
    }

    /// Takes in the marks of all rows of others, of the same things.
    pub fn append(&mut self, others: &Self) {
        self.width = self.width.max(others.width);
        self.bytes.extend_from_slice(&others.bytes);
    }

    /// The marks of rows as [`Self::bytes`] gave them, so many bytes a row.
    #[must_use]
    pub fn of_bytes(width: usize, bytes: Vec<u8>) -> Self {
        Self { width, bytes }
    }

    /// The marks, row after row.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The bytes that they hold.
    #[must_use]
    pub fn heap(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_marks_that_it_was_given_and_no_other() {
        for things in [3, 8, 9, 20] {
            let mut marks = Marks::new(4, things);
            marks.mark(2, things - 1);
            marks.mark_all(&[true, false, true, false], 0);
            marks.mark(9, 0);
            marks.mark(0, 64);
            let has = |marks: &Marks, row| (0..things).filter(|thing| marks.has(row, *thing)).collect::<Vec<_>>();
            assert_eq!(
                (0..4).map(|row| has(&marks, row)).collect::<Vec<_>>(),
                [vec![0], vec![], vec![0, things - 1], vec![]]
            );
            assert_eq!(marks.marked().collect::<Vec<_>>(), [0, 2]);
            assert_eq!(marks.each(things - 1).collect::<Vec<_>>(), [false, false, true, false]);
            let mut some = Marks::new(0, things);
            some.extend(&marks, &[2, u32::MAX]);
            some.append(&marks);
            assert_eq!((has(&some, 0), has(&some, 1), has(&some, 2)), (vec![0, things - 1], vec![], vec![0]));
            assert!(!some.has(6, 0) && !some.has(0, 64));
            assert_eq!((0..things).filter(|thing| marks.any(*thing)).collect::<Vec<_>>(), [0, things - 1]);
            assert_eq!((0..things).map(|thing| marks.count(thing)).sum::<usize>(), 3);
            assert_eq!((marks.count(0), marks.count(things - 1)), (2, 1));
            some.clear_like(&Marks::new(0, 30));
            some.extend(&Marks::new(1, 30), &[0, 7]);
            assert_eq!(some.heap(), 8);
            some.clear_like(&marks);
            some.reset(1);
            assert!(has(&some, 0).is_empty() && some.heap() == things.div_ceil(8));
        }
    }
}
