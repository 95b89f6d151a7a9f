//! The README's main job and what follows it, word for word: the shell blocks are run as one script against a fresh server.

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
    let readme = include_str!("../../../README.md");
    let [main_job, people] = ["\n## The main job\n", "\n## People and programs\n"].map(|section| blocks(readme, section));
    assert!(main_job.lines().count() > 20 && people.lines().count() > 8, "the README's main job is gone");
    let script = format!("{main_job}\necho {BETWEEN}\n{people}");
    let run = Command::new("bash").args(["-euo", "pipefail", "-c", &script]).env("URL", &process.address).env("SETUP_TOKEN", SETUP_TOKEN).output();
    let run = run.expect("bash, with curl and python3");
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{out}\n{err}");
    let (main_job, people) = out.split_once(BETWEEN).expect("both sections");
    let answers = |text: &str| -> Vec<serde_json::Value> { text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect() };
    // What the README says is left.
    let [.., stock, valuation, ledger] = &answers(main_job)[..] else { panic!("{out}") };
    assert_eq!((&stock["data"][0]["quantity"], &stock["data"][0]["lots"][0]["batch_code"]), (&"47250".into(), &"L77".into()));
    assert_eq!((&valuation["total"], &valuation["data"][0]["value"]), (&"50.79".into(), &"50.79375".into()));
    assert_eq!(ledger["data"].as_array().map(Vec::len), Some(2));
    // Tom sees no costs, the till takes what is sold, and Maya sees who is in.
    let [me, stock, usage, members] = &answers(people)[..] else { panic!("{out}") };
    assert_eq!((&me["user"]["email"], &me["role"], &me["all_sites"]), (&"tom@example.com".into(), &"staff".into(), &false.into()));
    assert_eq!((&stock["data"][0]["quantity"], stock["data"][0].get("value")), (&"47250".into(), None));
    assert_eq!((&usage["document"]["type"], &usage["balances"][0]["quantity"]), (&"usage".into(), &"47000".into()));
    assert_eq!((&members["data"][0]["api_keys"][0]["name"], &members["data"][1]["user"]["name"]), (&"till".into(), &"Tom".into()));
    drop(process);
    stores.remove().await;
}

const BETWEEN: &str = "--- people and programs ---";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readmes_main_job_runs_word_for_word_on_sqlite() {
    the_main_job(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readmes_main_job_runs_word_for_word_on_postgres() {
    the_main_job(Engine::Postgres).await;
}
