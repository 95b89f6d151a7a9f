//! A Postgres server from local binaries that is there for one command: `scripts/dev-postgres` in a temporary folder.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// What would make the throw-away servers others than they are to be.
const NOT_THEIRS: [&str; 5] = ["POSTGRES_PASSWORD", "AUTH_OWNER_PASSWORD", "AUTH_APP_PASSWORD", "INVENTORY_OWNER_PASSWORD", "INVENTORY_APP_PASSWORD"];

/// A server that was started for a command. It is stopped when it is dropped, and its data go.
pub struct Server {
    script: PathBuf,
    folder: TempDir,
}

/// Whether a script finds the binaries that it needs; else why not.
pub fn can_start(script: &Path) -> Result<(), String> {
    run(Command::new(script).arg("find")).map(drop)
}

impl Server {
    /// Answers the server with the superuser's URL.
    pub fn start(script: PathBuf) -> Result<(Self, String), String> {
        let folder = tempfile::Builder::new().prefix("larder-shadow-").tempdir().map_err(|error| error.to_string())?;
        // As root the servers run as another user, who must get through here.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
        let server = Self { script, folder };
        server.run("start")?;
        let lines = server.run("superuser-env")?;
        let url = lines.lines().find_map(|line| line.strip_prefix("export LARDER_TEST_POSTGRES_INVENTORY=")).map(|url| url.replace('\\', ""));
        let url = url.ok_or_else(|| format!("{} does not say where the server is", server.script.display()))?;
        Ok((server, url))
    }

    fn run(&self, what: &str) -> Result<String, String> {
        run(&mut script(&self.script, self.folder.path(), what))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that cannot be stopped ends by itself where its data are gone.
        let _ = self.run("stop");
    }
}

fn script(script: &Path, folder: &Path, what: &str) -> Command {
    let mut command = Command::new(script);
    command.arg(what).env("DEV_POSTGRES_DIR", folder).env("DEV_POSTGRES_DURABLE", "no");
    command.env("DEV_POSTGRES_AUTH_PORT", "0").env("DEV_POSTGRES_INVENTORY_PORT", "0");
    for name in NOT_THEIRS {
        command.env_remove(name);
    }
    // Ctrl-C goes to all of a terminal's foreground group; half a start would leave half a server.
    command.process_group(0);
    command
}

/// What a command printed, or why it failed.
fn run(command: &mut Command) -> Result<String, String> {
    let ended = command.stdin(Stdio::null()).output();
    let ended = ended.map_err(|error| format!("{} cannot be run: {error}", command.get_program().display()))?;
    if ended.status.success() {
        return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&ended.stderr).trim().to_owned())
}
