//! The sentences an operator reads, each with the configuration that earns it.
//!
//! A file in `config_sentences/` is a case: the configuration file, then after `--- environment` one variable a
//! line, after `--- flags` one flag a line (`--set …` or `--nats …`), and after `--- says` the answer. Adding a
//! case is adding a file; `GOLDEN=write` writes the answers.

use std::ffi::OsString;
use std::path::Path;

use runtime::{
    BrokerConfig, ConfigError, Flags, Known, ListenConfig, Secret, Section, Sources, Span,
    TelemetryConfig,
};

/// A section with every kind of value.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "read by its Debug output")]
struct Depot {
    /// The only key without a default.
    place: String,
    #[serde(default)]
    patience: Span,
    #[serde(default)]
    doors: Vec<u16>,
    #[serde(default)]
    open: bool,
    #[serde(default)]
    slope: Option<f64>,
    #[serde(default)]
    key: Option<Secret>,
}

impl Section for Depot {
    const NAME: &'static str = "depot";
}

const KNOWN: Known = Known {
    sections: &["broker", "telemetry", "ops", "depot", "depot-yard"],
    variables: &["WORLDLINE_DATA_DIR"],
};

fn answer(case: &str) -> String {
    let mut parts = [String::new(), String::new(), String::new()];
    let mut part = 0;
    for line in case.lines() {
        match line {
            "--- environment" => part = 1,
            "--- flags" => part = 2,
            line => parts[part].push_str(&format!("{line}\n")),
        }
    }
    let [file, environment, given] = parts;
    let pairs = |text: &str, separator| -> Vec<(String, String)> {
        let pair = |line: &str| {
            line.split_once(separator)
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
        };
        text.lines()
            .filter(|line| !line.is_empty())
            .map(|line| pair(line).expect(line))
            .collect()
    };
    let variables = pairs(&environment, '=')
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()));
    let (mut flags, mut set) = (Flags::new(), Vec::new());
    for (flag, value) in pairs(&given, ' ') {
        match flag.as_str() {
            "--set" => set.push(value),
            _ => flags = flags.set(&flag, "broker.url", Some(value)),
        }
    }
    let file = (!file.trim().is_empty()).then_some((Path::new("worldline.toml"), file.as_str()));
    load(file, variables.collect(), &set, flags).unwrap_or_else(|error| format!("{error}\n"))
}

fn load(
    file: Option<(&Path, &str)>,
    variables: Vec<(OsString, OsString)>,
    set: &[String],
    flags: Flags,
) -> Result<String, ConfigError> {
    let sources = Sources::merge(KNOWN, file, variables, set, flags)?;
    let broker: BrokerConfig = sources.load()?;
    let telemetry: TelemetryConfig = sources.load()?;
    let ops: ListenConfig = sources.load()?;
    let depot: Depot = sources.load()?;
    Ok(format!("{broker:?}\n{telemetry:?}\n{ops:?}\n{depot:?}\n"))
}

#[test]
fn every_configuration_gets_its_sentence() {
    let write = std::env::var_os("GOLDEN").is_some_and(|mode| mode == "write");
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config_sentences");
    let mut count = 0;
    for entry in std::fs::read_dir(&cases).expect("the cases are there") {
        let path = entry.expect("the cases can be listed").path();
        let text = std::fs::read_to_string(&path).expect("a case is text");
        let (case, golden) = text
            .split_once("--- says\n")
            .expect("a case ends in what it says");
        let said = answer(case);
        if write {
            std::fs::write(&path, format!("{case}--- says\n{said}"))
                .expect("the case can be written");
        } else {
            assert_eq!(said, golden, "{}", path.display());
        }
        count += 1;
    }
    assert!(count > 15, "only {count} cases were found");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_unicode_is_named() {
    use std::os::unix::ffi::OsStringExt;
    let variables = vec![(
        "WORLDLINE_DEPOT_PLACE".into(),
        OsString::from_vec(vec![0xff]),
    )];
    let error = load(None, variables, &[], Flags::new()).expect_err("0xff is not UTF-8");
    assert_eq!(
        error.to_string(),
        "variable WORLDLINE_DEPOT_PLACE is not valid UTF-8"
    );
}
