//! The limit of a build: the seconds that decoding what it reads and encoding what it writes take by themselves, on all
//! threads, with the `parquet` crate. `benches/README.md` says what is measured and what is not.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints what it measured")]

#[path = "limit/decode.rs"]
mod decode;
#[path = "limit/encode.rs"]
mod encode;
#[path = "limit/ours.rs"]
mod ours;
#[path = "limit/pool.rs"]
mod pool;
#[path = "limit/settings.rs"]
mod settings;
#[path = "limit/tables.rs"]
mod tables;
#[path = "limit/world.rs"]
mod world;

use clap::{Parser, ValueEnum};
use pool::{Fallible, Spent, cheaper, median};
use serde_json::{Value, json};
use settings::{SETTINGS, Texts};
use std::path::PathBuf;
use std::process::ExitCode;

/// As in the command: many threads allocate and free batches.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How far above our own files a setting's may be, and still count as of the same size.
const SAME_SIZE: f64 = 1.1;

/// Measures what decoding and encoding alone take for a build that was made.
#[derive(Debug, Parser)]
#[command(name = "limit")]
struct Args {
    /// The world's config.
    #[arg(long)]
    config: PathBuf,
    /// The day of the build.
    #[arg(long)]
    as_of: String,
    /// The folder of the extracts, if it is not the config's.
    #[arg(long)]
    extracts: Option<PathBuf>,
    /// Threads; as many as there are cores if not said.
    #[arg(long)]
    threads: Option<usize>,
    /// Timed runs, after one that warms up and chooses the settings.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// What the build took, to be told as a multiple of the limit.
    #[arg(long)]
    build_seconds: Option<f64>,
    /// `json` adds one line of JSON at the end.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
    /// The projects that were built together.
    #[arg(required = true)]
    projects: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(record) => {
            if args.format == Format::Json {
                println!("{record}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("limit: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Fallible<Value> {
    let threads = match args.threads {
        Some(threads) => threads.max(1),
        None => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    };
    let world = world::read(&args.config, &args.as_of, &args.projects, args.extracts.as_deref(), threads)?;
    let runs = args.runs.max(1);

    let sources = decode::sources(&world.plan)?;
    let (bytes_in, rows_in) = (sources.bytes(), sources.rows());
    println!("decode {} files, {} of the columns needed, {} rows", sources.files(), mib(bytes_in), rows_in);
    // The first reading of all fills the page cache.
    sources.decode(Texts::Views, threads)?;
    let mut ways = Vec::new();
    for texts in [Texts::Views, Texts::Dictionaries] {
        let spent = sources.decode(texts, threads)?;
        println!("  {:<58} {:6.2} s {:6.2} s CPU", format!("texts as {texts}"), spent.wall, spent.cpu);
        ways.push((texts, spent));
    }
    let fastest = ways.iter().min_by(|a, b| cheaper(&a.1, &b.1));
    let texts_in = fastest.map_or(Texts::Views, |(texts, _)| *texts);
    let decoded = (0..runs).map(|_| sources.decode(texts_in, threads)).collect::<Fallible<Vec<Spent>>>()?;
    drop(sources);

    let tables = tables::below(&world.data, threads)?;
    let (bytes_out, rows_out) = (tables.bytes(), tables.rows());
    println!("encode {} tables, {} as published, {rows_out} rows", tables.len(), mib(bytes_out));
    let mut tried = Vec::new();
    for (setting, (spent, bytes)) in SETTINGS.iter().zip(encode::encode(&tables, SETTINGS, threads)?) {
        let share = ratio(bytes, bytes_out);
        show(setting.name, &spent, bytes, share);
        tried.push((setting, spent, bytes, share));
    }
    let same_size = tried.iter().filter(|(_, _, _, share)| *share <= SAME_SIZE);
    let chosen = same_size.min_by(|a, b| cheaper(&a.1, &b.1)).ok_or("no setting gives files of our size")?;
    let one = std::slice::from_ref(chosen.0);
    let mut encoded = Vec::new();
    for _ in 0..runs {
        encoded.extend(encode::encode(&tables, one, threads)?.into_iter().map(|(spent, _)| spent));
    }
    let (ours, ours_bytes) = ours::encode(&tables, threads)?;
    show("(for comparison: our own encoders, of rows as they wait)", &ours, ours_bytes, ratio(ours_bytes, bytes_out));

    let (decode, encode) = (median(&decoded), median(&encoded));
    let limit = decode.wall + encode.wall;
    println!("medians of {runs} runs on {threads} threads");
    let worked = |spent: &Spent| format!("{:.0} % of the cores", spent.worked(threads) * 100.0);
    println!("  decode {:6.2} s, texts as {texts_in}, {}", decode.wall, worked(&decode));
    println!("  encode {:6.2} s, {}, {}", encode.wall, chosen.0.name, worked(&encode));
    println!(
        "  limit  {limit:6.2} s, {:.2} s of CPU; peak memory {}",
        decode.cpu + encode.cpu,
        mib(pool::peak_memory())
    );
    let multiple = args.build_seconds.map(|build| build / limit);
    if let Some((build, multiple)) = args.build_seconds.zip(multiple) {
        println!("  build  {build:6.2} s = {multiple:.2} times the limit");
    }
    let walls = |runs: &[Spent]| runs.iter().map(|spent| spent.wall).collect::<Vec<_>>();
    Ok(json!({
        "threads": threads,
        "projects": args.projects,
        "decode": {
            "seconds": decode.wall, "runs": walls(&decoded), "cpu_seconds": decode.cpu, "texts": texts_in.to_string(),
            "bytes": bytes_in, "rows": rows_in,
        },
        "encode": {
            "seconds": encode.wall, "runs": walls(&encoded), "cpu_seconds": encode.cpu, "setting": chosen.0.name,
            "bytes": chosen.2, "published_bytes": bytes_out, "rows": rows_out, "tables": tables.len(),
        },
        "settings": tried.iter().map(|(setting, spent, bytes, share)| json!({
            "name": setting.name, "seconds": spent.wall, "cpu_seconds": spent.cpu, "bytes": bytes, "of_published": share,
        })).collect::<Vec<_>>(),
        "our_encoders": {"seconds": ours.wall, "cpu_seconds": ours.cpu, "bytes": ours_bytes},
        "limit_seconds": limit,
        "build_seconds": args.build_seconds,
        "multiple": multiple,
        "peak_memory_bytes": pool::peak_memory(),
    }))
}

/// Tells of one way to encode.
fn show(name: &str, spent: &Spent, bytes: u64, share: f64) {
    let Spent { wall, cpu } = spent;
    println!("  {name:<58} {wall:6.2} s {cpu:6.2} s CPU {:>11} {:5.1} %", mib(bytes), share * 100.0);
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn ratio(bytes: u64, of: u64) -> f64 {
    bytes as f64 / of.max(1) as f64
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", ratio(bytes, 1 << 20))
}
