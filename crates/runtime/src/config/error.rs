//! The sentences an operator reads when the configuration is wrong.
//!
//! Each names the key, where the value came from and what would be right. They are held by golden files in
//! `tests/config_sentences`.

use std::fmt;
use std::path::PathBuf;

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A line of the configuration file, counted from 1.
    File {
        /// The file as it was named on the command line.
        path: PathBuf,
        /// The line of the key.
        line: usize,
    },
    /// An environment variable, by its full name.
    Variable(String),
    /// A command line flag, with its dashes.
    Flag(String),
    /// Nobody gave one.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{} line {line}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Default => write!(f, "the default"),
        }
    }
}

/// Why the configuration was refused; all of them end the program with exit code 64.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file was asked for by name, or exists, and cannot be read.
    #[error("cannot read the configuration file {}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's word on it.
        why: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{} line {line} is not valid TOML: {why}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What the parser expected.
        why: String,
    },
    /// A variable of ours holds bytes that are not UTF-8.
    #[error("variable {variable} is not valid UTF-8")]
    NotUnicode {
        /// Its name.
        variable: String,
    },
    /// A key outside any section, a variable or flag that fits no section.
    #[error(
        "`{name}` ({origin}) belongs to no section; there are {}",
        listed(known)
    )]
    UnknownSection {
        /// The name as it was written.
        name: String,
        /// Where.
        origin: Origin,
        /// All sections this program knows.
        known: Vec<String>,
    },
    /// A section's name with a value, where a table should be.
    #[error("`{name}` ({origin}) is a section: write `[{name}]` and its keys on the lines below")]
    NotASection {
        /// The section.
        name: String,
        /// Where.
        origin: Origin,
    },
    /// A section has no such key.
    #[error(
        "unknown key `{section}.{key}` ({origin}); section `{section}` knows {}",
        listed(known)
    )]
    UnknownKey {
        /// The section.
        section: String,
        /// The key as it was written.
        key: String,
        /// Where.
        origin: Origin,
        /// The keys there are.
        known: Vec<String>,
    },
    /// A value of the wrong type or outside its range.
    #[error("wrong value for `{section}.{key}` ({origin}): {why}")]
    WrongValue {
        /// The section.
        section: String,
        /// The key.
        key: String,
        /// Where the value came from.
        origin: Origin,
        /// What would have been right.
        why: String,
    },
    /// A key without default was given nowhere.
    #[error(
        "`{section}.{key}` is not set: write `{key}` in section `[{section}]` of the configuration file, \
         or set the variable {variable}, or pass --set {section}.{key}=VALUE"
    )]
    Missing {
        /// The section.
        section: String,
        /// The key.
        key: String,
        /// The variable that would set it.
        variable: String,
    },
    /// `--set` without a section, a key or a value.
    #[error("`--set {given}` is not of the form section.key=value")]
    MalformedSet {
        /// What was passed; only up to the `=`, for the rest may be secret.
        given: String,
    },
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing".into();
    }
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
