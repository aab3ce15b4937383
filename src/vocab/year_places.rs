//! The places of years in a set, by a table: rows ask for theirs one by one.

use super::{Year, Years};

/// Where each year of a set stands in its order.
#[derive(Debug, Clone)]
pub struct YearPlaces {
    first: i16,
    places: Vec<Option<usize>>,
}

impl YearPlaces {
    /// The places of a set's years.
    #[must_use]
    pub fn of(years: &Years) -> Self {
        let first = years.iter().next().map_or(0, |year| year.0);
        let last = years.iter().next_back().map_or(-1, |year| year.0);
        let mut next = 0..;
        let places = (first..=last).map(|year| years.contains(Year(year)).then(|| next.next()).flatten()).collect();
        Self { first, places }
    }

    /// The place of a start year; `None` outside the set.
    #[must_use]
    pub fn place(&self, year: i16) -> Option<usize> {
        let offset = usize::try_from(i32::from(year) - i32::from(self.first)).ok()?;
        self.places.get(offset).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_set_in_order() {
        let mut years = Years::parse("2001/2002..2003/2004").unwrap();
        years.extend(&Years::parse("2006/2007").unwrap());
        let places = YearPlaces::of(&years);
        for (place, year) in years.iter().enumerate() {
            assert_eq!(places.place(year.0), Some(place));
        }
        for outside in [i16::MIN, 0, 2000, 2004, 2005, 2007, i16::MAX] {
            assert_eq!(places.place(outside), None);
        }
        assert_eq!(YearPlaces::of(&Years::default()).place(0), None);
    }
}
