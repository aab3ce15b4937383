//! One fault planted in a good world, which its project must be refused for, and no other.

use super::super::model::{Cell, Element, Kind, Period, Release, Stored, Variable};
use super::super::random::Random;
use super::super::spec::{Condition, Fault, Join, Linked, Operator, Project, Selection, Step, World};

/// Faults that need a place of their own, tried before those that fit everywhere.
const RARE: [Fault; 6] = [
    Fault::ReleaseTooFine,
    Fault::NeverReleased,
    Fault::YearOutside,
    Fault::BaseNotRequested,
    Fault::BetweenBackwards,
    Fault::DecisionMissing,
];
const COMMON: [Fault; 6] = [
    Fault::UnknownVariable,
    Fault::IdentifierRequested,
    Fault::DuplicateElement,
    Fault::SpecChanged,
    Fault::ApprovalExpired,
    Fault::ExpectationMissed,
];
const OF_SOURCES: [Fault; 4] =
    [Fault::ColumnMissing, Fault::ColumnType, Fault::ValueDoesNotConvert, Fault::SourceMissing];

/// Plants a fault in some worlds: in a source, or in a bad twin of a good project, which must be built all the same.
pub(super) fn plant(world: &mut World, r: &mut Random) {
    if world.projects.is_empty() {
        return;
    }
    if r.chance(18) {
        let order = r.some(&OF_SOURCES, OF_SOURCES.len());
        if let Some(fault) = order.into_iter().find(|fault| in_source(world, *fault)) {
            world.projects[0].fault = Some(fault);
        }
    } else if r.chance(60) {
        let mut order = r.some(&RARE, RARE.len());
        order.extend(r.some(&COMMON, COMMON.len()));
        if r.chance(40) {
            order.rotate_left(RARE.len());
        }
        let good = r.one(&world.projects);
        let twin = |fault: Fault| {
            let id = format!("{}-X", good.id);
            let mut twin = Project { id, fault: Some(fault), ..good.clone() };
            in_spec(world, &mut twin, fault).then_some(twin)
        };
        if let Some(twin) = order.into_iter().find_map(twin) {
            world.projects.push(twin);
        }
    }
}

/// Changes a project so that the fault is in it. False where it has no place for it.
fn in_spec(world: &World, project: &mut Project, fault: Fault) -> bool {
    let asked: Vec<String> = project.requests.iter().map(|r| r.rows.element.clone()).collect();
    let first = world.element(&asked[0]);
    match fault {
        Fault::ReleaseTooFine => {
            let of = |name: &str, element: &str| world.element(element).variable(name).release.clone();
            for request in &mut project.requests {
                let element = request.rows.element.clone();
                let coarse = |pick: &&mut (String, Option<Release>)| of(&pick.0, &element) != Release::AsIs;
                if let Some(pick) = request.picks.iter_mut().find(coarse) {
                    pick.1 = Some(Release::AsIs);
                    return true;
                }
            }
            return false;
        }
        Fault::NeverReleased => {
            for request in &mut project.requests {
                let element = world.element(&request.rows.element);
                if let Some(never) = element.variables.iter().find(|v| v.release == Release::Never) {
                    request.picks.push((never.name.clone(), None));
                    return true;
                }
            }
            return false;
        }
        Fault::YearOutside => {
            let mut dated = project.requests.iter_mut().filter(|r| world.element(&r.rows.element).has_years());
            let Some(request) = dated.next() else { return false };
            let (first, last) = world.element(&request.rows.element).coverage;
            request.rows.years = vec![(first, last + 1)];
        }
        Fault::BaseNotRequested => {
            let join = Join {
                rows: project.requests[0].rows.clone(),
                picks: project.requests[0].picks.clone(),
                prefix: "x_".to_owned(),
            };
            let spare = if project.requests.len() > 1 { project.requests.pop() } else { None };
            let from = spare.map(|r| r.rows.element);
            let other = || world.elements.iter().find(|e| !asked.contains(&e.name)).map(|e| e.name.clone());
            let Some(from) = from.or_else(other) else { return false };
            project.linked = vec![Linked { name: "other".to_owned(), from, joins: vec![join] }];
        }
        Fault::BetweenBackwards => {
            let Some((variable, values)) = first.variables.iter().find_map(|v| Some((v, backwards(v)?))) else {
                return false;
            };
            let (variable, operator) = (variable.name.clone(), Operator::Between);
            let members = vec![Condition::Test { variable, operator, values }];
            project.requests[0].rows.condition = Some(Condition::All { members, bare: true });
        }
        Fault::DecisionMissing => return asked.iter().any(|name| world.element(name).owner != "DfE"),
        Fault::UnknownVariable => project.requests[0].picks.push(("NoSuchVariable".to_owned(), None)),
        Fault::IdentifierRequested => project.requests[0].picks.push((first.id_column.clone(), None)),
        // A join that fans out would refuse as well.
        _ => project.linked.clear(),
    }
    true
}

