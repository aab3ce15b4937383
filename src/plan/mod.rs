//! The plan: approved specs and the survey become pure data. Every choice is made here; later rooms only obey.

mod kept;
mod make;
mod model;
mod need;
mod scan;
mod show;
mod tables;

pub use kept::Paths;
pub use make::{Input, make};
pub use model::{
    ElementScan, ExclusionScan, Flag, Ground, Layout, LinkScan, LinkedPlan, Linking, OutColumn, PEOPLE, Plan,
    ProjectPlan, Purpose, Stand, TablePlan, Unit, View, ViewColumn, Want, term_rank,
};
pub use show::{as_json, as_text, of_project};
