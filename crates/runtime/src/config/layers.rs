//! Collects what file, environment and flags say, and lets the strongest win for each key.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::de::DeTable;

use super::args::{ConfigArgs, Flags};
use super::error::{ConfigError, Origin};
use super::section::{Section, Setting, Written, deserialize_section};

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "worldline.toml";
/// The variable that names the file, so that a container needs no arguments.
const FILE_VARIABLE: &str = "WORLDLINE_CONFIG";
/// What our variables begin with.
const PREFIX: &str = "WORLDLINE_";

/// The names a program admits; anything else that looks like ours is an error, for it is likely a typing
/// mistake.
///
/// Kubernetes adds variables like `WORLDLINE_EDGE_SERVICE_HOST` for a service named `worldline-edge`; pods set
/// `enableServiceLinks: false`.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Every section that may stand in a shared file, also those this program does not load.
    pub sections: &'static [&'static str],
    /// Variables beginning with `WORLDLINE_` that are read elsewhere, by full name (`WORLDLINE_CONFIG` need
    /// not be listed).
    pub variables: &'static [&'static str],
}

/// All that was said, by section and key, each with its origin.
#[derive(Debug)]
pub struct Sources {
    known: Known,
    settings: BTreeMap<String, BTreeMap<String, Setting>>,
}

impl Sources {
    /// Reads the file, this process's environment and the flags.
    pub fn of_process(known: Known, args: &ConfigArgs, flags: Flags) -> Result<Self, ConfigError> {
        let default = PathBuf::from(DEFAULT_FILE);
        // An empty variable is what Compose and Helm pass where nothing was chosen.
        let variable = std::env::var_os(FILE_VARIABLE).filter(|path| !path.is_empty());
        let named = args.config.clone().or_else(|| variable.map(PathBuf::from));
        let path = named.or_else(|| default.exists().then_some(default));
        let file = match path {
            Some(path) => match std::fs::read_to_string(&path) {
                Ok(text) => Some((path, text)),
                Err(why) => return Err(ConfigError::Unreadable { path, why }),
            },
            None => None,
        };
        let file = file
            .as_ref()
            .map(|(path, text)| (path.as_path(), text.as_str()));
        Self::merge(known, file, std::env::vars_os(), &args.set, flags)
    }

    /// The same from given parts: the file's name and text, variables, `--set` arguments and own flags.
    pub fn merge(
        known: Known,
        file: Option<(&Path, &str)>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        set: &[String],
        flags: Flags,
    ) -> Result<Self, ConfigError> {
        let mut sources = Self {
            known,
            settings: BTreeMap::new(),
        };
        // From the weakest to the strongest: a later one replaces an earlier one.
        if let Some((path, text)) = file {
            sources.add_file(path, text)?;
        }
        for (name, value) in variables {
            sources.add_variable(&name, value)?;
        }
        for flag in flags.given {
            sources.add_flag(flag.flag, &flag.target, flag.value)?;
        }
        for given in set {
            let (target, value) = given.split_once('=').ok_or_else(|| malformed(given))?;
            sources.add_flag(format!("--set {target}"), target, value.to_owned())?;
        }
        Ok(sources)
    }

    /// The section `T` with defaults where nothing was said, checked.
    pub fn load<T: Section>(&self) -> Result<T, ConfigError> {
        let nothing = BTreeMap::new();
        let settings = self.settings.get(T::NAME).unwrap_or(&nothing);
        deserialize_section::<T>(settings)
    }

    /// The variable that sets a key.
    pub(super) fn variable(section: &str, key: &str) -> String {
        format!("{PREFIX}{}_{}", section, key)
            .to_uppercase()
            .replace('-', "_")
    }

    fn add_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let line_at = |offset: usize| {
            text.bytes()
                .take(offset)
                .filter(|byte| *byte == b'\n')
                .count()
                + 1
        };
        let origin = |offset| Origin::File {
            path: path.to_owned(),
            line: line_at(offset),
        };
        let syntax = |error: toml::de::Error| ConfigError::Syntax {
            path: path.to_owned(),
            line: line_at(error.span().map_or(0, |span| span.start)),
            why: error.message().replace('\n', ", "),
        };
        for (name, section) in DeTable::parse(text).map_err(syntax)?.into_inner() {
            let section_origin = origin(name.span().start);
            if !self.known.sections.contains(&name.get_ref().as_ref()) {
                return Err(self.unknown_section(name.get_ref(), section_origin));
            }
            let Some(keys) = section.get_ref().as_table() else {
                return Err(ConfigError::NotASection {
                    name: name.get_ref().to_string(),
                    origin: section_origin,
                });
            };
            for (key, value) in keys.clone() {
                let origin = origin(key.span().start);
                let value = toml::Value::deserialize(value.into_deserializer()).map_err(syntax)?;
                self.put(
                    name.get_ref(),
                    key.get_ref(),
                    Setting {
                        written: Written::Toml(value),
                        origin,
                    },
                );
            }
        }
        Ok(())
    }

    /// An empty variable counts as unset, as `${VAR:-}` in a compose file means it.
    fn add_variable(&mut self, name: &OsString, value: OsString) -> Result<(), ConfigError> {
        let Some(name) = name.to_str() else {
            return Ok(());
        };
        let Some(rest) = name.strip_prefix(PREFIX) else {
            return Ok(());
        };
        if value.is_empty() || name == FILE_VARIABLE || self.known.variables.contains(&name) {
            return Ok(());
        }
        let origin = Origin::Variable(name.to_owned());
        let rest = rest.to_lowercase();
        // The longest name wins, should one section's name begin with another's.
        let fitting = self.known.sections.iter().filter_map(|section| {
            let key = rest
                .strip_prefix(&section.replace('-', "_"))?
                .strip_prefix('_')?;
            Some((*section, key))
        });
        let Some((section, key)) = fitting.max_by_key(|(section, _)| section.len()) else {
            return Err(self.unknown_section(&rest, origin));
        };
        let value = value.into_string().map_err(|_| ConfigError::NotUnicode {
            variable: name.to_owned(),
        })?;
        self.put(
            section,
            key,
            Setting {
                written: Written::Text(value),
                origin,
            },
        );
        Ok(())
    }

    fn add_flag(&mut self, flag: String, target: &str, value: String) -> Result<(), ConfigError> {
        let (section, key) = target.split_once('.').ok_or_else(|| malformed(target))?;
        let origin = Origin::Flag(flag);
        if !self.known.sections.contains(&section) {
            return Err(self.unknown_section(section, origin));
        }
        self.put(
            section,
            key,
            Setting {
                written: Written::Text(value),
                origin,
            },
        );
        Ok(())
    }

    fn put(&mut self, section: &str, key: &str, setting: Setting) {
        self.settings
            .entry(section.to_owned())
            .or_default()
            .insert(key.to_owned(), setting);
    }

    fn unknown_section(&self, name: &str, origin: Origin) -> ConfigError {
        let known = self
            .known
            .sections
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        ConfigError::UnknownSection {
            name: name.to_owned(),
            origin,
            known,
        }
    }
}

fn malformed(given: &str) -> ConfigError {
    ConfigError::MalformedSet {
        given: given.to_owned(),
    }
}
