//! What the approval demands: every table, its columns, its periods. Reckoned from spec and catalogue alone.

use super::tally::Tally;
use crate::catalogue::{Catalogue, Element, Period, Variable};
use crate::spec::{Pick, Request, Selection, Spec, Step};
use crate::vocab::{Edge, ElementName, Kind, Release, Slice, Truncate, Type, denied_variable};

/// A table that must be there.
#[derive(Debug)]
pub(super) struct Table<'a> {
    /// The path below `data/`, without extension: `npd.ks4/2010-2011`.
    pub(super) stem: String,
    /// The element, where it is an element's table.
    pub(super) element: Option<&'a ElementName>,
    /// The columns in order.
    pub(super) columns: Vec<Column<'a>>,
    /// The periods that its rows may be of; empty where its rows have none.
    pub(super) periods: Vec<Slice>,
    /// The blocks of columns, each from one selection of rows: the base first, then the joins.
    pub(super) parts: Vec<Part<'a>>,
    /// The share of people that the cohort's samples keep; for the table of people.
    pub(super) sample: Option<f64>,
}

impl Table<'_> {
    /// The slice, where the table is one of an element that is cut by year.
    pub(super) fn slice(&self) -> Option<Slice> {
        self.element.and(self.periods.first().copied())
    }
}

/// A column that must be there.
#[derive(Debug)]
pub(super) struct Column<'a> {
    /// Its name.
    pub(super) name: String,
    /// Its type.
    pub(super) kind: Type,
    /// What stands in it.
    pub(super) role: Role<'a>,
}

/// What stands in a column.
#[derive(Debug, Clone, Copy)]
pub(super) enum Role<'a> {
    /// The person's pseudonym.
    Person,
    /// The academic or tax year.
    Year,
    /// The term.
    Term,
    /// Whether the person has an unambiguous identifier of a kind; `required` where the cohort demands it of everyone.
    Linked { kind: &'a Kind, required: bool },
    /// A variable of an element.
    Variable { variable: &'a Variable, release: &'a Release },
}

/// A block of columns that come from one selection of rows.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// The element.
    pub(super) element: &'a Element,
    /// The rows asked for.
    pub(super) rows: &'a Selection,
    /// Its columns: the place in the table, the variable, and how it is released.
    pub(super) columns: Vec<(usize, &'a Variable, &'a Release)>,
    /// Whether it stands beside another element's rows: then a person without a match has only missing values in it.
    pub(super) joined: bool,
}

/// All tables that the approval demands, in path order, and refusals of what no approval may demand.
pub(super) fn tables<'a>(spec: &'a Spec, catalogue: &'a Catalogue, tally: &mut Tally) -> Vec<Table<'a>> {
    let mut tables = vec![persons(spec, catalogue)];
    for request in &spec.elements {
        tables.extend(of_element(request, catalogue, tally));
    }
    for linked in &spec.linked {
        let base = spec.elements.iter().find(|request| request.rows.element == linked.from);
        let Some((base, mut table)) = base.and_then(|request| {
            let element = catalogue.element(&request.rows.element)?;
            // What no approval may demand is refused once, where the element's own tables are.
            Some((element, base_table(request, element, &mut Tally::default())))
        }) else {
            tally.refuse(
                "not-in-catalogue",
                &format!("linked/{}.parquet", linked.name),
                "its base is not an approved element",
            );
            continue;
        };
        table.stem = format!("linked/{}", linked.name);
        table.periods = periods(base, &linked_rows(spec, linked.from.as_str()));
        for join in &linked.joins {
            match catalogue.element(&join.rows.element) {
                Some(element) => add_part(&mut table, element, &join.rows, &join.variables, Some(&join.prefix), tally),
                None => {
                    tally.refuse("not-in-catalogue", &table.stem, "a joined element is not in the catalogue");
                }
            }
        }
        tables.push(table);
    }
    tables.sort_by(|a, b| a.stem.cmp(&b.stem));
    tables
}

