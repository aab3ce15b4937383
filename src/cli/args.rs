//! Arguments: what was typed, with help that teaches by example.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// The config that is read where none is named.
pub(super) const DEFAULT_CONFIG: &str = "leo.yaml";

/// Cuts linked-dataset extracts for approved research projects.
#[derive(Debug, Parser)]
#[command(
    name = "leo-extract",
    version,
    about,
    max_term_width = 100,
    after_help = "Examples:\n  \
        leo-extract check                                every finding on specs, approvals and sources\n  \
        leo-extract plan LEO-2019-003                    what a build would read and write\n  \
        leo-extract build LEO-2019-003                   cut, verify and publish one project\n  \
        leo-extract build --as-of 2020-01-06             cut all, with the approvals of that day\n  \
        leo-extract verify extracts/LEO-2019-003/latest  prove a published extract again\n  \
        leo-extract synth --persons 20000 --out world    a synthetic LEO to try all this on\n\n\
        Exit codes: 0 done, 2 usage, 65 invalid, 66 missing, 70 internal, 73 cannot write, 75 locked,\n  \
        77 refused, 78 config or key, 130 interrupted."
)]
pub(super) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
    /// What every command takes.
    #[command(flatten)]
    pub(super) common: Common,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// The config file.
    #[arg(long, global = true, env = "LEO_CONFIG", default_value = DEFAULT_CONFIG, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// How many threads to use [default: the config's, else all cores].
    #[arg(long, global = true, env = "LEO_THREADS", value_name = "N", value_parser = threads)]
    pub(super) threads: Option<usize>,
    /// How much memory to use, for instance 8GiB [default: the config's, else 8GiB or half of the machine's].
    #[arg(long, global = true, env = "LEO_MEMORY", value_name = "SIZE", value_parser = size)]
    pub(super) memory: Option<u64>,
    /// The keyring [default: the systemd credential leo.keyring, else the config's].
    #[arg(long, global = true, env = "LEO_KEYRING", value_name = "FILE")]
    pub(super) keyring: Option<PathBuf>,
    /// Say nothing while working.
    #[arg(long, global = true)]
    pub(super) quiet: bool,
    /// How progress is told on standard error.
    #[arg(long, global = true, env = "LEO_LOG_FORMAT", value_enum, default_value = "text", value_name = "FORMAT")]
    pub(super) log_format: Format,
    /// How results are told on standard output.
    #[arg(long, global = true, env = "LEO_FORMAT", value_enum, default_value = "text", value_name = "FORMAT")]
    pub(super) format: Format,
}

/// For people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Cut the named projects (default: every spec) in one shared pass, verify them, publish them.
    #[command(
        after_help = "Examples:\n  leo-extract build\n  leo-extract build LEO-2019-003 LEO-2019-007 --memory 16GiB\n  \
        leo-extract build specs/projects/LEO-2019-003.yaml --as-of 2020-01-06\n\n\
        A project whose newest extract is what would come out is left as it is. Of others, the tables that would\n\
        come out the same are kept: they get a second name in the new version, and are digested again."
    )]
    Build {
        /// The projects, and the day.
        #[command(flatten)]
        projects: Projects,
        /// Cut everything again, whatever stands.
        #[arg(long)]
        anew: bool,
    },
    /// Show every finding on specs, catalogue, approvals and sources; reads no row.
    #[command(after_help = "Examples:\n  leo-extract check\n  leo-extract check LEO-2019-003 --format json")]
    Check(Projects),
    /// Show what a build would read and write, with row, byte and time estimates.
    #[command(after_help = "Examples:\n  leo-extract plan\n  leo-extract plan LEO-2019-003 --format json")]
    Plan(Projects),
    /// Prove published extracts again: files, record, ledger, every table against the approved spec.
    #[command(after_help = "Examples:\n  leo-extract verify extracts/LEO-2019-003/latest\n  \
        leo-extract verify --rebuild extracts/LEO-2019-003/v0001    and cut it again: the same bytes?")]
    Verify {
        /// The extracts' folders.
        #[arg(required = true, value_name = "EXTRACT")]
        extracts: Vec<PathBuf>,
        /// Cut each again from the sources and compare all bytes under `data/`.
        #[arg(long)]
        rebuild: bool,
    },
    /// Check the ledger's chain and signatures, and that what it says was published is what lies on the disk.
    #[command(after_help = "Examples:\n  leo-extract audit\n  leo-extract audit --format json\n  \
        leo-extract audit --head 5f1c…    and that the ledger still holds what an earlier audit saw\n\n\
        Note the head that it shows down, away from this machine: cutting off the newest lines together with\n\
        their extracts leaves no trace here. `leo-extract verify` proves what is in an extract.")]
    Audit {
        /// The head that an earlier audit showed; may be given several times.
        #[arg(long = "head", value_name = "DIGEST", value_parser = digest)]
        heads: Vec<String>,
    },
    /// Write a synthetic LEO: sources, catalogue, specs, approvals, keyring, config.
    #[command(after_help = "Examples:\n  leo-extract synth --persons 20000 --out world\n  \
        leo-extract build --config world/leo.yaml --as-of 2020-01-06\n  \
        leo-extract synth --persons 1000 --seed 7 --fault blank_identifier=0.2 --out faulty")]
    Synth(Synth),
    /// Make and look at keyrings. No secret is ever printed.
    Keys {
        /// What to do with the keyring.
        #[command(subcommand)]
        action: Keys,
    },
    /// Print a JSON Schema for editors.
    #[command(after_help = "Examples:\n  leo-extract schema spec > specs/schema/spec.json")]
    Schema {
        /// Of which document.
        #[arg(value_enum, value_name = "DOCUMENT")]
        document: Document,
    },
}

