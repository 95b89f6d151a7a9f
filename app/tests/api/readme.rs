//! The README's main job, word for word: its shell blocks are run as one script against a fresh server.

use std::process::Command;
use std::sync::Arc;

use crate::support::process::Process;
use crate::support::{Engine, SETUP_TOKEN, Stores};

/// The shell blocks of a section of a Markdown file, one after another.
pub fn blocks(text: &str, section: &str) -> String {
    let from = text.split_once(section).unwrap_or_else(|| panic!("no section {section:?}")).1;
    let section = from.split_once("\n## ").map_or(from, |(section, _)| section);
    let blocks = section.split("```sh\n").skip(1).filter_map(|rest| rest.split_once("\n```"));
    blocks.map(|(block, _)| block).collect::<Vec<_>>().join("\n")
}

async fn the_main_job(engine: Engine) {
    let Some(stores) = Stores::make(engine).await else { return };
    let stores = Arc::new(stores);
    let variables = stores.variables();
    let process = Process::serve(stores.folder().path(), &[], variables.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let script = blocks(include_str!("../../../README.md"), "\n## The main job\n");
    assert!(script.lines().count() > 20, "the README's main job is gone");
    let run = Command::new("bash").args(["-euo", "pipefail", "-c", &script]).env("URL", &process.address).env("SETUP_TOKEN", SETUP_TOKEN).output();
    let run = run.expect("bash, with curl and python3");
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{out}\n{err}");
    // What the README says is left.
    let answers: Vec<serde_json::Value> = out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let [.., stock, valuation, ledger] = answers.as_slice() else { panic!("{out}") };
    assert_eq!((&stock["data"][0]["quantity"], &stock["data"][0]["lots"][0]["batch_code"]), (&"47250".into(), &"L77".into()));
    assert_eq!((&valuation["total"], &valuation["data"][0]["value"]), (&"50.79".into(), &"50.79375".into()));
    assert_eq!(ledger["data"].as_array().map(Vec::len), Some(2));
    drop(process);
    stores.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readmes_main_job_runs_word_for_word_on_sqlite() {
    the_main_job(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readmes_main_job_runs_word_for_word_on_postgres() {
    the_main_job(Engine::Postgres).await;
}
