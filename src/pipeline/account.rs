//! A published record read back as an account, so that the verifier can hold the tables against it.

use crate::publish::{FatesRecord, Manifest, SliceRecord};
use crate::vocab::{
    Attrition, ColumnRecord, Decimal, Edge, ElementName, Fates, Kind, ProjectAccount, ProjectId, Release, Slice,
    SliceAccount, StepCount, TableRecord, Term, Truncate, Type, Year,
};
use serde_json::Value;

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
