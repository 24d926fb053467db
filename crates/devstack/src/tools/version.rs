//! Versions of server programs, as they print them.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::ToolError;

/// Major, minor and patch; a missing part counts as 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    /// A version from its parts.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Version {
        Version {
            major,
            minor,
            patch,
        }
    }

    /// The first part.
    pub const fn major(self) -> u32 {
        self.major
    }

    /// Finds the first thing that looks like a version in `text`: `nats-server: v2.15.1`, `postgres (PostgreSQL) 18.4`,
    /// and where nothing has a dot, `17beta2`. Suffixes are dropped.
    pub fn find_in(text: &str) -> Option<Version> {
        let words = || text.split_whitespace();
        let mut dotted = words().filter(|word| word.contains('.'));
        dotted
            .find_map(Version::of_word)
            .or_else(|| words().find_map(Version::of_word))
    }

    fn of_word(word: &str) -> Option<Version> {
        let word = word.trim_start_matches(['v', 'V', '(']);
        let mut parts = word.split('.').map(leading_number);
        let major = parts.next()??;
        Some(Version::new(
            major,
            parts.next().flatten().unwrap_or(0),
            parts.next().flatten().unwrap_or(0),
        ))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

fn leading_number(part: &str) -> Option<u32> {
    let end = part
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(part.len());
    part[..end].parse().ok()
}

/// Asks the program at `path` for its version and requires at least `oldest`.
pub(super) fn at_least(
    path: &Path,
    program: &'static str,
    oldest: Version,
) -> Result<Version, ToolError> {
    answers_at_least(path, "--version", program, oldest)
}

/// As [`at_least`], of a program that is asked with another word.
pub(super) fn answers_at_least(
    path: &Path,
    question: &str,
    program: &'static str,
    oldest: Version,
) -> Result<Version, ToolError> {
    if !path.is_file() {
        return Err(ToolError::Missing {
            program,
            path: path.to_path_buf(),
        });
    }
    let does_not_run = |reason: String| ToolError::DoesNotRun {
        program,
        path: path.to_path_buf(),
        reason,
    };
    let output = Command::new(path)
        .arg(question)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| does_not_run(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let Some(found) = Version::find_in(&said).filter(|_| output.status.success()) else {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(does_not_run(format!(
            "{}; {}{}",
            output.status,
            said.trim(),
            complaint.trim()
        )));
    };
    if found < oldest {
        return Err(ToolError::TooOld {
            program,
            path: path.to_path_buf(),
            found,
            oldest,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_print() {
        let check = |text, expected| assert_eq!(Version::find_in(text), expected, "{text}");
        check("nats-server: v2.15.1", Some(Version::new(2, 15, 1)));
        check(
            "nats-server: v2.16.0-preview.1",
            Some(Version::new(2, 16, 0)),
        );
        check(
            "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)",
            Some(Version::new(15, 18, 0)),
        );
        check(
            "postgres (PostgreSQL) 19beta2",
            Some(Version::new(19, 0, 0)),
        );
        check(
            "version 8000GB 4.48 pypi linux amd64",
            Some(Version::new(4, 48, 0)),
        );
        check("no digits here", None);
    }

    #[test]
    fn older_means_smaller() {
        assert!(Version::new(2, 9, 9) < Version::new(2, 10, 0));
        assert!(Version::new(15, 18, 0) < Version::new(16, 0, 0));
    }
}
