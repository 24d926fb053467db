//! `docs/accounts.md`, `docs/characters.md` and `docs/login-with-a-provider.md` are held against the code: no refusal
//! that somebody can meet without its row, and none with another status than it has.
//!
//! The codes are taken from where they are written: identity's list, and the sources of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const DOCS: [&str; 3] = [
    include_str!("../../../../docs/accounts.md"),
    include_str!("../../../../docs/characters.md"),
    include_str!("../../../../docs/login-with-a-provider.md"),
];
const OPENAPI: &str = include_str!("../../../../docs/openapi.json");

fn source(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rust_files(directory: PathBuf, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// The literal that `text` begins with, if it is written like a code.
fn code(text: &str) -> Option<String> {
    let (code, _) = text.trim_start().strip_prefix('"')?.split_once('"')?;
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    (!code.is_empty() && code.chars().all(plain)).then(|| code.to_owned())
}

/// The codes that stand after `mark`.
fn after(source: &str, mark: &str) -> Vec<String> {
    source.split(mark).skip(1).filter_map(code).collect()
}

/// The codes that are told apart in arms of a `match`.
fn in_arms(source: &str) -> Vec<String> {
    let lines = source.lines();
    lines
        .filter(|line| line.contains("\" => \""))
        .filter_map(code)
        .collect()
}

fn number(status: &str) -> u16 {
    match status {
        "BAD_REQUEST" => 400,
        "UNAUTHORIZED" => 401,
        "FORBIDDEN" => 403,
        "NOT_FOUND" => 404,
        "METHOD_NOT_ALLOWED" => 405,
        "CONFLICT" => 409,
        "UPGRADE_REQUIRED" => 426,
        "TOO_MANY_REQUESTS" => 429,
        "INTERNAL_SERVER_ERROR" => 500,
        "SERVICE_UNAVAILABLE" => 503,
        other => panic!("give {other} its number here"),
    }
}

/// The edge's own problems with their statuses.
fn problems() -> BTreeMap<String, BTreeSet<u16>> {
    let mut files = Vec::new();
    let edge = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    rust_files(edge, &mut files);
    let mut problems = BTreeMap::<String, BTreeSet<u16>>::new();
    for file in files {
        let source = fs::read_to_string(&file).expect("a source");
        for made in source.split("::new(").skip(1) {
            let Some(made) = made.trim_start().strip_prefix("StatusCode::") else {
                continue;
            };
            let (status, rest) = made.split_once(',').expect("a code follows");
            if let Some(code) = code(rest) {
                problems.entry(code).or_default().insert(number(status));
            }
        }
        for code in after(&source, "bad_request(") {
            problems.entry(code).or_default().insert(400);
        }
    }
    problems
}

fn all() -> BTreeSet<String> {
    let listed = identity::refusals::ALL.iter().copied().map(str::to_owned);
    let described: serde_json::Value = serde_json::from_str(OPENAPI).expect("JSON");
    let paths = described["paths"].as_object().expect("paths").values();
    let operations = paths.flat_map(|path| path.as_object().expect("methods").values());
    let published = operations.flat_map(|operation| {
        let codes = operation["x-problem-codes"].as_array();
        codes
            .expect("codes")
            .iter()
            .filter_map(|code| code.as_str())
    });
    let mut all: BTreeSet<String> = listed.chain(published.map(str::to_owned)).collect();
    all.extend(problems().into_keys());
    for file in [
        "identity/src/oidc/error.rs",
        "edge/src/http/oidc/failure.rs",
    ] {
        all.extend(after(&source(file), " => "));
    }
    all.extend(after(&source("edge/src/character_name.rs"), "=> "));
    for file in ["lobby/src/characters.rs", "lobby/src/names.rs"] {
        all.extend(in_arms(&source(file)));
    }
    let faults = source("../crates/eventlog/src/keyed/fault.rs");
    all.extend(after(&faults, "Refusal::new("));
    all
}

#[test]
fn every_refusal_has_its_row() {
    let all = all();
    for known in [
        "bad_login",
        "not_found",
        "bad_json",
        "oidc_azp",
        "denied",
        "reserved_name",
        "ticket_used",
        "not_reserved",
        "fault",
    ] {
        assert!(
            all.contains(known),
            "{known} is not found in the code any more"
        );
    }
    let told = |code: &str| DOCS.iter().any(|doc| doc.contains(&format!("`{code}`")));
    let untold: Vec<_> = all.iter().filter(|code| !told(code)).collect();
    assert!(
        untold.is_empty(),
        "docs/accounts.md, characters.md or login-with-a-provider.md have to tell of {untold:?}"
    );
}

#[test]
fn no_row_names_another_status_than_the_code() {
    let mut compared = 0;
    for (code, statuses) in problems() {
        let row = format!(" `{code}`");
        for doc in DOCS {
            let before = doc.match_indices(&row).map(|(at, _)| &doc[..at]);
            let numbers = before.filter_map(|text| text.get(text.len().checked_sub(3)?..));
            for told in numbers.filter_map(|number| number.parse::<u16>().ok()) {
                assert!(
                    statuses.contains(&told),
                    "{code} is told as {told}, and is {statuses:?}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 20, "{compared}");
}
