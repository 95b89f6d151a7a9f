//! A reader at a shell, in a copy of the checkout.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::situations::Held;
use super::{says, told_codes};
use crate::support::patience::{HANGS, PATIENT};
use crate::support::process::command;
use crate::support::{Engine, variable};

/// What is copied of the checkout: what the commands work on.
const FOLDERS: [&str; 3] = ["entity", "migration", "scripts"];
const FILES: [&str; 3] = [".env.example", "Cargo.toml", "rustfmt.toml"];

/// A reader at a shell, in a copy of the checkout.
pub struct Scenario {
    pub engine: Engine,
    folder: TempDir,
    /// What the reader's shell begins with.
    surroundings: BTreeMap<String, String>,
    pub held: Held,
    /// Every file of the copy, with what it held at the beginning.
    before: BTreeMap<PathBuf, Vec<u8>>,
}

impl Scenario {
    /// `None`, with a word about it, where something is missing and nobody demanded it.
    pub fn begin(engine: Engine) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        // As root the servers run as another user, who must get through here.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("a mode");
        let work = folder.path().join("checkout");
        std::fs::create_dir(&work).expect("a folder");
        for name in FOLDERS {
            copy(&root().join(name), &work.join(name));
        }
        for name in FILES {
            std::fs::copy(root().join(name), work.join(name)).expect("copied");
        }
        let before = files(&work);
        let mut scenario = Self { engine, folder, surroundings: surroundings(), held: Held::default(), before };
        let missing = scenario.missing();
        if let Some(missing) = missing {
            assert!(variable("CI").is_none() && !(engine == Engine::Postgres && demanded("REQUIRE_POSTGRES")), "{missing}");
            println!("SKIPPED: {missing}");
            return None;
        }
        scenario.make_shims();
        Some(scenario)
    }

    fn missing(&mut self) -> Option<String> {
        let (tools, postgres) = match self.engine {
            Engine::Sqlite => (["sqlite3", "curl", "curl"], false),
            Engine::Postgres => (["psql", "pg_dump", "curl"], true),
        };
        if postgres {
            let found = Command::new(self.path("scripts/dev-postgres")).arg("find").output().expect("dev-postgres");
            if !found.status.success() {
                return Some(format!("no Postgres: {}", String::from_utf8_lossy(&found.stderr)));
            }
            // What packages put where no PATH leads.
            let path = format!("{}:{}", self.surroundings["PATH"], String::from_utf8_lossy(&found.stdout).trim());
            self.surroundings.insert("PATH".into(), path);
            let directory = self.folder.path().join("postgres").display().to_string();
            let ours = [("DIR", directory.as_str()), ("AUTH_PORT", "0"), ("INVENTORY_PORT", "0"), ("DURABLE", "no")];
            self.surroundings.extend(ours.map(|(name, value)| (format!("DEV_POSTGRES_{name}"), value.to_owned())));
        } else if let Some(server) = variable("LARDER_TEST_POSTGRES_INVENTORY") {
            self.surroundings.insert("LARDER_SHADOW_URL".into(), server);
        }
        let path = self.surroundings["PATH"].clone();
        let is_there = |tool: &&str| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file());
        tools.iter().find(|tool| !is_there(tool)).map(|tool| format!("{tool} is not installed"))
    }

    /// Commands that come before those of the PATH: `larder` is the tested program, and what cannot be run here says so.
    fn make_shims(&mut self) {
        let shims = self.folder.path().join("shims");
        std::fs::create_dir(&shims).expect("a folder");
        let make = |name: &str, script: String| {
            let file = shims.join(name);
            std::fs::write(&file, script).expect("a file");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        };
        let (program, codes) = (env!("CARGO_BIN_EXE_larder"), self.folder.path().join("codes"));
        make("larder", format!("#!/usr/bin/env bash\n'{program}' \"$@\"\ncode=$?\n[ $code = 0 ] || echo $code >>'{}'\nexit $code\n", codes.display()));
        make("cargo", Self::cargo());
        let has_plain_tool = Command::new("sea-orm-cli").arg("--version").output().is_ok_and(|ended| ended.status.success());
        if !has_plain_tool {
            assert!(!demanded("REQUIRE_SEA_ORM_CLI"), "REQUIRE_SEA_ORM_CLI=1, but it is not installed");
            make("sea-orm-cli", "#!/bin/sh\necho \"SKIPPED: sea-orm-cli $1 (it is not installed)\"\n".into());
        }
        let path = format!("{}:{}", shims.display(), self.surroundings["PATH"]);
        self.surroundings.insert("PATH".into(), path);
    }

    /// `cargo run` of a migration crate: its program, where it was built from the migrations of this checkout.
    fn cargo() -> String {
        let built = Path::new(env!("CARGO_BIN_EXE_larder")).parent().expect("a folder");
        let mut cases = String::new();
        for module in ["auth", "inventory"] {
            let program = built.join(format!("{module}-migration"));
            let made = program.metadata().and_then(|file| file.modified()).ok();
            let is_new = made.is_some_and(|made| changed(module).is_none_or(|changed| changed <= made));
            assert!(is_new || variable("CI").is_none(), "{} is not built, or older than its sources", program.display());
            let then = if is_new {
                format!("exec '{}' \"$@\"", program.display())
            } else {
                format!("echo \"SKIPPED: {module}-migration $* (it is not built, or older than its sources)\"")
            };
            let _ = writeln!(cases, "*' {module}-migration '* | *'/{module}/Cargo.toml '*) {then} ;;");
        }
        format!(
            "#!/usr/bin/env bash\nall=\" $* \"\nwhile [ $# -gt 0 ] && [ \"$1\" != -- ]; do shift; done\n[ $# = 0 ] || shift\n\
             case $all in\n{cases}*) echo \"nothing is built here: cargo$all\" >&2; exit 1 ;;\nesac\n"
        )
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("checkout").join(name)
    }

    /// Where the shell leaves what it exports and defines.
    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub fn bash(&self, script: &str) -> Command {
        let state = self.state();
        let script = format!(
            "[ ! -e '{0}' ] || . '{0}' 2>/dev/null\nset -euo pipefail\nexec 2>&1\n{script}\n\
             {{ declare -p | grep -vE '^declare -[a-zA-Z]*r[a-zA-Z]* '; declare -f; }} >'{0}'\n",
            state.display()
        );
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).env_clear().envs(&self.surroundings).current_dir(self.path("")).stdin(Stdio::null());
        bash
    }

    /// Runs a block to its end, and holds it to its exit codes and to what it is to say.
    pub fn run(&self, line: usize, block: &str, expected: &str) {
        let codes = self.folder.path().join("codes");
        let _ = std::fs::remove_file(&codes);
        let log = std::fs::File::create(self.folder.path().join("output")).expect("a file");
        let begun = Instant::now();
        // A group of its own, so that nothing it started outlives it where it hangs.
        let mut bash = self.bash(block).stdout(log).stderr(Stdio::null()).process_group(0).spawn().expect("bash");
        let status = loop {
            if let Some(status) = bash.try_wait().expect("a status") {
                break Some(status);
            }
            if begun.elapsed() > HANGS {
                let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", bash.id())]).status();
                let _ = bash.wait();
                break None;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let output = std::fs::read(self.folder.path().join("output")).expect("the output");
        let output = String::from_utf8_lossy(&output);
        let told = format!("docs/runbook.md, line {line}, {:?}:\n{block}\n--- says:\n{output}---", self.engine);
        assert!(status.is_some(), "it does not end: {told}");
        assert!(status.is_some_and(|status| status.success()), "{status:?}: {told}");
        let codes = std::fs::read_to_string(&codes).unwrap_or_default();
        let codes: Vec<i32> = codes.lines().filter_map(|code| code.parse().ok()).collect();
        assert_eq!(codes, told_codes(block), "the exit codes of larder are not those of the text: {told}");
        let skipped: Vec<_> = output.lines().filter(|line| line.starts_with("SKIPPED: ")).collect();
        println!("{}", skipped.join("\n"));
        assert!(!skipped.is_empty() || says(&output, expected), "it does not say\n{expected}--- {told}");
    }

    /// A variable, as the reader would have set it.
    pub fn export(&self, name: &str, value: &str) {
        let ended = self.bash(&format!("export {name}='{value}'")).status().expect("bash");
        assert!(ended.success(), "{name}");
    }

    /// What the reader's shell exports, as far as it means something to the program.
    pub fn variables(&self) -> BTreeMap<String, String> {
        let ended = self.bash("env -0").output().expect("bash");
        let text = String::from_utf8_lossy(&ended.stdout).into_owned();
        let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
        let is_ours = |name: &str| name.ends_with("_DATABASE_URL") || name.starts_with("LARDER_") || name == "USE_IN_MEMORY_REPOSITORIES";
        pairs.filter(|(name, _)| is_ours(name)).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    pub fn command(&self, arguments: &[&str], changed: &[(&str, String)]) -> Command {
        let mut variables = self.variables();
        variables.extend(changed.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        command(&self.path(""), arguments, variables.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// Runs the program with the reader's variables and others, and answers exit code and all that it said.
    pub fn larder(&self, arguments: &[&str], changed: &[(&str, String)]) -> (i32, String) {
        let ended = self.command(arguments, changed).output().expect("the program");
        let said = [ended.stdout, ended.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
        (ended.status.code().unwrap_or(-1), said)
    }

    #[track_caller]
    pub fn done(&self, arguments: &[&str]) {
        let (code, said) = self.larder(arguments, &[]);
        assert_eq!(code, 0, "{arguments:?}: {said}");
    }

    /// Nothing that the text has done changed a migration or an entity.
    pub fn ends_with_the_files_of_the_beginning(&self) {
        let now = files(&self.path(""));
        let differs = |path: &&PathBuf| self.before.get(*path) != now.get(*path);
        let differ: Vec<_> = self.before.keys().chain(now.keys()).filter(differs).collect();
        // What the text makes, it makes elsewhere.
        let differ: Vec<_> = differ.into_iter().filter(|path| path.starts_with("entity") || path.starts_with("migration")).collect();
        assert!(differ.is_empty(), "{differ:?}");
    }
}

impl Drop for Scenario {
    fn drop(&mut self) {
        self.held.server = None;
        if let Some(process) = &mut self.held.process {
            let _ = process.kill();
            let _ = process.wait();
        }
        if self.surroundings.contains_key("DEV_POSTGRES_DIR") {
            let mut stop = Command::new(self.path("scripts/dev-postgres"));
            let _ = stop.arg("stop").env_clear().envs(&self.surroundings).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

fn demanded(name: &str) -> bool {
    variable(name).as_deref() == Some("1")
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the checkout")
}

/// What a shell needs, and no setting but that of a reader with patience: what the text says of limits it sets.
fn surroundings() -> BTreeMap<String, String> {
    let names = ["PATH", "HOME", "USER", "TMPDIR", "CARGO_HOME", "RUSTUP_HOME", "DEV_POSTGRES_BIN"];
    let mut surroundings: BTreeMap<_, _> = names.iter().filter_map(|name| Some(((*name).to_owned(), variable(name)?))).collect();
    surroundings.insert("LC_ALL".into(), "C.UTF-8".into());
    surroundings.extend(PATIENT.map(|(name, value)| (name.to_owned(), value.to_owned())));
    // No port that somebody may have.
    surroundings.insert("LARDER_SERVER_PORT".into(), "0".into());
    surroundings
}

pub fn list(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for path in list(from) {
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).expect("copied");
        }
    }
}

/// Every file below a folder, with what it holds.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for path in list(&next) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read(&path).expect("a file");
                found.insert(path.strip_prefix(folder).expect("below").to_owned(), text);
            }
        }
    }
    found
}

/// When something that a migration crate is built from was changed last.
fn changed(module: &str) -> Option<std::time::SystemTime> {
    let migration = root().join("migration");
    let sources = [format!("{module}/src"), "command/src".into(), "history/src".into()].map(|folder| migration.join(folder));
    let files = sources.iter().flat_map(|folder| list(folder)).chain([migration.join(module).join("migrations.lock")]);
    files.filter_map(|file| file.metadata().and_then(|file| file.modified()).ok()).max()
}