fn linked_rows<'a>(spec: &'a Spec, from: &str) -> Vec<&'a Selection> {
    spec.elements.iter().filter(|r| r.rows.element.as_str() == from).map(|r| &r.rows).collect()
}

fn persons<'a>(spec: &'a Spec, catalogue: &'a Catalogue) -> Table<'a> {
    let mut columns = vec![Column { name: "person_id".to_owned(), kind: Type::Text, role: Role::Person }];
    // A later `include` may bring people whom an earlier step never saw.
    let after_includes = || spec.cohort.steps.iter().rev().take_while(|step| !matches!(step, Step::Include(_)));
    let shares = after_includes().filter_map(|step| match step {
        Step::Sample(share) => Some(*share),
        _ => None,
    });
    let sample = shares.reduce(f64::min);
    for kind in catalogue.link_kinds() {
        // Whoever has a row that a step asks for was led to it by an identifier of the element's kind.
        let by = |rows: &Selection| catalogue.element(&rows.element).is_some_and(|e| e.identifier.kind == *kind);
        let required = after_includes().any(|step| match step {
            Step::RequireLink(required) => required == kind,
            Step::Require(rows) => by(rows),
            _ => false,
        });
        let mut includes = spec.cohort.steps.iter().filter(|step| matches!(step, Step::Include(_)));
        let required = required || includes.all(|step| step.selection().is_some_and(by));
        columns.push(Column {
            name: format!("linked_{kind}"),
            kind: Type::Bool,
            role: Role::Linked { kind, required },
        });
    }
    Table { stem: "persons".to_owned(), element: None, columns, periods: Vec::new(), parts: Vec::new(), sample }
}

fn of_element<'a>(request: &'a Request, catalogue: &'a Catalogue, tally: &mut Tally) -> Vec<Table<'a>> {
    let name = &request.rows.element;
    let Some(element) = catalogue.element(name) else {
        tally.refuse("not-in-catalogue", &format!("{name}/"), "the element is not in the catalogue");
        return Vec::new();
    };
    let table = |stem: String, periods: Vec<Slice>, tally: &mut Tally| {
        let mut table = base_table(request, element, tally);
        table.stem = format!("{name}/{stem}");
        table.element = Some(name);
        table.periods = periods;
        table
    };
    if element.period.year_kind().is_none() {
        return vec![table("all".to_owned(), Vec::new(), tally)];
    }
    let slices = element.slices(&request.rows.years, &request.rows.terms);
    let mut silent = Tally::default();
    let tallies = slices.iter().enumerate();
    tallies
        .map(|(i, slice)| table(slice.file_stem(), vec![*slice], if i == 0 { &mut *tally } else { &mut silent }))
        .collect()
}

fn periods(element: &Element, rows: &[&Selection]) -> Vec<Slice> {
    let mut periods: Vec<Slice> = rows.iter().flat_map(|rows| element.slices(&rows.years, &rows.terms)).collect();
    periods.sort_unstable();
    periods.dedup();
    periods
}

/// The columns that every table of a request begins with.
fn base_table<'a>(request: &'a Request, element: &'a Element, tally: &mut Tally) -> Table<'a> {
    let text = |name: &str, role| Column { name: name.to_owned(), kind: Type::Text, role };
    let mut columns = vec![text("person_id", Role::Person)];
    if let Some(kind) = element.period.year_kind() {
        columns.push(text(kind.column(), Role::Year));
        if !element.terms.is_empty() {
            columns.push(text("term", Role::Term));
        }
    }
    let (stem, periods, parts) = (String::new(), Vec::new(), Vec::new());
    let mut table = Table { stem, element: None, columns, periods, parts, sample: None };
    add_part(&mut table, element, &request.rows, &request.variables, None, tally);
    table
}

