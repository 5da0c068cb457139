//! The memory of this machine.

use std::fs;

use serde::{Deserialize, Serialize};

/// How much memory a machine has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    pub bytes: f64,
    /// Where the number is from, for people.
    pub source: String,
}

/// What `/proc/meminfo` and the cgroup's limit say, the less of both.
pub fn machine() -> Option<Machine> {
    let total = of_meminfo(&fs::read_to_string("/proc/meminfo").ok()?)?;
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limit =
        limits.iter().find_map(|path| fs::read_to_string(path).ok()?.trim().parse::<f64>().ok());
    let (bytes, what) = match limit {
        Some(limit) if limit < total => (limit, "the limit of the cgroup"),
        _ => (total, "/proc/meminfo"),
    };
    Some(Machine { bytes, source: format!("{what} of this machine, where the server runs") })
}

/// `MemTotal:       16384256 kB`
fn of_meminfo(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read() {
        let text = "MemTotal:       16384256 kB\nMemFree:         1 kB\n";
        assert_eq!(of_meminfo(text), Some(16_384_256.0 * 1024.0));
        assert_eq!(of_meminfo("MemFree: 1 kB"), None);
    }
}
