//! Figures in the texts of `/proc`.

/// A tick of `/proc/PID/stat`: Linux tells user space 100 of them a second, whatever it reckons with itself.
const TICK_NS: u64 = 10_000_000;

/// The parent's number in `/proc/PID/stat`.
pub fn parent(stat: &str) -> Option<u32> {
    after_name(stat).nth(1)?.parse().ok()
}

/// User and system time in `/proc/PID/stat`, in nanoseconds.
pub fn ticks_ns(stat: &str) -> Option<u64> {
    let mut times = after_name(stat).skip(11);
    let user: u64 = times.next()?.parse().ok()?;
    let system: u64 = times.next()?.parse().ok()?;
    Some((user + system) * TICK_NS)
}

/// How long a thread has run, in nanoseconds, in its `schedstat`.
pub fn ran_ns(schedstat: &str) -> Option<u64> {
    schedstat.split_ascii_whitespace().next()?.parse().ok()
}

/// The proportional set size in `smaps_rollup`, in KiB.
pub fn pss_kib(smaps: &str) -> Option<f64> {
    let line = smaps.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// The fields behind the program's name, which may hold spaces and brackets.
fn after_name(stat: &str) -> impl Iterator<Item = &str> {
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.split_ascii_whitespace()
}
