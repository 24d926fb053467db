//! Which numbers of the rules are to be others: a TOML file of names and numbers, and `--rule NAME=NUMBER`.

use std::collections::BTreeMap;
use std::path::Path;

use world::{RuleError, Rules};

use crate::ReplayError;

/// Numbers by the name of their rule.
pub(super) type Changes = BTreeMap<String, i64>;

/// `NAME=NUMBER`, as a value of the command line.
pub(super) fn assignment(text: &str) -> Result<(String, i64), String> {
    let (name, number) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` is not NAME=NUMBER"))?;
    let number = number
        .trim()
        .parse()
        .map_err(|_| format!("`{}` is no whole number", number.trim()))?;
    Ok((name.trim().to_owned(), number))
}

/// All changes, the file's and those of the command line, which come last. Another build may know rules that this one
/// does not: `known_here` says whether they are this build's.
pub(super) fn changes(
    file: Option<&Path>,
    assignments: &[(String, i64)],
    known_here: bool,
) -> Result<Changes, ReplayError> {
    let check = |changes: &Changes| {
        let mut rules = Rules::DEFAULT;
        changes
            .iter()
            .filter(|_| known_here)
            .try_for_each(|(name, number)| rules.set(name, *number))
            .map_err(|error| explained(&error))
    };
    let mut changes = Changes::new();
    if let Some(path) = file {
        let wrong = |why: String| ReplayError::Usage(format!("{}: {why}", path.display()));
        let text = std::fs::read_to_string(path)
            .map_err(|error| wrong(format!("it cannot be read: {error}")))?;
        changes = parse(&text).map_err(wrong)?;
        check(&changes).map_err(wrong)?;
    }
    changes.extend(assignments.iter().cloned());
    check(&changes).map_err(ReplayError::Usage)?;
    Ok(changes)
}

fn parse(text: &str) -> Result<Changes, String> {
    let table: toml::Table = text.parse().map_err(|error| format!("{error}"))?;
    let number = |(name, value): (String, toml::Value)| match value {
        toml::Value::Integer(number) => Ok((name, number)),
        other => Err(format!(
            "{name} is a {}, and must be a whole number",
            other.type_str()
        )),
    };
    table.into_iter().map(number).collect()
}

/// A name that nobody knows with the nearest one that is known.
fn explained(error: &RuleError) -> String {
    let RuleError::Unknown(name) = error else {
        return error.to_string();
    };
    let nearest = Rules::ALL
        .iter()
        .map(|rule| rule.name)
        .min_by_key(|known| distance(known, name));
    let hint = nearest.map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
    format!("{error}{hint} `worldline replay whatif --list-rules` shows all of them")
}

/// How many letters have to be put in, taken out or changed to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(100).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (number, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], number + 1);
        for (at, there) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *there);
            diagonal = row[at + 1];
            row[at + 1] = changed.min(row[at] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_numbers_by_name() {
        let changes = parse("# lighter\nrise_gravity = 48\nrun_speed = 1_024\n").unwrap();
        let wanted = [("rise_gravity", 48), ("run_speed", 1_024)];
        assert_eq!(changes, wanted.map(|(name, n)| (name.to_owned(), n)).into());
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_by_name() {
        for (text, wanted) in [
            ("rise_gravity = 4.5", "rise_gravity is a float"),
            ("rise_gravity = ", "TOML parse error"),
            ("[physics]\nrise_gravity = 4", "physics is a table"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(wanted), "{error}");
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest_known_one() {
        for (name, nearest) in [
            ("rise_gravty", "rise_gravity"),
            ("runspeed", "run_speed"),
            ("Walk_Speed", "walk_speed"),
            ("jump-speed", "jump_speed"),
        ] {
            let error = changes(None, &[(name.to_owned(), 1)], true).unwrap_err();
            let wanted = format!("there is no rule `{name}`; did you mean `{nearest}`?");
            assert!(error.to_string().starts_with(&wanted), "{error}");
        }
    }

    #[test]
    fn a_number_out_of_range_is_refused_with_the_range() {
        let error = changes(None, &[("run_speed".to_owned(), 9_000)], true).unwrap_err();
        assert_eq!(
            error.to_string(),
            "run_speed = 9000 is out of range: it may be 0 to 4095"
        );
        // Another build may know it better.
        assert!(changes(None, &[("wings".to_owned(), 2)], false).is_ok());
    }

    #[test]
    fn an_assignment_is_a_name_and_a_number() {
        assert_eq!(assignment("run_speed = 7"), Ok(("run_speed".to_owned(), 7)));
        for wrong in ["run_speed", "run_speed=fast", "=", "run_speed=1.5"] {
            assert!(assignment(wrong).is_err(), "{wrong}");
        }
    }
}
