//! Exit codes: the promise to cron, CI and Nagios.
//!
//! 0 to 3 are the verdict (Nagios's own codes); 64 to 77 are sysexits, for runs that
//! could not give one; 130 and 143 say which signal ended the run.

use std::process::ExitCode;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for holds.
    Good,
    /// Done, with something to look at (for one: a published backup without its globals).
    Warning,
    /// The thing looked at is bad: damage found, a limit passed.
    Critical,
    /// It could not be judged. Unknown is not good.
    Unknown,
    /// Wrong arguments or settings.
    Usage,
    /// A server, a cloud or a program that is needed cannot be had.
    Unavailable,
    /// A fault of pgtend itself.
    Bug,
    /// Reading or writing failed: disk or store.
    Io,
    /// Busy now, worth trying later.
    Busy,
    /// Refused: consent or a privilege is missing.
    Refused,
    /// Ended by Ctrl-C.
    Interrupted,
    /// Ended by SIGTERM.
    Terminated,
}

impl Exit {
    /// Every way out with what it means, in the order of the codes; the manual prints it.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::Good, "good"),
        (Self::Warning, "done, with a warning"),
        (Self::Critical, "critical: damage found, or a limit passed"),
        (Self::Unknown, "could not be judged"),
        (Self::Usage, "wrong usage or settings"),
        (Self::Unavailable, "server, cloud or program not available"),
        (Self::Bug, "a bug in pgtend"),
        (Self::Io, "input or output failed (disk, store)"),
        (Self::Busy, "busy, try later"),
        (Self::Refused, "refused: no consent, or a privilege is missing"),
        (Self::Interrupted, "interrupted (Ctrl-C)"),
        (Self::Terminated, "terminated (SIGTERM)"),
    ];

    /// The process's exit status.
    pub const fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
            Self::Usage => 64,
            Self::Unavailable => 69,
            Self::Bug => 70,
            Self::Io => 74,
            Self::Busy => 75,
            Self::Refused => 77,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// The worse of two verdicts, in the order critical, unknown, warning, good.
    #[must_use]
    pub const fn worst(self, other: Self) -> Self {
        if other.weight() > self.weight() { other } else { self }
    }

    /// Its place in that order; a run that gave no verdict comes last.
    pub const fn weight(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Warning => 1,
            Self::Unknown => 2,
            Self::Critical => 3,
            _ => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_ascending() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|(exit, _)| exit.code()).collect();
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
    }

    #[test]
    fn the_worst_of_several_verdicts_wins() {
        assert_eq!(Exit::Good.worst(Exit::Warning), Exit::Warning);
        assert_eq!(Exit::Unknown.worst(Exit::Warning), Exit::Unknown);
        assert_eq!(Exit::Unknown.worst(Exit::Critical), Exit::Critical);
        assert_eq!(Exit::Critical.worst(Exit::Good), Exit::Critical);
    }
}
