//! Each command: settings from flags, environment, config and defaults; then the one call; then what is shown.

use super::args::{Arguments, Command, Common, DEFAULT_CONFIG, Document, Format, Keys, Projects, Synth};
use super::progress::Progress;
use super::quote::Quotable;
use super::{show, signal, tables};
use crate::config::Config;
use crate::keys::Keyring;
use crate::pipeline::{self, Settings};
use crate::vocab::{Error, ExitCode, Findings, KeyId, Observer, Result, Severity};
use crate::{approval, catalogue, config, publish, spec, synth};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// Runs a command to its exit code.
pub(super) fn run(arguments: &Arguments) -> ExitCode {
    let common = &arguments.common;
    let outcome = match &arguments.command {
        Command::Build { projects, anew } => build(common, projects, *anew),
        Command::Check(projects) => check(common, projects),
        Command::Plan(projects) => plan(common, projects),
        Command::Verify { extracts, rebuild } => verify(common, extracts, *rebuild),
        Command::Audit { heads } => audit(common, heads),
        Command::Synth(options) => synth_world(common, options),
        Command::Keys { action } => keys(common, action),
        Command::Schema { document } => schema(common, *document),
    };
    outcome.unwrap_or_else(|error| {
        show::error(&error, &quotable(common), common.format);
        error.exit_code()
    })
}

/// What may be quoted beside the findings of a run that came to its end, or did not.
fn quotable(common: &Common) -> Quotable {
    match Config::read(&common.config) {
        Ok(config) => Quotable::of(&config, &keyring_path(common, Some(&config))),
        Err(_) => Quotable::config(&common.config),
    }
}

fn observer(common: &Common) -> Arc<dyn Observer> {
    signal::watch();
    Arc::new(Progress::new(common.quiet, common.log_format == Format::Json))
}

/// Settings: the flag, then `LEO_…`, then the config, then the default.
fn settings(common: &Common, as_of: Option<jiff::civil::Date>) -> Result<Settings> {
    let config = Config::read(&common.config)?;
    let today = jiff::ZonedDateTime::now().date();
    Ok(Settings {
        keyring: keyring_path(common, Some(&config)),
        threads: common.threads.or(config.threads).unwrap_or_else(cores),
        memory: common.memory.or(config.memory).unwrap_or_else(memory),
        as_of: as_of.unwrap_or(today),
        as_of_is_today: as_of.is_none_or(|day| day == today),
        anew: false,
        config,
    })
}

/// The keyring: flag or environment, then the systemd credential, then the config.
fn keyring_path(common: &Common, config: Option<&Config>) -> PathBuf {
    let credential = || {
        let path = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join("leo.keyring");
        path.is_file().then_some(path)
    };
    let configured = || config.and_then(|c| c.keyring.clone());
    common.keyring.clone().or_else(credential).or_else(configured).unwrap_or_else(|| PathBuf::from("leo.keyring"))
}

/// The keyring that `keys` works on. A config that cannot be read is no reason to make keys elsewhere: only where none
/// was named and none is there does a keyring lie where one stands.
fn keys_path(common: &Common) -> Result<PathBuf> {
    if common.keyring.is_some() {
        return Ok(keyring_path(common, None));
    }
    let none = !common.config.exists() && common.config.as_os_str() == DEFAULT_CONFIG;
    let config = if none { None } else { Some(Config::read(&common.config)?) };
    Ok(keyring_path(common, config.as_ref()))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// 8 GiB, or half of the machine's memory where that is less.
fn memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes: Option<u64> =
        text.lines().find_map(|l| l.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse().ok());
    kilobytes.map_or(8 << 30, |kb| (kb * 1024 / 2).clamp(256 << 20, 8 << 30))
}

