//! The user a database server runs as, and where that user's files can be.
//!
//! PostgreSQL refuses to run as root. When we are root we *step down*: the server gets an unprivileged user of this
//! machine (`postgres` where it exists, else `nobody`) who owns the data and must be able to reach it. Below a closed
//! directory such as root's home nobody else can reach anything, so data and programs then live under
//! `/var/lib/worldline`, and a link stands where they would have been.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::{Uid, User};
use thiserror::Error;
use tracing::info;

const SHARED: &str = "/var/lib/worldline";

/// Who a server runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUser {
    /// `None` means: as ourselves.
    step_down: Option<Ids>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Ids {
    name: String,
    uid: u32,
    gid: u32,
}

/// A place for the unprivileged user's data could not be made.
#[derive(Debug, Error)]
#[error("cannot make {} for the user {user}, as whom the database runs because we are root", path.display())]
pub struct StepDownError {
    /// Who needs it.
    pub user: String,
    /// What could not be made.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl ServerUser {
    /// No other than us.
    pub fn ourselves() -> ServerUser {
        ServerUser { step_down: None }
    }

    /// Ourselves, or an unprivileged user when we are root.
    pub fn for_postgres() -> ServerUser {
        if !Uid::effective().is_root() {
            return ServerUser::ourselves();
        }
        let known = ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten());
        let ids = known.map_or(
            Ids {
                name: "nobody".to_owned(),
                uid: 65534,
                gid: 65534,
            },
            Ids::from,
        );
        ServerUser {
            step_down: Some(ids),
        }
    }

    /// The user to whom existing data already belongs, so that it stays readable when other users come to be.
    pub fn owner_of(data: &Path) -> ServerUser {
        let user = ServerUser::for_postgres();
        let Some(preferred) = &user.step_down else {
            return user;
        };
        match fs::metadata(data.join("PG_VERSION")) {
            Ok(existing) if existing.uid() != 0 && existing.uid() != preferred.uid => {
                let known = User::from_uid(Uid::from_raw(existing.uid())).ok().flatten();
                let name = known.map_or_else(|| existing.uid().to_string(), |user| user.name);
                ServerUser {
                    step_down: Some(Ids {
                        name,
                        uid: existing.uid(),
                        gid: existing.gid(),
                    }),
                }
            }
            _ => user,
        }
    }

    /// The name of the other user, if it is another than ours.
    pub fn stepped_down_to(&self) -> Option<&str> {
        self.step_down.as_ref().map(|ids| ids.name.as_str())
    }

    /// Makes `command` run as this user, without our further groups.
    pub(crate) fn apply(&self, command: &mut Command) {
        if let Some(ids) = &self.step_down {
            command.uid(ids.uid).gid(ids.gid).current_dir("/");
        }
    }

    /// The first directory on the way to `path` that this user cannot enter; `None` when the way is free.
    pub(crate) fn unreachable_part(&self, path: &Path) -> Option<PathBuf> {
        let ids = self.step_down.as_ref()?;
        let existing = path.ancestors().find_map(|part| part.canonicalize().ok())?;
        let closed = |dir: &&Path| match fs::metadata(dir) {
            Ok(meta) if !meta.is_dir() => false,
            Ok(meta) => !ids.may_enter(&meta),
            Err(_) => true,
        };
        let way: Vec<&Path> = existing.ancestors().collect();
        way.into_iter().rev().find(closed).map(Path::to_path_buf)
    }

    /// `dir`, or a shared place for the same use when this user cannot reach `dir`.
    pub(crate) fn reachable_or_shared(&self, dir: &Path, shared_name: &str) -> PathBuf {
        let Some(closed) = self.unreachable_part(dir) else {
            return dir.to_path_buf();
        };
        let shared = Path::new(SHARED).join(shared_name);
        info!(closed = %closed.display(), using = %shared.display(), "the database's user cannot enter a directory");
        shared
    }

    /// Makes the directory `dir`, owned by this user, or a link there to one that the user can reach. Returns where
    /// the data really is.
    pub(crate) fn make_data_dir(&self, dir: &Path) -> Result<PathBuf, StepDownError> {
        let failed = |path: &Path| {
            let (user, path) = (
                self.stepped_down_to().unwrap_or("we run as").to_owned(),
                path.to_path_buf(),
            );
            move |source| StepDownError { user, path, source }
        };
        if let Ok(existing) = dir.canonicalize() {
            self.own(&existing).map_err(failed(&existing))?;
            return Ok(existing);
        }
        let parent = dir.parent().unwrap_or(Path::new("/"));
        create_open_dirs(parent).map_err(failed(parent))?;
        let place = match self.unreachable_part(parent) {
            None => dir.to_path_buf(),
            Some(closed) => {
                create_open_dirs(Path::new(SHARED)).map_err(failed(Path::new(SHARED)))?;
                let place = unused_name(Path::new(SHARED));
                symlink(&place, dir).map_err(failed(dir))?;
                info!(closed = %closed.display(), data = %place.display(), "the database's data is kept elsewhere");
                place
            }
        };
        DirBuilder::new()
            .mode(0o700)
            .create(&place)
            .map_err(failed(&place))?;
        self.own(&place).map_err(failed(&place))?;
        Ok(place)
    }

    /// Gives `path` itself (not what is in it) to this user.
    pub(crate) fn own(&self, path: &Path) -> io::Result<()> {
        match &self.step_down {
            Some(ids) => chown(path, Some(ids.uid), Some(ids.gid)),
            None => Ok(()),
        }
    }
}

impl Ids {
    fn may_enter(&self, dir: &fs::Metadata) -> bool {
        let bit = match () {
            () if dir.uid() == self.uid => 0o100,
            () if dir.gid() == self.gid => 0o010,
            () => 0o001,
        };
        dir.mode() & bit != 0
    }
}

impl From<User> for Ids {
    fn from(user: User) -> Ids {
        Ids {
            name: user.name,
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
        }
    }
}

/// Creates `dir` and its missing parents so that others may enter them, whatever the umask says.
pub(crate) fn create_open_dirs(dir: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = dir
        .ancestors()
        .take_while(|part| !part.as_os_str().is_empty() && !part.exists())
        .collect();
    for part in missing.into_iter().rev() {
        match fs::create_dir(part) {
            Ok(()) => fs::set_permissions(part, Permissions::from_mode(0o755))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn unused_name(dir: &Path) -> PathBuf {
    dir.join(format!("postgres-{:016x}", rand::random::<u64>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody() -> ServerUser {
        ServerUser {
            step_down: Some(Ids {
                name: "somebody".to_owned(),
                uid: 54321,
                gid: 54321,
            }),
        }
    }

    #[test]
    fn a_closed_directory_is_found_on_the_way() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let closed = home.path().canonicalize().expect("a path");
        fs::set_permissions(&closed, Permissions::from_mode(0o700)).expect("permissions");
        assert_eq!(
            somebody().unreachable_part(&closed.join("not/yet/there")),
            Some(closed.clone())
        );
        fs::set_permissions(&closed, Permissions::from_mode(0o711)).expect("permissions");
        assert_eq!(
            somebody().unreachable_part(&closed.join("not/yet/there")),
            None
        );
    }

    #[test]
    fn whoever_does_not_step_down_reaches_what_it_likes() {
        assert_eq!(
            ServerUser::ourselves().unreachable_part(Path::new("/nowhere")),
            None
        );
    }
}
