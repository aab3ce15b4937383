//! Tests of what the sources hold: identifiers that link, grains that hold, faults at the rates that were set.

use super::options::{Faults, Options};
use super::tests::{files, options, texts};
use super::world::write_world;
use crate::vocab::Silent;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Identifier to people, as a link table has it.
fn links(root: &Path, table: &str, column: &str) -> Vec<(Option<String>, Option<String>)> {
    let path = root.join("sources/link").join(table);
    texts(&path, "AE_ID").into_iter().zip(texts(&path, column)).collect()
}

fn people(pairs: &[(Option<String>, Option<String>)]) -> BTreeMap<String, BTreeSet<String>> {
    let mut map: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (person, identifier) in pairs {
        if let (Some(person), Some(identifier)) = (person, identifier)
            && !identifier.trim().is_empty()
        {
            map.entry(identifier.trim().to_owned()).or_default().insert(person.clone());
        }
    }
    map
}

#[test]
fn linked_joins_find_one_row_a_person_and_tax_year() {
    let folder = tempfile::tempdir().unwrap();
    let faults =
        Faults { second_identifier: 0.5, malformed_identifier: 0.05, duplicate_record: 0.2, ..Faults::default() };
    write_world(&Options { faults, ..options(folder.path(), 500) }, &Silent).unwrap();
    let known = people(&links(folder.path(), "ae_id_edukey.parquet", "EDUKEY"));
    let leo = folder.path().join("sources/leo");
    for tables in
        [files(&leo.join("earnings")), vec![leo.join("LEO_SA.parquet")], vec![leo.join("LEO_Geography.parquet")]]
    {
        let (mut seen, mut rows) = (BTreeSet::new(), 0);
        for table in tables {
            for (key, year) in texts(&table, "Edukey").into_iter().zip(texts(&table, "TaxYear")) {
                let Some(persons) = key.as_ref().and_then(|key| known.get(key.trim())) else { continue };
                let year: i32 = year.unwrap().parse().unwrap();
                if persons.len() == 1 && year % 100 == (year / 100 + 1) % 100 {
                    rows += 1;
                    assert!(seen.insert((persons.clone(), year)), "two rows of one person in {year}");
                }
            }
        }
        assert!(rows > 50, "{rows}");
    }
}

#[test]
fn without_faults_everything_links_and_nothing_is_twice() {
    let folder = tempfile::tempdir().unwrap();
    write_world(&Options { faults: Faults::none(), ..options(folder.path(), 300) }, &Silent).unwrap();
    let pmr = people(&links(folder.path(), "ae_id_pmr.parquet", "PUPILMATCHINGREFANONYMOUS"));
    let edukey = people(&links(folder.path(), "ae_id_edukey.parquet", "EDUKEY"));
    let recordid = people(&links(folder.path(), "ae_id_recordid.parquet", "RECORDID"));
    assert_eq!((pmr.len(), edukey.len()), (300, 300));
    assert!([&pmr, &edukey, &recordid].iter().all(|map| map.values().all(|persons| persons.len() == 1)));
    let sources = folder.path().join("sources");
    for (path, column, map) in files(&sources.join("ilr"))
        .into_iter()
        .map(|f| (f, "RECORDID".to_owned(), &recordid))
        .chain(files(&sources.join("hesa")).into_iter().map(|f| (f, "HE_PUPILMATCHINGREFANONYMOUS".to_owned(), &pmr)))
        .chain([(sources.join("leo/LEO_Employment.parquet"), "EduKey".to_owned(), &edukey)])
    {
        assert!(
            texts(&path, &column).iter().all(|v| v.as_ref().is_some_and(|v| map.contains_key(v))),
            "{}",
            path.display()
        );
    }
    let census = sources.join("npd/school_census/Spring_Census_2011.parquet");
    let pupils = texts(&census, "PupilMatchingRefAnonymous_spr11");
    assert_eq!(pupils.iter().collect::<BTreeSet<_>>().len(), pupils.len());
    assert!(texts(&census, "RecordStatus_spr11").iter().all(Option::is_none));
}