/// Which projects, on which day.
#[derive(Debug, Args)]
pub(super) struct Projects {
    /// Project identifiers, or paths of specs [default: every spec of the config's folder].
    #[arg(value_name = "SPEC")]
    pub(super) specs: Vec<String>,
    /// The day on which approvals must be in force [default: today].
    #[arg(long, env = "LEO_AS_OF", value_name = "DATE", value_parser = date)]
    pub(super) as_of: Option<jiff::civil::Date>,
}

/// What a synthetic world holds.
#[derive(Debug, Args)]
pub(super) struct Synth {
    /// How many people the sources know.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub(super) persons: u64,
    /// The folder to write: absent, empty, or an earlier synthetic world.
    #[arg(long, default_value = "world", value_name = "FOLDER")]
    pub(super) out: PathBuf,
    /// The seed: the same seed gives the same bytes on any number of threads.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(super) seed: u64,
    /// How many example projects [default: the five that come with the tool].
    #[arg(long, value_name = "N")]
    pub(super) projects: Option<usize>,
    /// Years that get rows, for instance 2008/2009..2012/2013 [default: all].
    #[arg(long, value_name = "YEARS", value_parser = years)]
    pub(super) years: Option<crate::vocab::Years>,
    /// A fault and its rate; may be given several times.
    #[arg(long = "fault", value_name = "NAME=RATE", value_parser = fault)]
    pub(super) faults: Vec<(String, f64)>,
    /// Share of pupil-terms that the school collections hold [default: 0.32].
    #[arg(long, value_name = "SHARE")]
    pub(super) presence: Option<f64>,
    /// Rows of a row group, about.
    #[arg(long, value_name = "N")]
    pub(super) row_group_rows: Option<usize>,
    /// Put the published test key into the keyring: for worlds that are committed.
    #[arg(long)]
    pub(super) published_key: bool,
}

/// What to do with a keyring.
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make a new keyring with one random key.
    #[command(after_help = "Example:\n  leo-extract keys new 2026a --keyring /secrets/leo.keyring")]
    New {
        /// The key's name.
        #[arg(value_name = "ID")]
        id: String,
    },
    /// List the keys: names and fingerprints.
    List,
    /// Add a random key and make it the current one. Pseudonyms of later builds change with it.
    Rotate {
        /// The new key's name.
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// A document with a schema.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Document {
    Spec,
    Catalogue,
    Links,
    Rules,
    Config,
    Approval,
    Manifest,
}

fn digest(text: &str) -> Result<String, String> {
    let fits = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    fits.then(|| text.to_ascii_lowercase()).ok_or_else(|| "64 hexadecimal digits".to_owned())
}

fn threads(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| (1..=1024).contains(n)).ok_or_else(|| "a number from 1 to 1024".to_owned())
}

fn size(text: &str) -> Result<u64, String> {
    crate::config::parse_size(text)
        .filter(|bytes| *bytes >= 64 << 20)
        .ok_or_else(|| "a size such as 512MiB or 8GiB, at least 64MiB".to_owned())
}

fn date(text: &str) -> Result<jiff::civil::Date, String> {
    text.parse().map_err(|_| "a day such as 2020-01-06".to_owned())
}

fn years(text: &str) -> Result<crate::vocab::Years, String> {
    crate::vocab::Years::parse(text).ok_or_else(|| "years such as 2008/2009..2012/2013".to_owned())
}

fn fault(text: &str) -> Result<(String, f64), String> {
    let (name, rate) = text.split_once('=').ok_or("a name and a rate, such as blank_identifier=0.2")?;
    let rate = rate.parse().map_err(|_| "the rate is no number".to_owned())?;
    Ok((name.to_owned(), rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
