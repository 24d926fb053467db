//! `cargo xtask test`: all that must hold before a change is handed in, or a part of it.

mod browser;
mod rust;
mod web;

use anyhow::bail;

use crate::step::Steps;

/// One line for the list of commands.
pub(crate) const ABOUT: &str = "formatting, clippy, Rust tests, page tests, browser test; \
                                [--fmt] [--clippy] [--rust] [--web] [--browser] pick parts, [-- args] go to the Rust tests";

/// A part of the tests, in the order they run: what is quick to fail comes first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Fmt,
    Clippy,
    Rust,
    Web,
    Browser,
}

const PARTS: [(&str, Part); 5] = [
    ("--fmt", Part::Fmt),
    ("--clippy", Part::Clippy),
    ("--rust", Part::Rust),
    ("--web", Part::Web),
    ("--browser", Part::Browser),
];

/// Runs the chosen parts; all of them when none is chosen.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let (parts, for_tests) = parse(arguments)?;
    let mut steps = Steps::default();
    for part in parts {
        match part {
            Part::Fmt => rust::fmt(&mut steps)?,
            Part::Clippy => rust::clippy(&mut steps)?,
            Part::Rust => rust::tests(&mut steps, for_tests)?,
            Part::Web => web::tests(&mut steps)?,
            Part::Browser => browser::tests(&mut steps)?,
        }
    }
    steps.summary();
    Ok(())
}

fn parse(arguments: &[String]) -> anyhow::Result<(Vec<Part>, &[String])> {
    let end = arguments
        .iter()
        .position(|argument| argument == "--")
        .unwrap_or(arguments.len());
    let (flags, for_tests) = (
        &arguments[..end],
        arguments.get(end + 1..).unwrap_or_default(),
    );
    if let Some(unknown) = flags
        .iter()
        .find(|flag| PARTS.iter().all(|(name, _)| name != flag))
    {
        let known: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
        bail!(
            "`{unknown}` is not known here; there are {}",
            known.join(" ")
        );
    }
    let chosen = |name: &str| flags.is_empty() || flags.iter().any(|flag| flag == name);
    Ok((
        PARTS
            .iter()
            .filter(|(name, _)| chosen(name))
            .map(|(_, part)| *part)
            .collect(),
        for_tests,
    ))
}

#[cfg(test)]
mod tests {
    use super::{PARTS, Part, parse};

    fn given(arguments: &[&str]) -> anyhow::Result<(Vec<Part>, Vec<String>)> {
        let arguments: Vec<String> = arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect();
        parse(&arguments).map(|(parts, rest)| (parts, rest.to_vec()))
    }

    #[test]
    fn no_flag_means_all() {
        assert!(given(&[]).is_ok_and(|(parts, _)| parts.len() == PARTS.len()));
    }

    #[test]
    fn flags_pick_parts_in_our_order() {
        assert!(
            given(&["--rust", "--fmt"]).is_ok_and(|(parts, _)| parts == [Part::Fmt, Part::Rust])
        );
    }

    #[test]
    fn the_rest_goes_to_the_tests() {
        assert!(
            given(&["--rust", "--", "-p", "world"]).is_ok_and(|(_, rest)| rest == ["-p", "world"])
        );
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(given(&["--everything"]).is_err());
    }
}