#[test]
fn faults_of_links_and_rows_come_at_their_rates() {
    let folder = tempfile::tempdir().unwrap();
    let faults = Faults {
        blank_identifier: 0.1,
        ambiguous_link: 0.05,
        double_link: 0.2,
        stranger: 0.15,
        unlinked_person: 0.25,
        second_identifier: 0.3,
        unknown_code: 0.1,
        open_spell: 0.1,
        default_date: 0.2,
        duplicate_record: 0.1,
        unreadable_period: 0.04,
        heavy_person: 1_500,
        ..Faults::none()
    };
    let persons = 1_500_u32;
    write_world(&Options { faults, ..options(folder.path(), u64::from(persons)) }, &Silent).unwrap();
    let persons = f64::from(persons);
    let near = |what: &str, seen: f64, wanted: f64| {
        assert!((seen - wanted).abs() < 0.02 + wanted * 0.15, "{what}: {seen} where {wanted} was set");
    };
    let count = |n: usize| f64::from(u32::try_from(n).unwrap());
    let pairs = links(folder.path(), "ae_id_edukey.parquet", "EDUKEY");
    let known = people(&pairs);
    let linked: BTreeSet<_> = known.values().filter(|p| p.len() == 1).flatten().collect();
    near("unlinked", 1.0 - count(linked.len()) / persons, 0.25 + 0.75 * 0.7 * 0.05);
    let ambiguous = count(known.values().filter(|p| p.len() > 1).count());
    near("ambiguous", ambiguous / count(known.len()), 0.05);
    let whole =
        || pairs.iter().filter(|(person, key)| person.is_some() && key.as_ref().is_some_and(|k| !k.trim().is_empty()));
    let doubles = whole().count() - whole().collect::<BTreeSet<_>>().len();
    near("double", count(doubles) / count(known.len()), 0.2);
    near("second", count(known.len()) / (0.75 * persons) - 1.0, 0.3);

    let employment = folder.path().join("sources/leo/LEO_Employment.parquet");
    let keys = texts(&employment, "EduKey");
    let rows = count(keys.len());
    let blank = keys.iter().filter(|k| k.as_ref().is_none_or(|k| k.trim().is_empty())).count();
    near("blank", count(blank) / rows, 0.1);
    let unknown = keys.iter().flatten().filter(|k| !k.trim().is_empty() && !known.contains_key(k.trim())).count();
    near("stranger or unlinked", count(unknown) / rows, 0.15 + 0.75 * 0.25);
    let starts = texts(&employment, "StartDate");
    near("no start", count(starts.iter().filter(|s| s.is_none()).count()) / rows, 0.04);
    let sure = |column: &str| texts(&employment, column).iter().filter(|v| v.as_deref() == Some("true")).count();
    near("default days", count(sure("UncertainStartDate") + sure("UncertainEndDate")) / rows, 0.2);
    let defaults = starts.iter().zip(texts(&employment, "UncertainStartDate"));
    assert!(
        defaults
            .filter(|(s, u)| u.as_deref() == Some("true") && s.is_some())
            .all(|(s, _)| s.as_ref().unwrap().contains("-04-06"))
    );
    let open =
        texts(&employment, "EndDate").iter().filter(|e| e.as_ref().is_none_or(|e| e.starts_with("9999"))).count();
    assert!(count(open) / rows > 0.1, "{open}");
    let heaviest = keys.iter().flatten().fold(BTreeMap::new(), |mut map: BTreeMap<&str, usize>, k| {
        *map.entry(k.trim()).or_default() += 1;
        map
    });
    assert!(heaviest.iter().filter(|(k, _)| !k.is_empty()).any(|(_, n)| *n > 400));

    let census = folder.path().join("sources/npd/school_census/Spring_Census_2010.parquet");
    let status: Vec<i32> = texts(&census, "RecordStatus_spr10").iter().flatten().map(|v| v.parse().unwrap()).collect();
    let second = status.iter().filter(|s| (101..=110).contains(*s)).count();
    assert_eq!(second, status.iter().filter(|s| (1..=10).contains(*s)).count());
    let gender = texts(&census, "Gender_spr10");
    near("duplicates", count(second) / count(gender.len()), 0.1 / 1.1);
    near(
        "unknown codes",
        count(gender.iter().flatten().filter(|g| *g != "M" && *g != "F").count()) / count(gender.len()),
        0.1,
    );
}
