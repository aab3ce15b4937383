//! Tables that were proved before are not read again where their bytes are the same; where anything that they were judged by is
//! not, they are.

use super::fixture::{CENSUS, JOBS, KS4, PEOPLE, rows};
use super::world::World;
use crate::spec::{Selection, Step};
use crate::verify::{Against, Before, RULES, Verdict, tables_while};
use crate::vocab::{Silent, StepCount, Term};
use arrow::array::{ArrayRef, BooleanArray, Date32Array, Int8Array};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// An extract, and the record of a version before that had the same tables.
struct Again {
    world: World,
    record: Value,
}

/// Counts an extract as an honest builder would, whatever its steps.
fn count(world: &mut World) {
    world.count();
    let steps = world.spec.cohort.steps.iter().enumerate().map(|(i, step)| StepCount {
        step: step.in_words(),
        people_before: if i == 0 { 0 } else { PEOPLE as u64 },
        people_matched: if matches!(step, Step::Exclude(_)) { 0 } else { PEOPLE as u64 },
        people_after: PEOPLE as u64,
    });
    let steps = steps.collect();
    world.account.as_mut().unwrap().attrition.steps = steps;
}

impl Again {
    fn new(mut world: World) -> Self {
        count(&mut world);
        let verdict = world.verdict();
        let record = json!({
            "tool": {"name": "leo-extract", "version": env!("CARGO_PKG_VERSION")},
            "project": {"id": world.spec.project.id},
            "spec": {"sha256": world.spec.sha256},
            "catalogue": {"digest": world.catalogue.digest},
            "tables": world.account.as_ref().unwrap().tables,
            "proof": {"rules": RULES, "tables": verdict.of_tables},
        });
        Self { world, record }
    }

    /// An extract whose spells lie outside the years, which only a look at its rows can tell.
    fn with_spells_of_other_years() -> Self {
        let mut again = Self::new(World::new());
        let days: ArrayRef = Arc::new(Date32Array::from(vec![15_000; 2 * PEOPLE]));
        again.world.replace(JOBS, "StartDate", Arc::clone(&days));
        again.world.replace(JOBS, "EndDate", days);
        again.record_as_it_is();
        again
    }

    /// Has account and record tell of the tables as they are, whatever the verifier would say of them.
    fn record_as_it_is(&mut self) {
        count(&mut self.world);
        self.record["tables"] = json!(self.world.account.as_ref().unwrap().tables);
    }

    fn verdict_of(&self, sha256: &str) -> Verdict {
        let World { spec, catalogue, account, .. } = &self.world;
        let against = Against { spec, catalogue, account: account.as_ref(), sources: None };
        let record = self.world.folder.path().join("before.json");
        std::fs::write(&record, self.record.to_string()).unwrap();
        let before = Before { record: &record, sha256 };
        tables_while(&self.world.data(), &against, Some(&before), (2, &Silent)).unwrap()
    }

    fn verdict(&self) -> Verdict {
        self.verdict_of(&sha256(&self.record.to_string()))
    }

    /// How many tables were not read again, and what was refused.
    fn told(&self) -> (u64, Vec<&'static str>) {
        let verdict = self.verdict();
        (verdict.proved_before, verdict.findings.iter().map(|finding| finding.code).collect())
    }
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

const OUTSIDE: &str = "spell-outside-years";

#[test]
fn what_was_proved_is_not_read_again_and_comes_to_the_same() {
    let again = Again::new(World::new());
    let (whole, quick) = (again.world.verdict(), again.verdict());
    assert!(whole.passes() && quick.passes(), "{:?}", quick.findings);
    assert_eq!((whole.proved_before, quick.proved_before), (0, 5));
    assert_eq!((whole.checks, whole.of_tables), (quick.checks, quick.of_tables));
    // It is the digest that vouches for the rows.
    assert_eq!(Again::with_spells_of_other_years().told(), (5, vec![]));
}

#[test]
fn whatever_a_table_is_judged_by_has_it_read_again() {
    let changes: [fn(&mut Value); 8] = [
        |record| record["tool"]["version"] = "0.0.9".into(),
        |record| record["project"]["id"] = "LEO-2".into(),
        |record| record["spec"]["sha256"] = "00".into(),
        |record| record["catalogue"]["digest"] = "00".into(),
        |record| record["proof"]["rules"] = (RULES - 1).into(),
        |record| record["proof"]["tables"] = json!({}),
        |record| record["proof"]["tables"]["hmrc.employment/all.parquet"]["no-such-check"] = 1.into(),
        |record| drop(record.as_object_mut().unwrap().remove("tables")),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut again = Again::with_spells_of_other_years();
        change(&mut again.record);
        let (proved, codes) = again.told();
        assert!(proved == 0 || index == 6 && proved == 4, "{index}: {proved}");
        assert_eq!(codes, [OUTSIDE], "{index}");
    }
    // A record that the ledger does not know, other people, other bytes, other forms.
    let again = Again::with_spells_of_other_years();
    let verdict = again.verdict_of(&sha256("another record"));
    assert_eq!((verdict.proved_before, verdict.findings[0].code), (0, OUTSIDE));
    let mut again = Again::with_spells_of_other_years();
    let linked: ArrayRef = Arc::new((0..PEOPLE).map(|i| Some(i % 2 == 1)).collect::<BooleanArray>());
    again.world.replace("persons", "linked_edukey", linked);
    count(&mut again.world);
    assert_eq!(again.told(), (0, vec![OUTSIDE]));
    let mut again = Again::new(World::new());
    again.world.replace(CENSUS, "OnRoll", Arc::new(Int8Array::from(vec![0; PEOPLE])));
    count(&mut again.world);
    assert_eq!(again.told(), (4, vec!["condition-not-met"]));
    let mut again = Again::with_spells_of_other_years();
    again.world.tables.keys().for_each(|stem| again.world.write_csv(stem));
    again.world.spec.output.csv = true;
    assert_eq!(again.told(), (0, vec![OUTSIDE]));
}

#[test]
fn tables_that_say_something_together_are_read_together() {
    // A linked table and what it repeats.
    let mut again = Again::new(World::new());
    again.world.replace(KS4, "Level2", Arc::new(Int8Array::from(vec![1; PEOPLE])));
    count(&mut again.world);
    assert_eq!(again.told(), (2, vec!["linked-differs"]));
    // That everybody is rightly there, the rows of all steps tell; that somebody is wrongly there, each row by itself.
    let spring = || Selection { terms: vec![Term::Spring], ..rows("npd.school_census", "2010/2011") };
    let told = |steps: Vec<Step>| {
        let mut world = World::new();
        world.spec.elements[1].rows.condition = None;
        world.spec.cohort.steps = steps;
        let mut again = Again::new(world);
        let half = |array: &ArrayRef| array.slice(0, PEOPLE / 2);
        again.world.change(CENSUS, |columns| columns.iter_mut().for_each(|(_, array)| *array = half(array)));
        count(&mut again.world);
        let (proved, codes) = again.told();
        (proved, codes.contains(&"cohort-step-contradicted"))
    };
    let jobs = || rows("hmrc.employment", "2015/2016..2016/2017");
    assert_eq!(told(vec![Step::Include(spring())]), (4, true));
    assert_eq!(told(vec![Step::Include(spring()), Step::Include(jobs())]), (3, false));
    assert_eq!(told(vec![Step::Include(jobs()), Step::Exclude(spring())]), (4, true));
    assert_eq!(told(vec![Step::Include(jobs())]), (4, false));
}
