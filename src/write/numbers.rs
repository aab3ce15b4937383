//! The numbers of a column's values, one a row, in as few bytes as they need.

/// A number a row, as narrow as they are.
#[derive(Debug)]
pub(super) enum Numbers {
    One(Vec<u8>),
    Two(Vec<u16>),
    Four(Vec<u32>),
}

impl Numbers {
    #[inline]
    pub(super) fn at(&self, row: usize) -> u32 {
        match self {
            Self::One(all) => all[row].into(),
            Self::Two(all) => all[row].into(),
            Self::Four(all) => all[row],
        }
    }

    pub(super) fn room(&self) -> usize {
        match self {
            Self::One(all) => all.capacity(),
            Self::Two(all) => all.capacity(),
            Self::Four(all) => all.capacity(),
        }
    }

    pub(super) fn heap(&self) -> usize {
        self.len() * self.width()
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(all) => all.len(),
            Self::Two(all) => all.len(),
            Self::Four(all) => all.len(),
        }
    }

    /// The bytes of each.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Two(_) => 2,
            Self::Four(_) => 4,
        }
    }

    /// The largest; 0 where there is none.
    pub(super) fn most(&self) -> u32 {
        match self {
            Self::One(all) => all.iter().max().copied().unwrap_or(0).into(),
            Self::Two(all) => all.iter().max().copied().unwrap_or(0).into(),
            Self::Four(all) => all.iter().max().copied().unwrap_or(0),
        }
    }

    /// The bytes of a number of so many values.
    pub(super) fn width_of(values: usize) -> usize {
        match values {
            0..=0xff => 1,
            0x100..=0xffff => 2,
            _ => 4,
        }
    }

    /// None yet, with room for so many rows of so many values.
    pub(super) fn for_values(values: usize, rows: usize) -> Self {
        match Self::width_of(values) {
            1 => Self::One(Vec::with_capacity(rows)),
            2 => Self::Two(Vec::with_capacity(rows)),
            _ => Self::Four(Vec::with_capacity(rows)),
        }
    }

    /// Takes the numbers of others in, each by what the map says of it.
    pub(super) fn extend_by(&mut self, others: &Self, map: &[u32]) {
        fn all<A: Copy + Into<u32>, B>(from: &[A], map: &[u32], to: &mut Vec<B>, narrow: impl Fn(u32) -> B) {
            to.extend(from.iter().map(|number| narrow(map[(*number).into() as usize])));
        }
        macro_rules! into {
            ($to:expr, $narrow:expr) => {
                match others {
                    Self::One(from) => all(from, map, $to, $narrow),
                    Self::Two(from) => all(from, map, $to, $narrow),
                    Self::Four(from) => all(from, map, $to, $narrow),
                }
            };
        }
        match self {
            Self::One(to) => into!(to, |n| u8::try_from(n).unwrap_or(0)),
            Self::Two(to) => into!(to, |n| u16::try_from(n).unwrap_or(0)),
            Self::Four(to) => into!(to, |n| n),
        }
    }

    /// Takes numbers in, of which `most` is the largest.
    pub(super) fn extend(&mut self, more: &[u32], most: usize) {
        match self {
            Self::One(all) if most > u8::MAX.into() => *self = Self::Two(wider(all)),
            _ => {}
        }
        match self {
            Self::Two(all) if most > u16::MAX.into() => *self = Self::Four(wider(all)),
            _ => {}
        }
        match self {
            Self::One(all) => all.extend(more.iter().map(|n| u8::try_from(*n).unwrap_or(0))),
            Self::Two(all) => all.extend(more.iter().map(|n| u16::try_from(*n).unwrap_or(0))),
            Self::Four(all) => all.extend_from_slice(more),
        }
    }
}

/// The same numbers with more bits each, and the same room.
fn wider<A: Copy, B: From<A>>(all: &Vec<A>) -> Vec<B> {
    let mut wider = Vec::with_capacity(all.capacity());
    wider.extend(all.iter().map(|number| B::from(*number)));
    wider
}
