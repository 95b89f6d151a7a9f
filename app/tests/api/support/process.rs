//! The program as a process of its own, for what only a process can show: how a start fails, what it prints, how it dies.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::patience::{HANGS, LOG_FILTER, PATIENT};

/// A server that runs. It is killed when it is dropped.
pub struct Process {
    child: Child,
    pub address: String,
    lines: Receiver<String>,
    log: Option<std::thread::JoinHandle<String>>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The program with nothing of this process's environment but what is given, and patient where nothing else is.
pub fn command<'v>(folder: &Path, arguments: &[&str], variables: impl IntoIterator<Item = (&'v str, &'v str)>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
    command.args(arguments).env_clear().envs(PATIENT).envs([LOG_FILTER]).envs(variables).current_dir(folder).stdin(Stdio::null());
    command
}

/// Runs a command that ends by itself.
pub fn run<'v>(folder: &Path, arguments: &[&str], variables: impl IntoIterator<Item = (&'v str, &'v str)>) -> Ended {
    let mut child = command(folder, arguments, variables).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program");
    let (out, err) = (child.stdout.take().expect("stdout"), child.stderr.take().expect("stderr"));
    let read = |mut from: Box<dyn std::io::Read + Send>| {
        std::thread::spawn(move || {
            let mut text = String::new();
            let _ = from.read_to_string(&mut text);
            text
        })
    };
    let (out, err) = (read(Box::new(out)), read(Box::new(err)));
    let code = wait(&mut child).unwrap_or_else(|| panic!("{arguments:?} goes on running"));
    Ended { code, stdout: out.join().expect("stdout"), stderr: err.join().expect("stderr") }
}

/// Runs a command that goes on, until it has said `last`; answers the lines until then and ends it.
pub fn run_until(folder: &Path, arguments: &[&str], last: &str) -> Vec<String> {
    let mut child = command(folder, arguments, []).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program");
    let out = child.stdout.take().expect("stdout");
    let mut said = Vec::new();
    for line in BufReader::new(out).lines().map_while(Result::ok) {
        said.push(line);
        if said.last().is_some_and(|line| line.contains(last)) {
            break;
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    said
}

fn wait(child: &mut Child) -> Option<i32> {
    let give_up = Instant::now() + HANGS;
    while Instant::now() < give_up {
        if let Some(status) = child.try_wait().expect("a status") {
            return Some(status.code().unwrap_or(-1));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

impl Process {
    /// Starts `larder serve --port 0 …` and waits for its first line.
    pub fn serve<'v>(folder: &Path, arguments: &[&str], variables: impl IntoIterator<Item = (&'v str, &'v str)>) -> Self {
        let arguments = [&["serve", "--port", "0"], arguments].concat();
        let mut child = command(folder, &arguments, variables).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program");
        let (out, mut err) = (child.stdout.take().expect("stdout"), child.stderr.take().expect("stderr"));
        let (send, lines) = channel();
        std::thread::spawn(move || BufReader::new(out).lines().map_while(Result::ok).for_each(|line| drop(send.send(line))));
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = err.read_to_string(&mut text);
            text
        });
        let Ok(first) = lines.recv_timeout(HANGS) else {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the server did not start: {}", log.join().expect("the log"));
        };
        let address = first.strip_prefix("listening on ").unwrap_or_else(|| panic!("the first line is {first:?}")).to_owned();
        Self { child, address, lines, log: Some(log) }
    }

    /// The next line of stdout.
    #[track_caller]
    pub fn line(&self) -> String {
        self.lines.recv_timeout(HANGS).expect("another line")
    }

    /// Whether nothing more is said for a moment. A slow machine may hide a line, and never makes one up.
    pub fn is_silent(&self) -> bool {
        self.lines.recv_timeout(Duration::from_millis(500)).is_err()
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().expect("kill");
        assert!(sent.success());
    }

    /// As a power cut would: no handler runs.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits for the end; answers the exit code.
    pub fn ended(&mut self) -> i32 {
        wait(&mut self.child).expect("the server goes on running")
    }

    /// Kills it where it runs, and answers its log.
    pub fn log(mut self) -> String {
        self.kill();
        self.log.take().expect("a log").join().expect("the log")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
