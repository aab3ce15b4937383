//! The catalogue, the example specs and their approvals, carried in the program: a world is written from nothing else.

/// The files of one folder: name and text.
pub(super) type Files = &'static [(&'static str, &'static str)];

macro_rules! files {
    ($folder:literal: $($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../specs/", $folder, "/", $name)))),*]
    };
}

/// The catalogue.
pub(super) const CATALOGUE: Files = files!("catalogue":
    "dwp.benefits.yaml"
    "dwp.geography.yaml"
    "hesa.student.yaml"
    "hmrc.cjrs.yaml"
    "hmrc.earnings.yaml"
    "hmrc.employment.yaml"
    "hmrc.self_assessment.yaml"
    "ilr.aims.yaml"
    "ilr.learners.yaml"
    "links.yaml"
    "npd.absence.yaml"
    "npd.cin.yaml"
    "npd.cla.yaml"
    "npd.exclusions.yaml"
    "npd.ks2.yaml"
    "npd.ks4.yaml"
    "npd.ks5.yaml"
    "npd.nccis.yaml"
    "npd.plams.yaml"
    "npd.school_census.yaml"
    "rules.yaml"
);

/// The example specs.
pub(super) const PROJECTS: Files = files!("projects":
    "LEO-2019-001.yaml"
    "LEO-2019-002.yaml"
    "LEO-2019-003.yaml"
    "LEO-2019-004.yaml"
    "LEO-2019-005.yaml"
);

/// Their approvals.
pub(super) const APPROVALS: Files = files!("approvals":
    "LEO-2019-001-r1.yaml"
    "LEO-2019-002-r1.yaml"
    "LEO-2019-003-r1.yaml"
    "LEO-2019-004-r1.yaml"
    "LEO-2019-005-r1.yaml"
);
