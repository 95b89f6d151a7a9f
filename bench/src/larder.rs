//! The program under load, as a process of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sea_orm::sqlx::{self, Connection as _};

use crate::Outcome;

pub const SETUP_TOKEN: &str = "a-token-for-the-benchmark-and-nothing-else";

/// Where the databases are.
#[derive(Clone, Debug)]
pub enum Stores {
    /// Files in a folder; whether every commit is flushed before it is answered.
    Sqlite {
        is_full: bool,
    },
    Postgres(Postgres),
}

/// The connection strings of both modules.
#[derive(Clone, Debug)]
pub struct Postgres {
    pub auth: String,
    pub inventory: String,
}

impl Postgres {
    /// What scripts/bench has started.
    pub fn of_environment() -> Outcome<Self> {
        Ok(Self { auth: variable("LARDER_TEST_POSTGRES_AUTH")?, inventory: variable("LARDER_TEST_POSTGRES_INVENTORY")? })
    }

    /// Databases of this name on the same servers, made anew.
    pub async fn emptied(&self, name: &str) -> Outcome<Self> {
        Ok(Self { auth: emptied(&self.auth, name).await?, inventory: emptied(&self.inventory, name).await? })
    }
}

/// Gives a database the statistics that it has once it has run for a minute, and sessions the plans that go with them: what was planned while all
/// tables were empty reads all that a tenant has.
pub async fn analyze(url: &str) -> Outcome<()> {
    let mut connection = sqlx::PgConnection::connect(url).await?;
    sqlx::raw_sql("ANALYZE").execute(&mut connection).await?;
    Ok(connection.close().await?)
}

async fn emptied(server: &str, name: &str) -> Outcome<String> {
    let mut connection = sqlx::PgConnection::connect(server).await?;
    for statement in [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    connection.close().await?;
    let (server, _) = server.rsplit_once('/').ok_or("no database in the URL")?;
    Ok(format!("{server}/{name}"))
}

#[expect(clippy::disallowed_methods, reason = "what scripts/bench has started is told by the environment")]
fn variable(name: &str) -> Outcome<String> {
    std::env::var(name).map_err(|_| format!("{name} is not set: run scripts/bench").into())
}

/// The optimised program.
pub fn program() -> Outcome<String> {
    variable("LARDER_BENCH_PROGRAM")
}

/// A server that runs. It is killed when it is dropped.
pub struct Larder {
    child: Child,
    pub address: String,
    /// From the start of the process until it was ready to answer.
    pub started_within: Duration,
}

impl Larder {
    /// Starts the server on what is in a folder, migrating what is to be migrated, and waits until it is ready.
    pub fn start(folder: &Path, stores: &Stores) -> Outcome<Self> {
        let mut command = Command::new(program()?);
        command.args(["serve", "--port", "0"]).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.env_clear().env("LARDER_SETUP_TOKEN", SETUP_TOKEN).env("LARDER_AUTH_NEW_TENANTS", "true").env("LARDER_LOG_FILTER", "error");
        match stores {
            Stores::Sqlite { is_full } => command.env("LARDER_DATABASE_SQLITE_SYNCHRONOUS", if *is_full { "FULL" } else { "NORMAL" }),
            Stores::Postgres(at) => {
                command.env("AUTH_DATABASE_URL", &at.auth).env("INVENTORY_DATABASE_URL", &at.inventory).env("LARDER_DATABASE_MIGRATE_ON_START", "true")
            }
        };
        let begun = Instant::now();
        let mut child = command.spawn()?;
        let out = child.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(out).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
        // What it says later must not fill its pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let Some(address) = address else {
            let _ = child.kill();
            let _ = child.wait();
            return Err("larder serve did not start".into());
        };
        let mut larder = Self { child, address, started_within: Duration::ZERO };
        larder.wait_until_ready(begun)?;
        Ok(larder)
    }

    /// Asks until it says that it is ready.
    fn wait_until_ready(&mut self, begun: Instant) -> Outcome<()> {
        let host = self.address.trim_start_matches("http://").to_owned();
        while begun.elapsed() < Duration::from_mins(1) {
            let answer = std::net::TcpStream::connect(&host).and_then(|mut stream| {
                stream.write_all(format!("GET /health/ready HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())?;
                let mut status = String::new();
                BufReader::new(stream).read_line(&mut status).map(|_| status)
            });
            if answer.is_ok_and(|status| status.starts_with("HTTP/1.1 200")) {
                self.started_within = begun.elapsed();
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err("larder serve was not ready in time".into())
    }

    /// The memory that it holds now, in MiB.
    pub fn resident_mib(&self) -> Outcome<f64> {
        self.mib("VmRSS:")
    }

    /// The most memory that it has held since [`Self::forget_peak`], in MiB.
    pub fn peak_mib(&self) -> Outcome<f64> {
        self.mib("VmHWM:")
    }

    /// Begins to look for a peak from now on; answers what is held now, in MiB.
    pub fn forget_peak(&self) -> Outcome<f64> {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")?;
        self.resident_mib()
    }

    /// Seconds of the processor that it has used.
    pub fn cpu_seconds(&self) -> Outcome<f64> {
        Ok(cpu_seconds_of_stat(&std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?, 2))
    }

    fn mib(&self, what: &str) -> Outcome<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(what)).ok_or_else(|| format!("no {what}"))?;
        let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
        Ok(kib / 1024.0)
    }
}

/// The fields of /proc/PID/stat from the state of the process on: the name before it may have spaces.
pub fn fields_of_stat(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split_whitespace()
}

/// What a process has used of the processor, in seconds: by itself and in the kernel, and with four fields its children that have ended, too. Linux tells hundredths.
pub fn cpu_seconds_of_stat(stat: &str, fields: usize) -> f64 {
    fields_of_stat(stat).skip(11).take(fields).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

impl Drop for Larder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
