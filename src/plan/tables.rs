//! The tables that a spec asks for: their paths and layouts.

use super::model::{Layout, LinkedPlan, OutColumn, TablePlan};
use super::need::Part;
use crate::catalogue::{Element, Period};
use crate::spec::{Pick, Spec};
use crate::vocab::{ElementName, Release};
use std::collections::BTreeMap;
use std::sync::Arc;

type Elements = BTreeMap<ElementName, Arc<Element>>;

/// The tables of a spec's elements, in path order.
pub(super) fn tables(spec: &Spec, elements: &Elements, sources: impl Fn(&Part) -> Vec<String>) -> Vec<TablePlan> {
    let mut tables = Vec::new();
    for request in &spec.elements {
        let Some(element) = elements.get(&request.rows.element) else { continue };
        let layout = layout(element, &request.variables, "");
        let whole = (element.name.clone(), None);
        if element.period.year_kind().is_none() {
            let sources = sources(&whole);
            tables.push(TablePlan { element: element.name.clone(), slice: None, layout, sources });
            continue;
        }
        for slice in element.slices(&request.rows.years, &request.rows.terms) {
            let part = match element.period {
                Period::Slice { .. } => (element.name.clone(), Some(slice)),
                _ => whole.clone(),
            };
            let sources = sources(&part);
            tables.push(TablePlan {
                element: element.name.clone(),
                slice: Some(slice),
                layout: layout.clone(),
                sources,
            });
        }
    }
    tables.sort_by_key(TablePlan::path);
    tables
}

/// The linked tables of a spec, in its order.
pub(super) fn linked(spec: &Spec, elements: &Elements) -> Vec<LinkedPlan> {
    let mut plans = Vec::new();
    for linked in &spec.linked {
        let Some(base) = spec.elements.iter().find(|r| r.rows.element == linked.from) else { continue };
        let Some(element) = elements.get(&linked.from) else { continue };
        let mut layout = layout(element, &base.variables, "");
        let base_columns = layout.columns.len();
        let mut join_columns = Vec::new();
        for join in &linked.joins {
            let Some(element) = elements.get(&join.rows.element) else { continue };
            let columns = columns(element, &join.variables, &join.prefix);
            join_columns.push(columns.len());
            layout.columns.extend(columns);
        }
        plans.push(LinkedPlan { name: linked.name.clone(), layout, base_columns, join_columns });
    }
    plans
}

fn layout(element: &Element, picks: &[Pick], prefix: &str) -> Layout {
    Layout {
        year: element.period.year_kind(),
        term: !element.terms.is_empty(),
        columns: columns(element, picks, prefix),
    }
}

fn columns(element: &Element, picks: &[Pick], prefix: &str) -> Vec<OutColumn> {
    picks
        .iter()
        .filter_map(|pick| {
            let variable = element.variable(&pick.variable)?;
            Some(OutColumn {
                name: format!("{prefix}{}", variable.name),
                element: element.name.clone(),
                variable: variable.name.clone(),
                kind: pick.release.released_type(variable.kind),
                release: pick.release.clone(),
                codes: if pick.release == Release::AsIs { variable.codes.clone() } else { Vec::new() },
            })
        })
        .collect()
}
