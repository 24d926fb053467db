//! The page, built from committed source when npm is there.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::SystemTime;

use tokio::process::Command;

/// The clients' source, when this binary runs beside it.
fn source() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clients");
    let beside = beside.canonicalize().ok()?;
    beside.join("package.json").exists().then_some(beside)
}

/// The directory of the built page; builds it when its source is newer. Nothing here is fatal:
/// without a page the edge serves a hint.
pub(crate) async fn build() -> Option<PathBuf> {
    let clients = source()?;
    let page = clients.join("web/dist");
    if newest(&clients.join("sdk/src")).max(newest(&clients.join("web"))) <= newest(&page) {
        return Some(page);
    }
    eprintln!("building the page (once; npm)");
    for arguments in [&["ci"][..], &["run", "build"]] {
        let run = Command::new("npm")
            .args(arguments)
            .current_dir(&clients)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .output()
            .await;
        match run {
            Ok(output) if output.status.success() => {}
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                let last = said.lines().rev().find(|line| !line.trim().is_empty());
                eprintln!(
                    "the page could not be built (`npm {}` in {}: {}); the game runs without it",
                    arguments.join(" "),
                    clients.display(),
                    last.unwrap_or("no output").trim(),
                );
                return page.join("index.html").exists().then_some(page);
            }
            Err(_) => {
                eprintln!(
                    "npm is not on PATH, so the page is not built: install Node.js 20 or later and \
                     start again; until then only programs can play"
                );
                return page.join("index.html").exists().then_some(page);
            }
        }
    }
    Some(page)
}

/// The newest modification below `path`, leaving out what is installed or built there.
fn newest(path: &Path) -> Option<SystemTime> {
    let skipped = ["node_modules", "dist-types", "dist"].map(std::ffi::OsStr::new);
    let of_file = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    let Ok(entries) = path.read_dir() else {
        return of_file(path);
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| !skipped.contains(&entry.file_name().as_os_str()))
        .filter_map(|entry| newest(&entry.path()))
        .max()
}
