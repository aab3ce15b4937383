//! A published record read back as an account, so that the verifier can hold the tables against it.

use crate::catalogue::Catalogue;
use crate::publish::{FatesRecord, Link, Manifest, SliceRecord, Source};
use crate::spec::Spec;
use crate::verify::Against;
use crate::vocab::{
    Attrition, ColumnRecord, Decimal, Edge, ElementName, Fates, Kind, LinkAccount, ProjectAccount, ProjectId, Release,
    Slice, SliceAccount, SourceRecord, StepCount, TableRecord, Term, Truncate, Type, Year,
};
use serde_json::Value;
use std::collections::BTreeSet;

/// The account of a record; `None` where a name, type or release in it is not one of ours.
pub(super) fn of(manifest: &Manifest) -> Option<ProjectAccount> {
    let steps = manifest.attrition.steps.iter().map(|s| StepCount {
        step: s.step.clone(),
        people_before: s.people_before,
        people_matched: s.people_matched,
        people_after: s.people_after,
    });
    let slices = manifest.slices.iter().map(|s| {
        Some(SliceAccount {
            element: ElementName::new(&s.element)?,
            slice: optional(s.slice.as_ref(), slice)?,
            fates: fates(&s.fates),
        })
    });
    let tables = manifest.tables.iter().map(|t| {
        let columns = t.columns.iter().map(|c| {
            Some(ColumnRecord {
                name: c.name.clone(),
                element: optional(c.element.as_ref(), |e| ElementName::new(e))?,
                variable: c.variable.clone(),
                kind: Type::parse(&c.kind)?,
                release: release(&c.release)?,
                missing: c.missing,
                unknown_codes: c.unknown_codes,
            })
        });
        Some(TableRecord {
            path: t.path.clone(),
            element: optional(t.element.as_ref(), |e| ElementName::new(e))?,
            slice: optional(t.slice.as_ref(), slice)?,
            rows: t.rows,
            persons: t.persons,
            bytes: t.bytes,
            sha256: t.sha256.clone(),
            sha512: t.sha512.clone(),
            columns: columns.collect::<Option<_>>()?,
            recipe: t.recipe.clone(),
        })
    });
    Some(ProjectAccount {
        project: ProjectId::new(&manifest.project.id)?,
        attrition: Attrition {
            steps: steps.collect(),
            excluded: manifest.attrition.excluded,
            persons: manifest.attrition.persons,
        },
        linked: manifest.linked.iter().map(|l| Some((Kind::new(&l.kind)?, l.persons))).collect::<Option<_>>()?,
        slices: slices.collect::<Option<_>>()?,
        tables: tables.collect::<Option<_>>()?,
    })
}

/// What in a record is not as it was counted and approved; `None` where it is.
pub(super) fn differs(manifest: &Manifest, against: &Against<'_>) -> Option<&'static str> {
    let spec = against.spec;
    if manifest.spec.sha256 != spec.sha256 || manifest.spec.text != spec.text {
        return Some("it holds another spec than the approved one");
    }
    if manifest.project.id != spec.project.id.as_str()
        || (manifest.revision, manifest.key.epoch) != (spec.revision, spec.epoch)
    {
        return Some("it names another project, revision or epoch of pseudonyms");
    }
    if against.account.is_some() && of(manifest).as_ref() != against.account {
        return Some("it holds other counts or digests than were made");
    }
    let mut read = sources(manifest);
    read.sort();
    if against.sources.is_some_and(|wanted| !wanted.iter().all(|source| read.binary_search(source).is_ok())) {
        return Some("it does not name every source that was read");
    }
    let mut absent = manifest.absent.iter().map(|a| (a.element.as_str(), a.slice.year.clone(), a.slice.term.clone()));
    let told: BTreeSet<_> = absent.by_ref().collect();
    if told != absent_slices(spec, against.catalogue) {
        return Some("it does not tell which approved slices were never collected");
    }
    None
}

/// Approved slices that the catalogue calls absent: those that years and terms name, less those that have tables.
fn absent_slices<'a>(spec: &'a Spec, catalogue: &'a Catalogue) -> BTreeSet<(&'a str, String, Option<String>)> {
    let mut absent = BTreeSet::new();
    for rows in spec.elements.iter().map(|request| &request.rows) {
        let Some(element) = catalogue.element(&rows.element).filter(|e| e.period.year_kind().is_some()) else {
            continue;
        };
        let there = element.slices(&rows.years, &rows.terms);
        let terms: Vec<Option<Term>> = match (element.terms.is_empty(), rows.terms.is_empty()) {
            (true, _) => vec![None],
            (false, true) => element.terms.iter().copied().map(Some).collect(),
            (false, false) => rows.terms.iter().copied().map(Some).collect(),
        };
        for year in rows.years.iter() {
            for term in terms.iter().copied().filter(|term| !there.contains(&Slice { year, term: *term })) {
                let term = term.map(|term| term.as_str().to_owned());
                absent.insert((element.name.as_str(), year.to_string(), term));
            }
        }
    }
    absent
}

