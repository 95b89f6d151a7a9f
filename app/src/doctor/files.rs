//! Who else on this machine may read the embedded databases, and secrets in the settings file.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Finding;
use crate::auth::is_owned_by_another;
use crate::module::Module;
use crate::settings::{File, Settings};
use crate::target::Target;

const CHECK: &str = "files";

/// One finding for each embedded database that is there, with what SQLite lays beside it.
pub(super) fn modes(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for module in Module::ALL {
        if let Target::Sqlite(path) = &module.place(&settings.database).target
            && path.exists()
        {
            findings.push(look(path));
        }
    }
    findings
}

/// Of the settings file, where there is one.
pub(super) fn settings_file(settings: &Settings) -> Option<Finding> {
    let File { path, secrets } = settings.file.as_ref()?;
    let shown = path.display();
    Some(if secrets.is_empty() {
        Finding::fine(CHECK, format!("{shown} holds no secret"))
    } else if is_closed(path) || is_closed(folder_of(path)) {
        Finding::fine(CHECK, format!("{shown} is readable by its owner only"))
    } else {
        let next = format!("Run chmod 600 {shown}, or give them in the environment");
        Finding::wrong(CHECK, format!("others on this machine may read {shown}, with {}", secrets.join(", ")), next)
    })
}

fn look(path: &Path) -> Finding {
    match is_owned_by_another(path) {
        Ok(None) => {}
        Ok(Some(owner)) => {
            let message = format!("{} belongs to the user with the id {owner}", path.display());
            return Finding::wrong(CHECK, message, "Run the server and every command as that user");
        }
        Err(error) => return Finding::wrong(CHECK, format!("{}: {error}", path.display()), "May this user read it?"),
    }
    let folder = folder_of(path);
    if is_closed(folder) || beside(path).iter().all(|file| is_closed(file)) {
        return Finding::fine(CHECK, format!("{} is readable by its owner only", path.display()));
    }
    let message = format!("others on this machine may read {}, with everybody's password hashes", path.display());
    Finding::wrong(CHECK, message, format!("Run chmod 700 {}", folder.display()))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(path: &Path) -> Vec<std::path::PathBuf> {
    let with = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        std::path::PathBuf::from(name)
    };
    [with(""), with("-wal"), with("-shm")].into_iter().filter(|file| file.exists()).collect()
}

/// Whether nobody but its owner comes in.
fn is_closed(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| (found.permissions().mode() & 0o777) | 0o700 == 0o700)
}