/// Two values of a variable, the greater first.
fn backwards(variable: &Variable) -> Option<Vec<Cell>> {
    match variable.kind {
        Kind::Bool | Kind::Decimal(_, _) => None,
        Kind::Float32 | Kind::Float64 => Some(vec![Cell::Float(2.0), Cell::Float(1.0)]),
        Kind::Text => Some(vec![Cell::text("b"), Cell::text("a")]),
        Kind::Date | Kind::Timestamp => Some(vec![Cell::Date(100), Cell::Date(99)]),
        _ => Some(vec![Cell::Int(2), Cell::Int(1)]),
    }
}

/// A fault in a source that the first project reads; the world has no other project then.
fn in_source(world: &mut World, fault: Fault) -> bool {
    for request in world.projects[0].requests.clone() {
        let element = world.element(&request.rows.element).clone();
        if matches!(element.period, Period::Slice { .. }) {
            continue;
        }
        for (name, _) in &request.picks {
            if spoil(world, &element, element.variable(name), fault) {
                // Everybody is included from that source, so that it is read whatever the other steps would have done.
                let rows = Selection { condition: None, ..request.rows };
                world.projects.truncate(1);
                let project = &mut world.projects[0];
                project.linked.clear();
                project.steps = vec![Step::Include(rows.clone())];
                let own = project.requests.iter_mut().find(|r| r.rows.element == element.name);
                own.unwrap().rows = rows;
                return true;
            }
        }
    }
    false
}

fn spoil(world: &mut World, element: &Element, variable: &Variable, fault: Fault) -> bool {
    let path = format!("sources/{}", element.location);
    let below = format!("{path}/");
    if fault == Fault::SourceMissing {
        world.files.retain(|f| f.path != path && !f.path.starts_with(&below));
        return true;
    }
    // A column that every row is read from: no other names, no years of its own.
    if !variable.was.is_empty() || variable.years.is_some() || ["Yr", "St", "En"].contains(&variable.name.as_str()) {
        return false;
    }
    let holds = |path_of: &str| path_of == path || path_of.starts_with(&below);
    let Some(file) = world.files.iter_mut().find(|f| holds(&f.path) && f.rows() > 0) else { return false };
    let same = |name: &str| name.to_lowercase() == variable.name.to_lowercase();
    let Some(column) = file.columns.iter_mut().find(|c| same(&c.name)) else { return false };
    match fault {
        Fault::ColumnMissing => "Gone".clone_into(&mut column.name),
        Fault::ColumnType => {
            let text = variable.kind == Kind::Text;
            column.kind = if text { Kind::Bool } else { Kind::Text };
            column.stored = Stored::Plain;
            column.cells.iter_mut().for_each(|c| *c = if text { Cell::Bool(true) } else { Cell::text("1") });
        }
        _ => {
            let (kind, stored, bad) = match variable.kind {
                Kind::Date => (Kind::Timestamp, Stored::Micros, Cell::Stamp(1_000)),
                Kind::Int8 | Kind::Int16 => (Kind::Int64, Stored::Plain, Cell::Int(40_000)),
                Kind::Int32 => (Kind::Int64, Stored::Plain, Cell::Int(3_000_000_000)),
                _ => return false,
            };
            (column.kind, column.stored) = (kind, stored);
            *column.cells.last_mut().unwrap() = bad;
        }
    }
    // The spoilt file is written by Arrow's writer.
    file.columns.iter_mut().filter(|c| c.stored == Stored::Int96).for_each(|c| c.stored = Stored::Micros);
    true
}