/// The source files of a record.
pub(super) fn sources(manifest: &Manifest) -> Vec<SourceRecord> {
    let source =
        |s: &Source| SourceRecord { path: s.path.clone(), bytes: s.bytes, rows: s.rows, sha256: s.sha256.clone() };
    manifest.sources.iter().map(source).collect()
}

/// What the link tables held, as a record tells it; without those whose kind is none of ours.
pub(super) fn links(manifest: &Manifest) -> Vec<LinkAccount> {
    let link = |l: &Link| {
        Some(LinkAccount {
            table: l.table.clone(),
            kind: Kind::new(&l.kind)?,
            rows: l.rows,
            missing: l.missing,
            malformed: l.malformed,
            wrong_check: l.wrong_check,
            identifiers: l.identifiers,
            ambiguous: l.ambiguous,
            persons: l.persons,
        })
    };
    manifest.links.iter().filter_map(link).collect()
}

/// Nothing stays nothing; something must read.
fn optional<T, U>(value: Option<&T>, read: impl Fn(&T) -> Option<U>) -> Option<Option<U>> {
    match value {
        None => Some(None),
        Some(value) => read(value).map(Some),
    }
}

fn slice(record: &SliceRecord) -> Option<Slice> {
    Some(Slice { year: Year::parse(&record.year)?, term: optional(record.term.as_ref(), |t| Term::parse(t))? })
}

fn fates(record: &FatesRecord) -> Fates {
    Fates {
        rows_read: record.rows_read,
        missing: record.missing,
        malformed: record.malformed,
        unlinked: record.unlinked,
        ambiguous: record.ambiguous,
        excluded: record.excluded,
        out_of_cohort: record.out_of_cohort,
        unreadable_period: record.unreadable_period,
        other_period: record.other_period,
        filtered: record.filtered,
        kept: record.kept,
    }
}

/// A release as the record writes it: `"as_is"`, `{"round": "0.05"}`.
fn release(value: &Value) -> Option<Release> {
    if let Some(text) = value.as_str() {
        return match text {
            "as_is" => Some(Release::AsIs),
            "never" => Some(Release::Never),
            _ => None,
        };
    }
    let (name, value) = value.as_object()?.iter().next()?;
    let number = || Decimal::parse(value.as_str()?);
    Some(match name.as_str() {
        "pseudonymise" => Release::Pseudonymise(Kind::new(value.as_str()?)?),
        "truncate" => Release::Truncate(match value.as_str()? {
            "month" => Truncate::Month,
            "quarter" => Truncate::Quarter,
            "year" => Truncate::Year,
            _ => return None,
        }),
        "prefix" => Release::Prefix(value.as_u64().and_then(|n| u32::try_from(n).ok())?),
        "round" => Release::Round(number()?),
        "top_code" => Release::TopCode(number()?),
        "bottom_code" => Release::BottomCode(number()?),
        "bands" => Release::Bands(value.as_array()?.iter().map(|e| Edge::parse(e.as_str()?)).collect::<Option<_>>()?),
        _ => return None,
    })
}
