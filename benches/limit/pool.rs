//! Work on all threads, largest piece first, and what it took.

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// What ends the bench. Never with the decoder's own text, which may quote a cell.
pub(crate) type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Seconds of some work: from its begin to its end, and those of CPU that its threads had, together.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) wall: f64,
    pub(crate) cpu: f64,
}

impl Spent {
    pub(crate) fn add(&mut self, other: Self) {
        self.wall += other.wall;
        self.cpu += other.cpu;
    }

    /// The share of the threads' time in which they worked: far below one, and others had the machine.
    #[expect(clippy::cast_precision_loss, reason = "threads are few")]
    pub(crate) fn worked(&self, threads: usize) -> f64 {
        self.cpu / (self.wall * threads as f64)
    }
}

/// What is cheaper: by CPU seconds, which nobody else on the machine can change much, where the system tells them.
pub(crate) fn cheaper(a: &Spent, b: &Spent) -> std::cmp::Ordering {
    if a.cpu > 0.0 && b.cpu > 0.0 { a.cpu.total_cmp(&b.cpu) } else { a.wall.total_cmp(&b.wall) }
}

/// The run in the middle by its wall time.
pub(crate) fn median(runs: &[Spent]) -> Spent {
    let mut sorted = runs.to_vec();
    sorted.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// What one thread did, each result with its place, and the CPU seconds that it took.
type Part<R> = (Vec<(usize, Fallible<R>)>, f64);

/// Does something with each item, on so many threads, in the order of the items. Results come in that order too.
pub(crate) fn over<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    each: impl Fn(&T) -> Fallible<R> + Sync,
) -> Fallible<(Vec<R>, Spent)> {
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let work = || {
        let mut done = Vec::new();
        let begun = cpu_seconds();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return (done, cpu_seconds() - begun) };
            done.push((index, each(item)));
        }
    };
    let parts: Vec<Part<R>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
    });
    let wall = begun.elapsed().as_secs_f64();
    let cpu = parts.iter().map(|(_, cpu)| cpu).sum();
    let mut done: Vec<(usize, Fallible<R>)> = parts.into_iter().flat_map(|(done, _)| done).collect();
    if done.len() != items.len() {
        return Err("a worker was lost".into());
    }
    done.sort_by_key(|(index, _)| *index);
    Ok((done.into_iter().map(|(_, result)| result).collect::<Fallible<_>>()?, Spent { wall, cpu }))
}

/// The CPU seconds of the calling thread; 0 where the system does not tell.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds of days")]
fn cpu_seconds() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    told.split(' ').next().and_then(|n| n.parse::<u64>().ok()).map_or(0.0, |nanoseconds| nanoseconds as f64 / 1e9)
}

/// The most bytes that the process ever held; 0 where the system does not tell.
pub(crate) fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}
