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
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .output()
            .await;
        match run {
            Ok(output) if output.status.success() => {}
            Ok(output) => {
                let said = [output.stdout, output.stderr].concat();
                eprintln!(
                    "the page could not be built (`npm {}` in {}: {}); the game runs without it",
                    arguments.join(" "),
                    clients.display(),
                    reason(&String::from_utf8_lossy(&said)),
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

/// Which line of what npm and the compiler said tells the reason: the first that speaks of an
/// error and says something about it. npm's warnings are about other things.
fn reason(said: &str) -> &str {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let of_error = |line: &&str| line.contains("error") && !line.starts_with("npm");
    let of_npm = |line: &&str| {
        let rest = line.strip_prefix("npm error").map(str::trim);
        rest.is_some_and(|rest| rest.contains(' ') && !rest.starts_with("code"))
    };
    lines()
        .find(of_error)
        .or_else(|| lines().find(of_npm))
        .or_else(|| lines().next_back())
        .unwrap_or("no output")
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

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn the_reason_is_the_compilers_not_npms_last_warning() {
        let compiler = "\n> check\n> tsc --build\n\nweb/src/map.ts(52,7): error TS2322: no\n\
                        npm warn Unknown user config\n";
        assert_eq!(reason(compiler), "web/src/map.ts(52,7): error TS2322: no");
        let npm = "npm warn Unknown\nnpm error code EUSAGE\nnpm error\nnpm error The lock is gone\n\
                   npm error Usage:\n";
        assert_eq!(reason(npm), "npm error The lock is gone");
        assert_eq!(reason("killed\n"), "killed");
        assert_eq!(reason(""), "no output");
    }
}