fn add_part<'a>(
    table: &mut Table<'a>,
    element: &'a Element,
    rows: &'a Selection,
    picks: &'a [Pick],
    prefix: Option<&str>,
    tally: &mut Tally,
) {
    let mut columns = Vec::with_capacity(picks.len());
    let place = format!("{}/", element.name);
    for pick in picks {
        let name = &pick.variable;
        let Some(variable) = element.variable(name) else {
            tally.refuse("not-in-catalogue", &place, format!("`{name}` is not a variable of the catalogue"));
            continue;
        };
        if let Some(why) = never(element, variable, &pick.release) {
            tally.refuse("never-released", &place, format!("`{name}` may not be released: {why}"));
        }
        columns.push((table.columns.len(), variable, &pick.release));
        table.columns.push(Column {
            name: format!("{}{name}", prefix.unwrap_or("")),
            kind: pick.release.released_type(variable.kind),
            role: Role::Variable { variable, release: &pick.release },
        });
    }
    table.parts.push(Part { element, rows, columns, joined: prefix.is_some() });
}

/// Why a variable may not leave in this form, whatever a spec says.
fn never(element: &Element, variable: &Variable, release: &Release) -> Option<&'static str> {
    let floor = &variable.release;
    if variable.name.eq_ignore_ascii_case(&element.identifier.column) {
        return Some("it is the identifier");
    }
    if *release == Release::Never || *floor == Release::Never {
        return Some("the catalogue says never");
    }
    if variable.sensitivity == 'A' {
        return Some("its sensitivity is A");
    }
    if !no_finer(release, floor) {
        return Some("the catalogue allows a coarser form only");
    }
    if *release == Release::AsIs {
        if variable.identifiability <= 2 {
            return Some("its identifiability is 1 or 2");
        }
        if denied_variable(&variable.name) {
            return Some("its name says that it identifies");
        }
    }
    None
}

/// Whether a form shows no more than the catalogue's: reckoned here anew, apart from what the spec's reader thinks.
fn no_finer(release: &Release, floor: &Release) -> bool {
    let values = |edges: &[Edge]| edges.iter().map(|edge| edge.value.as_f64()).collect::<Vec<_>>();
    match (release, floor) {
        (_, Release::AsIs) => true,
        (Release::Truncate(a), Release::Truncate(b)) => a >= b,
        (Release::Prefix(a), Release::Prefix(b)) => a <= b,
        (Release::Round(a), Release::Round(b)) => {
            let times = a.as_f64() / b.as_f64();
            times >= 1.0 - 1e-9 && (times - times.round()).abs() < 1e-9 * times
        }
        (Release::TopCode(a), Release::TopCode(b)) => a.as_f64() <= b.as_f64(),
        (Release::BottomCode(a), Release::BottomCode(b)) => a.as_f64() >= b.as_f64(),
        (Release::Bands(a), Release::Bands(b)) => {
            let b = values(b);
            values(a).iter().all(|edge| b.contains(edge))
        }
        (Release::Bands(a), Release::TopCode(n)) => values(a).iter().all(|edge| *edge <= n.as_f64()),
        (Release::Bands(a), Release::BottomCode(n)) => values(a).iter().all(|edge| *edge > n.as_f64()),
        (a, b) => a == b,
    }
}

/// A column of dates, and how many days after its own a cell may stand for: dates that are truncated say the first only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dates {
    /// The column.
    pub(super) column: usize,
    /// The most days that a truncated date leaves out.
    pub(super) slack: i32,
}

/// The columns of a spell's first and last day within a part, where they are released, as they are or truncated.
pub(super) fn spell_columns(part: &Part<'_>) -> Option<(Option<Dates>, Option<Dates>)> {
    let Period::Spell { start, end, .. } = &part.element.period else { return None };
    let dates = |name: &str| {
        let of = |(column, variable, release): &(usize, &Variable, &Release)| {
            let slack = match release {
                Release::AsIs => 0,
                Release::Truncate(Truncate::Month) => 30,
                Release::Truncate(Truncate::Quarter) => 91,
                Release::Truncate(Truncate::Year) => 365,
                _ => return None,
            };
            let is_date = matches!(variable.kind, Type::Date | Type::Timestamp);
            (is_date && variable.name.eq_ignore_ascii_case(name)).then_some(Dates { column: *column, slack })
        };
        part.columns.iter().filter_map(of).min_by_key(|dates| dates.slack)
    };
    Some((dates(start), dates(end)))
}
