//! Every document that a user writes, from its text to the validated type and to what a terminal shows. The first byte
//! chooses the document.
#![no_main]

mod common;

use common::{folder, found, told};
use jiff::civil::date;
use leo_extract::approval::{Records, approve};
use leo_extract::catalogue::{Catalogue, Document};
use leo_extract::config::Config;
use leo_extract::spec::{self, Spec};
use leo_extract::vocab::Findings;
use std::path::Path;
use std::sync::OnceLock;

const SPEC: &str = include_str!("../../../specs/projects/LEO-2019-001.yaml");
const APPROVAL: &str = include_str!("../../../specs/approvals/LEO-2019-001-r1.yaml");
const ELEMENT: &str = include_str!("../../../specs/catalogue/npd.cla.yaml");
const LINKS: &str = include_str!("../../../specs/catalogue/links.yaml");

/// The real catalogue: a spec is read against it.
fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/catalogue");
        Catalogue::read(&real, "catalogue").expect("the catalogue of the project is true")
    })
}

/// A small catalogue with one document in place of its own.
fn small(name: &str, text: &str) -> (Option<Catalogue>, Findings) {
    let mut documents = vec![("links.yaml", LINKS), ("npd.cla.yaml", ELEMENT)];
    documents.retain(|(own, _)| *own != name);
    documents.push((name, text));
    let documents = documents.into_iter().map(|(name, text)| Document { name: name.into(), text: text.into() });
    found(Catalogue::from_documents(documents.collect(), folder().to_str().unwrap_or_default()))
}

fn judged(spec: Spec, records: &Records, findings: &mut Findings) {
    let (approved, refused) = approve(spec, catalogue(), records, date(2020, 1, 6), None);
    assert_eq!(approved.is_none(), !refused.is_empty(), "approved or refused, never both nor neither");
    findings.extend(refused);
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else { return };
    let at = folder().join("x.yaml");
    if std::fs::write(&at, data).is_err() {
        return;
    }
    let shown = at.to_string_lossy().into_owned();
    if first % 6 == 0 {
        let (config, findings) = found(Config::read(&at));
        assert!(config.is_none() || findings.is_empty());
        told(&findings, folder());
        return;
    }
    let (text, mut findings) = found(leo_extract::yaml::read_text(&at, &shown));
    let Some(text) = text else {
        told(&findings, folder());
        return;
    };
    match first % 6 {
        1 => {
            let (spec, more) = spec::from_text(&text, &shown, catalogue());
            assert!(spec.is_some() || !more.is_empty(), "refused without a finding");
            findings.extend(more);
            if let Some(spec) = spec {
                let (records, _) = Records::from_documents(&[("LEO-2019-001-r1.yaml".into(), APPROVAL.into())], "");
                judged(spec, &records, &mut findings);
            }
        }
        2 => findings.extend(small("npd.cla.yaml", &text).1),
        3 => findings.extend(small("links.yaml", &text).1),
        4 => findings.extend(small("rules.yaml", &text).1),
        _ => {
            let (records, more) = Records::from_documents(&[("LEO-2019-001-r1.yaml".into(), text)], &shown);
            findings.extend(more);
            let (spec, _) = spec::from_text(SPEC, "spec.yaml", catalogue());
            judged(spec.expect("the spec of the project is valid"), &records, &mut findings);
        }
    }
    told(&findings, folder());
});