fn build(common: &Common, projects: &Projects, anew: bool) -> Result<ExitCode> {
    // Before anything is read, so that a signal finds its watcher whenever it comes.
    let observer = observer(common);
    let settings = Settings { anew, ..settings(common, projects.as_of)? };
    let outcome = pipeline::build(&settings, &projects.specs, &observer)?;
    let exit = ExitCode::of(&outcome.findings);
    match common.format {
        Format::Json => show::print_json(&json!({
            "built": outcome.built.iter().map(tables::built_json).collect::<Vec<_>>(),
            "unchanged": outcome.unchanged.iter().map(tables::unchanged_json).collect::<Vec<_>>(),
            "findings": show::sorted(&outcome.findings), "exit": exit as u8,
        })),
        Format::Text => {
            // Errors, and what only a build sees, whole; other warnings were there at `check`: a line tells of them.
            let errors = show::of_a_build(&outcome.findings);
            show::findings(&errors, &quotable(common), show::Stream::Err);
            let warnings = outcome.findings.len() - errors.len();
            if warnings > 0 && !common.quiet {
                let plural = if warnings == 1 { "" } else { "s" };
                show::to_stderr(&format!("{warnings} warning{plural}: `leo-extract check` shows them"));
            }
            if !outcome.built.is_empty() {
                show::print(&tables::built(&outcome.built));
            }
            if !settings.as_of_is_today && !outcome.built.is_empty() {
                show::print(&format!("built with the approvals of {}, not of today\n", settings.as_of));
            }
            if !outcome.unchanged.is_empty() {
                show::print(&tables::unchanged(&outcome.unchanged));
            }
            if outcome.built.is_empty() && exit != ExitCode::Done {
                show::to_stderr("nothing was published");
            }
        }
    }
    Ok(exit)
}

fn check(common: &Common, projects: &Projects) -> Result<ExitCode> {
    let settings = settings(common, projects.as_of)?;
    let findings = pipeline::check(&settings, &projects.specs, &observer(common))?;
    let exit = ExitCode::of(&findings);
    tell_findings(common, &findings, exit);
    Ok(exit)
}

fn tell_findings(common: &Common, findings: &Findings, exit: ExitCode) {
    match common.format {
        Format::Json => show::print_json(&json!({"findings": show::sorted(findings), "exit": exit as u8})),
        Format::Text if findings.is_empty() => show::print("no findings\n"),
        Format::Text => show::findings(findings, &quotable(common), show::Stream::Out),
    }
}

fn plan(common: &Common, projects: &Projects) -> Result<ExitCode> {
    let settings = settings(common, projects.as_of)?;
    let view = pipeline::plan(&settings, &projects.specs, &observer(common))?;
    let exit = ExitCode::of(&view.findings);
    match common.format {
        Format::Json => {
            let findings = show::sorted(&view.findings);
            show::print_json(&json!({"plan": view.json, "findings": findings, "exit": exit as u8}));
        }
        Format::Text => {
            show::findings(&view.findings, &quotable(common), show::Stream::Err);
            show::print(&view.text);
        }
    }
    Ok(exit)
}

fn verify(common: &Common, extracts: &[PathBuf], rebuild: bool) -> Result<ExitCode> {
    let observer = observer(common);
    let settings = settings(common, None)?;
    let view = pipeline::verify(&settings, extracts, rebuild, &observer)?;
    let exit = pipeline::exit_of(&view);
    match common.format {
        Format::Json => {
            let extracts: Vec<Value> = view
                .extracts
                .iter()
                .map(|(path, findings, checks)| {
                    json!({"extract": path, "findings": show::sorted(findings), "checks": checks})
                })
                .collect();
            show::print_json(&json!({"extracts": extracts, "exit": exit as u8}));
        }
        Format::Text => {
            for (path, findings, checks) in &view.extracts {
                show::findings(findings, &quotable(common), show::Stream::Err);
                show::print(&tables::verified(path, findings, checks));
            }
        }
    }
    Ok(exit)
}

fn audit(common: &Common, heads: &[String]) -> Result<ExitCode> {
    let settings = settings(common, None)?;
    let view = pipeline::audit(&settings, heads, &observer(common))?;
    let exit = ExitCode::of(&view.findings);
    match common.format {
        Format::Json => show::print_json(&tables::audited_json(&view, &show::sorted(&view.findings), exit)),
        Format::Text => {
            show::findings(&view.findings, &quotable(common), show::Stream::Err);
            show::print(&tables::audited(&view));
        }
    }
    Ok(exit)
}

