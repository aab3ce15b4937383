//! One fault planted in a good world, which its project must be refused for, and no other.

use super::super::model::{Cell, Kind, Period, Release, Stored, Variable};
use super::super::random::Random;
use super::super::spec::{Condition, Fault, Linked, Operator, Step, World};

/// Plants a fault in the first project, where the world has a place for it.
pub(super) fn plant(world: &mut World, r: &mut Random) {
    if world.projects.is_empty() {
        return;
    }
    let order = r.some(&Fault::ALL, Fault::ALL.len());
    for fault in order {
        if planted(world, fault) {
            world.projects[0].fault = Some(fault);
            return;
        }
    }
}

/// Changes the world so that the fault is there. False where it has no place for it.
fn planted(world: &mut World, fault: Fault) -> bool {
    let before = world.clone();
    let project = &mut world.projects[0];
    let request = &mut project.requests[0];
    let element = before.element(&request.rows.element);
    let pick = request.picks[0].clone();
    let variable = element.variable(&pick.0);
    match fault {
        Fault::ReleaseTooFine if variable.release != Release::AsIs => request.picks[0].1 = Some(Release::AsIs),
        Fault::NeverReleased => {
            let Some(never) = element.variables.iter().find(|v| v.release == Release::Never) else { return false };
            request.picks.push((never.name.clone(), None));
        }
        Fault::YearOutside if element.has_years() => {
            request.rows.years = vec![(element.coverage.0, element.coverage.1 + 1)]
        }
        Fault::UnknownVariable => request.picks.push(("NoSuchVariable".to_owned(), None)),
        Fault::IdentifierRequested => request.picks.push((element.id_column.clone(), None)),
        Fault::BaseNotRequested => {
            let asked: Vec<&str> = before.projects[0].requests.iter().map(|r| r.rows.element.as_str()).collect();
            let Some(other) = before.elements.iter().find(|e| !asked.contains(&e.name.as_str())) else { return false };
            let Some(linked) = before.projects[0].linked.first() else { return false };
            project.linked.push(Linked { name: "other".to_owned(), from: other.name.clone(), ..linked.clone() });
        }
        Fault::BetweenBackwards if variable.kind == Kind::Date => {
            let values = vec![Cell::Date(100), Cell::Date(99)];
            let backwards = Condition::Test { variable: pick.0, operator: Operator::Between, values };
            request.rows.condition = Some(Condition::All { members: vec![backwards], bare: true });
        }
        Fault::DuplicateElement | Fault::SpecChanged | Fault::ApprovalExpired | Fault::ExpectationMissed => {
            // A join that fans out would refuse as well.
            project.linked.clear();
        }
        Fault::DecisionMissing => {
            return before.projects[0].requests.iter().any(|r| before.element(&r.rows.element).owner != "DfE");
        }
        Fault::ColumnMissing | Fault::ColumnType | Fault::ValueDoesNotConvert | Fault::SourceMissing => {
            return in_source(world, fault, variable);
        }
        _ => return false,
    }
    true
}

/// A fault in the one source that the first project includes people from. The other projects go.
fn in_source(world: &mut World, fault: Fault, released: &Variable) -> bool {
    let rows = world.projects[0].requests[0].rows.clone();
    let element = world.element(&rows.element).clone();
    let one_file = element.location.ends_with(".parquet") && !matches!(element.period, Period::Slice { .. });
    // The column must be read whatever the row: one file, no years of its own, nobody to be left out before.
    let read = one_file && released.was.is_empty() && released.years.is_none();
    let path = format!("sources/{}", element.location);
    let Some(at) = world.files.iter().position(|f| f.path == path) else { return false };
    if !read {
        return false;
    }
    let file = &mut world.files[at];
    let Some(column) = file.columns.iter_mut().find(|c| c.name.eq_ignore_ascii_case(&released.name)) else {
        return false;
    };
    match fault {
        Fault::ColumnMissing => {
            "Gone".clone_into(&mut column.name);
        }
        Fault::ColumnType => {
            let text = released.kind == Kind::Text;
            column.kind = if text { Kind::Bool } else { Kind::Text };
            column.stored = Stored::Plain;
            column.cells.iter_mut().for_each(|c| *c = if text { Cell::Bool(true) } else { Cell::text("1") });
        }
        Fault::ValueDoesNotConvert => {
            let last = column.cells.last_mut();
            match (released.kind, last) {
                (Kind::Date, Some(last)) => {
                    *last = Cell::Stamp(1_000);
                    column.kind = Kind::Timestamp;
                    column.stored = Stored::Micros;
                }
                (Kind::Int8 | Kind::Int16, Some(last)) => {
                    *last = Cell::Int(40_000);
                    column.kind = Kind::Int64;
                    column.stored = Stored::Plain;
                }
                _ => return false,
            }
        }
        _ => {
            world.files.remove(at);
        }
    }
    world.projects.truncate(1);
    world.projects[0].linked.clear();
    let ids = world.files.get(at).map(|_| ());
    // Everybody is included from the same file, so that the bad row is read for somebody.
    let all = super::super::spec::Selection { condition: None, ..rows };
    world.projects[0].steps = vec![Step::Include(all.clone())];
    world.projects[0].requests[0].rows = all;
    ids.is_some() || fault == Fault::SourceMissing
}
