//! Who is in which project, and where there: each person's rank among the pseudonyms of each project.

use super::Cohort;
use crate::vocab::Marks;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

/// Nobody's rank.
pub(crate) const OUTSIDE: u32 = u32::MAX;

/// Each person's projects, and their rank in each.
#[derive(Debug, Default)]
pub struct Ranks {
    /// By person, marked for projects: so narrow that it stays near.
    members: Marks,
    /// By project, then by person.
    ranks: Vec<Vec<u32>>,
    /// How many people each project has.
    people: Vec<u32>,
}

impl Ranks {
    /// Of the cohorts of all projects, in which people are numbered below `people`. A project without a cohort has nobody.
    pub(crate) fn of<'a>(cohorts: impl Iterator<Item = Option<&'a Cohort>>, people: usize) -> Self {
        let cohorts: Vec<Option<&Cohort>> = cohorts.collect();
        let ranks_of = |cohort: &Option<&Cohort>| {
            let Some(cohort) = cohort else { return Vec::new() };
            let mut ranks = vec![OUTSIDE; people];
            for (person, rank) in cohort.persons().iter().zip(0..) {
                if let Some(place) = ranks.get_mut(*person as usize) {
                    *place = rank;
                }
            }
            ranks
        };
        let ranks: Vec<Vec<u32>> = cohorts.par_iter().map(ranks_of).collect();
        let mut members = Marks::new(people, ranks.len());
        for (project, ranks) in ranks.iter().enumerate().filter(|(_, ranks)| !ranks.is_empty()) {
            let inside: Vec<bool> = ranks.iter().map(|rank| *rank != OUTSIDE).collect();
            members.mark_all(&inside, project);
        }
        let people = cohorts.iter().map(|of| of.map_or(0, |of| u32::try_from(of.persons().len()).unwrap_or(u32::MAX)));
        Self { members, ranks, people: people.collect() }
    }

    /// Marks of rows for the projects that their persons are in. Numbers that are nobody's are in none.
    pub(crate) fn members(&self, persons: &[u32], rows: &mut Marks) {
        rows.clear_like(&self.members);
        rows.extend(&self.members, persons);
    }

    /// The rank of each person in a project, [`OUTSIDE`] for others; none where the project has no cohort.
    pub(crate) fn of_project(&self, project: usize) -> &[u32] {
        self.ranks.get(project).map_or(&[], Vec::as_slice)
    }

    /// How many people a project has.
    pub(crate) fn people(&self, project: usize) -> u32 {
        self.people.get(project).copied().unwrap_or(0)
    }

    /// The bytes that they hold.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let ranks: usize = self.ranks.iter().map(|ranks| ranks.len() * size_of::<u32>()).sum();
        u64::try_from(self.members.heap() + ranks).unwrap_or(u64::MAX)
    }
}

/// A cohort of so many people and its ranks, for the tests of other rooms: which person has each rank.
#[cfg(test)]
pub(crate) fn ranked(people: u32, person: impl Fn(u32) -> u32) -> (Cohort, std::sync::Arc<Ranks>) {
    let name = |rank: u32| std::array::from_fn(|at| rank.to_be_bytes().get(at).copied().unwrap_or(0));
    let named: Vec<_> = (0..people).map(|rank| (name(rank), person(rank))).collect();
    let cohort = Cohort::of(&named, crate::vocab::Attrition::default());
    let ranks = Ranks::of(std::iter::once(Some(&cohort)), people as usize);
    (cohort, std::sync::Arc::new(ranks))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::Attrition;

    #[test]
    fn each_project_has_its_own_people_in_its_own_order() {
        let cohort = |persons: &[u32]| {
            let named: Vec<_> = persons.iter().zip(0_u8..).map(|(person, rank)| ([rank; 10], *person)).collect();
            Cohort::of(&named, Attrition::default())
        };
        let (first, last) = (cohort(&[4, 0, 199]), cohort(&[0, 3]));
        let mut projects = vec![None; 10];
        (projects[0], projects[9]) = (Some(&first), Some(&last));
        let ranks = Ranks::of(projects.into_iter(), 200);
        assert_eq!(ranks.bytes(), 200 * 2 + 2 * 200 * 4);
        let persons = [0, 1, 3, 4, u32::MAX, u32::MAX - 1, 200, 199, 0];
        let mut rows = Marks::default();
        ranks.members(&persons, &mut rows);
        let of = |project| (0..persons.len()).filter(|row| rows.has(*row, project)).collect::<Vec<_>>();
        assert_eq!((of(0), of(1), of(9)), (vec![0, 3, 7, 8], vec![], vec![0, 2, 8]));
        let rank = |project, person: usize| ranks.of_project(project).get(person).copied();
        assert_eq!([4, 0, 199, 3].map(|person| rank(0, person)), [Some(0), Some(1), Some(2), Some(OUTSIDE)]);
        assert_eq!([0, 3, 4].map(|person| rank(9, person)), [Some(0), Some(1), Some(OUTSIDE)]);
        assert_eq!((rank(1, 0), rank(10, 0)), (None, None));
        assert_eq!([0, 1, 9, 10].map(|project| ranks.people(project)), [3, 0, 2, 0]);
    }
}
