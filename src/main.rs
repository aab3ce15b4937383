//! The command `leo-extract`: all of it is in the library.

/// Many threads allocate and free batches: an allocator made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    leo_extract::cli::run()
}
