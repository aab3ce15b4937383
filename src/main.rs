//! The command `leo-extract`.
#![allow(clippy::all, clippy::print_stdout, clippy::unwrap_used, reason = "temporary")]
use leo_extract::{config::Config, pipeline::*, vocab::*};
#[global_allocator]
static A: mimalloc::MiMalloc = mimalloc::MiMalloc;
struct Obs;
impl Observer for Obs { fn on(&self, e: Event<'_>) { if let Event::Step(s) = e { eprintln!("{:?} {s}", std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() % 1000000); } } }
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let config = Config::read(std::path::Path::new(&a[1])).unwrap_or_else(|e| { println!("{e:?}"); std::process::exit(1) });
    let keyring = config.keyring.clone().unwrap();
    let s = Settings { config, keyring, threads: a.get(2).map_or(2, |t| t.parse().unwrap()), memory: a.get(3).map_or(8 << 30, |t| t.parse().unwrap()), as_of: "2020-01-06".parse().unwrap(), as_of_is_today: false };
    match build(&s, &[], std::sync::Arc::new(Obs)) { Ok(o) => { for f in o.findings { println!("{f:?}"); } for b in o.built { println!("{b:?}"); } } Err(e) => println!("{e:?}") }
}
