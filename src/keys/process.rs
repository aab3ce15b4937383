//! The process that holds keys: it leaves no core dump, and no other process of the same user may look into it.

/// Shuts the process: no core dumps, none to a handler either, no debugger, no `/proc/PID/mem` and `environ` for others
/// than root, and as much memory kept from swap as the system allows. To be called before the first key is read. What
/// the system refuses is left as it is: a build must not fail because a container is stricter or poorer than others.
///
/// A debugger that starts the process keeps it.
pub fn harden_process() {
    // Of a core file there would be nothing to write; the file's owner is root once the process is shut, so it comes first.
    let _ = std::fs::write("/proc/self/coredump_filter", "0");
    let _ = rlimit::setrlimit(rlimit::Resource::CORE, 0, 0);
    if let Ok((soft, hard)) = rlimit::getrlimit(rlimit::Resource::MEMLOCK)
        && soft < hard
    {
        let _ = rlimit::setrlimit(rlimit::Resource::MEMLOCK, hard, hard);
    }
    #[cfg(target_os = "linux")]
    let _ = capctl::prctl::set_dumpable(false);
}