fn synth_world(common: &Common, wanted: &Synth) -> Result<ExitCode> {
    let usage = |message: String| {
        show::to_stderr(&format!("error: {message}"));
        Ok(ExitCode::Usage)
    };
    let mut faults = synth::Faults::default();
    for (name, rate) in &wanted.faults {
        if let Err(message) = faults.set(name, *rate) {
            return usage(message);
        }
    }
    let defaults = synth::Options::default();
    let options = synth::Options {
        out: wanted.out.clone(),
        persons: wanted.persons,
        seed: wanted.seed,
        threads: common.threads.unwrap_or(0),
        projects: wanted.projects,
        years: wanted.years.clone(),
        faults,
        presence: wanted.presence.unwrap_or(defaults.presence),
        published_key: wanted.published_key,
        row_group_rows: wanted.row_group_rows.unwrap_or(defaults.row_group_rows),
    };
    if !(0.0..=1.0).contains(&options.presence) {
        return usage("--presence is a share from 0 to 1".to_owned());
    }
    let world = synth::write_world(&options, observer(common).as_ref())?;
    match common.format {
        Format::Json => show::print_json(&json!({
            "config": world.config, "files": world.files, "rows": world.rows, "bytes": world.bytes,
        })),
        Format::Text => show::print(&format!(
            "{} files, {} rows, {}\nthe config is {}\n",
            world.files,
            world.rows,
            indicatif::HumanBytes(world.bytes),
            world.config.display()
        )),
    }
    Ok(ExitCode::Done)
}

fn keys(common: &Common, action: &Keys) -> Result<ExitCode> {
    let path = keys_path(common)?;
    let named = |id: &str| {
        KeyId::new(id).ok_or_else(|| {
            show::to_stderr("error: a key's name holds letters, digits, `.`, `_` and `-`, at most 64");
            ExitCode::Usage
        })
    };
    match action {
        Keys::New { id } => match named(id) {
            Ok(id) => Keyring::create(&path, id)?,
            Err(code) => return Ok(code),
        },
        Keys::Rotate { id } => match named(id) {
            Ok(id) => Keyring::rotate(&path, id)?,
            Err(code) => return Ok(code),
        },
        Keys::List => {}
    }
    let keyring = Keyring::load(&path)?;
    match common.format {
        Format::Json => {
            let keys: Vec<Value> = keyring
                .entries()
                .into_iter()
                .map(|(id, current, fingerprint)| json!({"id": id, "current": current, "fingerprint": fingerprint}))
                .collect();
            let kept = crate::keys::kept_from_swap();
            show::print_json(&json!({"keyring": path, "keys": keys, "kept_from_swap": kept}));
        }
        Format::Text => show::print(&tables::keys(&path, &keyring)),
    }
    Ok(ExitCode::Done)
}

fn schema(common: &Common, document: Document) -> Result<ExitCode> {
    let schema = match document {
        Document::Spec => {
            // With a catalogue at hand the schema offers its elements; without one it is still a schema.
            let catalogue =
                Config::read(&common.config).ok().and_then(|c| catalogue::Catalogue::read(&c.catalogue, "").ok());
            spec::schema(catalogue.as_ref())
        }
        Document::Catalogue => catalogue::schema(),
        Document::Links => catalogue::schema_links(),
        Document::Rules => catalogue::schema_rules(),
        Document::Config => config::schema(),
        Document::Approval => approval::schema(),
        Document::Manifest => publish::manifest_schema(),
    };
    show::print_json(&schema);
    Ok(ExitCode::Done)
}

/// Whether any finding is an error.
pub(super) fn fails(findings: &Findings) -> bool {
    findings.iter().any(|f| f.severity == Severity::Error)
}

/// An error's findings, where it is made of some.
pub(super) fn findings_of(error: &Error) -> Option<&Findings> {
    match error {
        Error::Findings(findings) => Some(findings),
        _ => None,
    }
}
