//! Load from a process of its own: wrk, with connections that are kept.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Outcome;
use crate::larder::Larder;

/// A request as it is sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    /// Of the caller; each of their requests has an idempotency key then. Nobody logs in with either.
    pub key: Option<String>,
    pub body: String,
}

/// What a run under load was like.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub per_second: f64,
    /// Milliseconds.
    pub p50_ms: f64,
    /// Milliseconds.
    pub p99_ms: f64,
    /// How many were refused, or not answered.
    pub failed: f64,
}

/// Sends these requests, chosen at random, for a time, each connection one after another. Whatever is not answered as it should be ends the
/// benchmark: a refusal is quick.
pub fn run(larder: &Larder, requests: &[Request], connections: u32, time: Duration) -> Outcome<Load> {
    at(&larder.address, requests, connections, time)
}

/// The same at any address.
pub fn at(address: &str, requests: &[Request], connections: u32, time: Duration) -> Outcome<Load> {
    let load = with_refusals(address, requests, connections, time)?;
    if load.failed > 0.0 { Err(format!("{} requests failed, {} a second were answered", load.failed, load.per_second).into()) } else { Ok(load) }
}

/// The same where some may be refused.
pub fn with_refusals(address: &str, requests: &[Request], connections: u32, time: Duration) -> Outcome<Load> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("requests.lua");
    std::fs::write(&script, lua(requests))?;
    let threads = connections.min(2);
    let mut command = Command::new("wrk");
    command
        .args(["--threads", &threads.to_string(), "--connections", &connections.to_string()])
        .args(["--duration", &format!("{}s", time.as_secs().max(1)), "--timeout", "30s", "--script"])
        .arg(&script)
        .arg(address)
        .stderr(Stdio::inherit());
    let out = tokio::task::block_in_place(|| command.output())?;
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    let numbers = said.lines().find_map(|line| line.strip_prefix("measured ")).ok_or_else(|| format!("wrk said: {said}"))?;
    let numbers: Vec<f64> = numbers.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let &[answered, micros, p50, p99, failed] = numbers.as_slice() else { return Err(format!("wrk said: {said}").into()) };
    if answered < 1.0 {
        return Err("nothing was answered in time".into());
    }
    Ok(Load { per_second: (answered - failed) / micros * 1e6, p50_ms: p50 / 1000.0, p99_ms: p99 / 1000.0, failed })
}

/// Everything but the key, under which each is done once, is written out before the run begins, so that making a request costs next to nothing.
fn lua(requests: &[Request]) -> String {
    let mut script = String::from(
        "local threads = 0\nfunction setup(thread) thread:set('number', threads); threads = threads + 1 end\n\
         local before, after, sent = {}, {}, 0\nlocal run = os.time()\n\
         local function add(text)\n  local first, last = text:find('KEYGOESHERE', 1, true)\n  \
         before[#before + 1] = first and text:sub(1, first - 1) or text\n  after[#after + 1] = first and text:sub(last + 1) or false\nend\n\
         function init()\n  math.randomseed(run + number)\n",
    );
    for Request { method, path, key, body } in requests {
        let mut headers = "[\"Content-Type\"] = \"application/json\"".to_owned();
        if let Some(key) = key {
            let _ = write!(headers, ", [\"Authorization\"] = \"Bearer {key}\", [\"Idempotency-Key\"] = \"KEYGOESHERE\"");
        }
        let body = if body.is_empty() { "nil".to_owned() } else { format!("[==[{body}]==]") };
        let _ = writeln!(script, "  add(wrk.format(\"{method}\", [==[{path}]==], {{ {headers} }}, {body}))");
    }
    script.push_str(
        "end\nfunction request()\n  sent = sent + 1\n  local at = math.random(#before)\n  \
         if not after[at] then return before[at] end\n  return before[at] .. run .. '-' .. number .. '-' .. sent .. after[at]\nend\n\
         function done(summary, latency)\n  local errors = summary.errors\n  \
         local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout\n  \
         print(string.format('measured %d %d %d %d %d', summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed))\nend\n",
    );
    script
}
