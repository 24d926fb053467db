//! Another build decides, behind pipes. Here it is this test itself, started as `PATH replay decide`.
//!
//! Therefore it has no harness; it answers `--list` as test runners expect it.

mod sample;

use std::path::PathBuf;
use std::process::ExitCode;

use replay::{Answer, Cli, ReplayCommand, ReplayError, WhatifArgs};
use sample::{Realm, busy_day};
use serde_json::Value;

const NAME: &str = "another_build_is_asked_and_answers";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["replay", "decide"] {
        return replay::run_decide(&mut std::io::stdout().lock());
    }
    if arguments.iter().any(|argument| argument == "--list") {
        if !arguments.iter().any(|argument| argument == "--ignored") {
            println!("{NAME}: test");
        }
        return ExitCode::SUCCESS;
    }
    let wanted = |argument: &String| argument.starts_with('-') || NAME.contains(argument.as_str());
    if !arguments.iter().all(wanted) {
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let realm = busy_day().await;
        the_same_build_decides_the_same(&realm).await;
        changed_numbers_are_handed_on(&realm).await;
        what_is_no_build_is_said_to_be_none(&realm).await;
    });
    println!("test {NAME} ... ok");
    ExitCode::SUCCESS
}

fn here() -> WhatifArgs {
    WhatifArgs {
        differences: 10_000,
        answer: Answer::json(),
        ..WhatifArgs::default()
    }
}

fn elsewhere() -> WhatifArgs {
    WhatifArgs {
        build: Some(std::env::current_exe().unwrap()),
        ..here()
    }
}

async fn asked(realm: &Realm, args: WhatifArgs) -> Result<(u8, Value), ReplayError> {
    let mut out = Vec::new();
    let cli = Cli::new(ReplayCommand::Whatif(args));
    let code = replay::execute(cli, &realm.log.clone().into(), None, &mut out).await?;
    Ok((code, serde_json::from_slice(&out).unwrap()))
}

async fn the_same_build_decides_the_same(realm: &Realm) {
    let (code, report) = asked(realm, elsewhere()).await.unwrap();
    assert_eq!(report["differences"], Value::Array(Vec::new()));
    assert_eq!(report["build"]["rules"], world::RULES_VERSION);
    assert_eq!(code, 0);
}

async fn changed_numbers_are_handed_on(realm: &Realm) {
    let set = vec![("walk_speed".to_owned(), 128)];
    let with = |args| WhatifArgs {
        rule: set.clone(),
        ..args
    };
    let (_, here) = asked(realm, with(here())).await.unwrap();
    let (code, there) = asked(realm, with(elsewhere())).await.unwrap();
    assert_eq!(code, 1);
    for part in ["changes", "areas", "players", "types", "differences"] {
        assert_eq!(here[part], there[part], "{part}");
    }
    let unknown = WhatifArgs {
        rule: vec![("wings".to_owned(), 2)],
        ..elsewhere()
    };
    let error = asked(realm, unknown).await.unwrap_err();
    assert!(
        error.to_string().ends_with("there is no rule `wings`"),
        "{error}"
    );
}

async fn what_is_no_build_is_said_to_be_none(realm: &Realm) {
    for (path, wanted) in [
        ("/bin/true", "does that build know `replay decide`?"),
        ("/bin/cat", "there is no"),
    ] {
        let args = WhatifArgs {
            build: Some(PathBuf::from(path)),
            ..here()
        };
        let error = asked(realm, args).await.unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with(&format!("--build {path}: ")), "{said}");
        assert!(path != "/bin/true" || said.ends_with(wanted), "{said}");
        assert_eq!(error.code(), 64);
    }
}
