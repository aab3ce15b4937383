//! The ranks of all projects' people side by side, so that one look at the memory serves every project.

use super::Cohort;
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

/// Nobody's rank.
const OUTSIDE: u32 = u32::MAX;

/// A row of a batch, and its person's rank in a project.
pub type Ranked = (u32, u32);

/// Each person's rank in each project.
#[derive(Debug, Default)]
pub struct Ranks {
    projects: usize,
    /// `projects` ranks a person, one person after the other.
    all: Vec<u32>,
}

/// Rows whose ranks are looked up together, so that the memory is asked for all of them before it is needed for one.
const TOGETHER: usize = 64;

impl Ranks {
    /// Of the cohorts of all projects, in which people are numbered below `people`. A project without a cohort has nobody.
    pub(crate) fn of<'a>(cohorts: impl Iterator<Item = Option<&'a Cohort>>, people: usize) -> Self {
        let cohorts: Vec<Option<&Cohort>> = cohorts.collect();
        let projects = cohorts.len();
        let mut all = vec![OUTSIDE; people * projects];
        // Each thread goes through everybody and takes its own people: their places follow no order.
        let share = people.div_ceil(rayon::current_num_threads()).max(1);
        all.par_chunks_mut(share * projects.max(1)).enumerate().for_each(|(thread, ranks)| {
            for (project, cohort) in cohorts.iter().enumerate() {
                let persons = cohort.map_or(&[][..], Cohort::persons);
                for (person, rank) in persons.iter().zip(0..) {
                    let here = (*person as usize).wrapping_sub(thread * share);
                    if here < share
                        && let Some(place) = ranks.get_mut(here * projects + project)
                    {
                        *place = rank;
                    }
                }
            }
        });
        Self { projects, all }
    }

    /// Picks, for each of some projects, the rows of its people. Numbers that are nobody's are in no project.
    pub(crate) fn pick(&self, persons: &[u32], projects: &[usize], picked: &mut [Vec<Ranked>]) {
        for picked in picked.iter_mut() {
            picked.clear();
            picked.resize(persons.len() + 1, (0, 0));
        }
        let mut next = vec![0; picked.len()];
        let mut row = 0;
        for persons in persons.chunks(TOGETHER) {
            let start = |person: u32| person as usize * self.projects;
            let touched = persons.iter().fold(0, |all, person| all ^ self.all.get(start(*person)).copied().unwrap_or(0));
            std::hint::black_box(touched);
            for person in persons {
                let ranks = self.all.get(start(*person)..start(*person) + self.projects).unwrap_or_default();
                for ((project, picked), next) in projects.iter().zip(picked.iter_mut()).zip(&mut next) {
                    let rank = ranks.get(*project).copied().unwrap_or(OUTSIDE);
                    // Without a branch: who is in which project is not to be foreseen.
                    picked[*next] = (row, rank);
                    *next += usize::from(rank != OUTSIDE);
                }
                row += 1;
            }
        }
        for (picked, next) in picked.iter_mut().zip(next) {
            picked.truncate(next);
        }
    }

    /// The bytes that they hold.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        u64::try_from(self.all.len() * size_of::<u32>()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::Attrition;

    #[test]
    fn each_project_picks_the_rows_of_its_own_people() {
        let cohort = |persons: &[u32]| {
            let named: Vec<_> = persons.iter().zip(0_u8..).map(|(person, rank)| ([rank; 10], *person)).collect();
            Cohort::of(&named, Attrition::default())
        };
        let (first, last) = (cohort(&[4, 0, 199]), cohort(&[0, 3]));
        let ranks = Ranks::of([Some(&first), None, Some(&last)].into_iter(), 200);
        assert_eq!(ranks.bytes(), 200 * 3 * 4);
        let mut persons = vec![0, 1, 3, 4, u32::MAX, u32::MAX - 1, 200, 0];
        persons.resize(100, 1);
        persons.push(199);
        let mut picked = vec![vec![(9, 9)]; 3];
        ranks.pick(&persons, &[2, 1, 0], &mut picked);
        assert_eq!(picked[0], [(0, 0), (2, 1), (7, 0)]);
        assert!(picked[1].is_empty());
        assert_eq!(picked[2], [(0, 1), (3, 0), (7, 1), (100, 2)]);
        Ranks::of([].into_iter(), 200).pick(&persons, &[0], &mut picked[..1]);
        assert!(picked[0].is_empty());
    }
}
