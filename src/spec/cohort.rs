//! The cohort: a description and steps.

use super::{Cohort, Step, selection};
use crate::catalogue::Catalogue;
use crate::yaml::{Decoder, Fields, Node, listed};

const ACTS: [&str; 5] = ["include", "require", "exclude", "require_link", "sample"];

/// Reads the cohort. `None` where something in it is wrong.
pub(super) fn decode(decoder: &mut Decoder, node: &Node, catalogue: &Catalogue) -> Option<Cohort> {
    let what = "the cohort";
    let fields = decoder.fields(node, what, &["description", "steps"])?;
    let description = decoder.required(&fields, "description", what).and_then(|n| decoder.text(n, "the description"));
    let steps_node = decoder.required(&fields, "steps", what)?;
    let items = decoder.list(steps_node, "steps")?;
    if items.is_empty() {
        decoder.error(
            "nothing-requested",
            steps_node.mark,
            "the cohort has no step",
            "begin with `- include: ELEMENT`",
        );
        return None;
    }
    let mut steps = Vec::new();
    for (i, item) in items.iter().enumerate() {
        let step = step(decoder, item, catalogue, i == 0);
        steps.push(step);
    }
    Some(Cohort { description: description?, steps: steps.into_iter().collect::<Option<_>>()? })
}

fn step(decoder: &mut Decoder, node: &Node, catalogue: &Catalogue, first: bool) -> Option<Step> {
    let mut known = ACTS.to_vec();
    known.extend(selection::FIELDS);
    let fields = decoder.fields(node, "a step", &known)?;
    let acts: Vec<&str> = fields.names().filter(|n| ACTS.contains(n)).collect();
    let [act] = acts.as_slice() else {
        let message = if acts.is_empty() { "the step does nothing" } else { "the step does several things" };
        decoder.error("step-malformed", fields.mark, message, format!("give it one of {}", listed(&ACTS)));
        return None;
    };
    if first && *act != "include" {
        let message = format!("the cohort is still empty, so `{act}` has nobody to look at");
        decoder.error("first-step-not-include", fields.mark_of(act), message, "begin with `- include: ELEMENT`");
    }
    let value = fields.get(act)?;
    match *act {
        "require_link" => {
            alone(decoder, &fields, act);
            let kind = decoder.kind(value)?;
            let known = catalogue.link_kinds();
            if !known.contains(&&kind) {
                let names = known.iter().map(|k| k.as_str());
                decoder.unknown("unknown-kind", value.mark, "the kind", kind.as_str(), names);
                return None;
            }
            Some(Step::RequireLink(kind))
        }
        "sample" => {
            alone(decoder, &fields, act);
            let share = decoder.number(value, "sample")?.as_f64();
            if !(share > 0.0 && share <= 1.0) {
                decoder.error("out-of-range", value.mark, "sample is above 0 and at most 1", "write it like 0.1");
                return None;
            }
            Some(Step::Sample(share))
        }
        _ => {
            let element = selection::element(decoder, value, catalogue)?;
            let selection = selection::decode(decoder, &fields, element)?;
            Some(match *act {
                "include" => Step::Include(selection),
                "require" => Step::Require(selection),
                _ => Step::Exclude(selection),
            })
        }
    }
}

/// Reports fields that only steps on rows have.
fn alone(decoder: &mut Decoder, fields: &Fields<'_>, act: &str) {
    for name in fields.names().filter(|n| selection::FIELDS.contains(n)) {
        let message = format!("`{act}` looks at no rows, so it has no `{name}`");
        decoder.error("unknown-field", fields.mark_of(name), message, format!("leave `{name}` out"));
    }
}
