//! docs/runbook.md, followed by a test as a reader would: its `sh` blocks are run by bash, in the order of the text, once on
//! Postgres and once embedded.
//!
//! ` ```sh ` is run on both, ` ```sh postgres ` and ` ```sh embedded ` on one. What a block exports or defines is there in the
//! next. An exit code other than 0 stands in the text: `larder … || test $? = 2`, and is held to exactly that. `# says: …` and a
//! ` ```text ` before a block are what it must say; `…` stands for anything. `<!-- test: … -->` names what
//! [`Scenario::prepare`] does beforehand.

mod scenario;
mod situations;
mod tables;

use crate::support::Engine;
use scenario::{Scenario, root};

/// What a `console` block may begin with: it needs Docker or a person, or takes minutes.
const NOT_RUN: [&str; 6] = ["docker compose ", "larder serve", "scripts/test", "UPDATE_BUDGETS=1 scripts/test", "scripts/pipeline", "bash .ci/run"];

// --- the text -----------------------------------------------------------------------------------------------------------

#[derive(Debug)]
enum Piece {
    Heading,
    /// `<!-- test: … -->`, and the table that follows it, where one does.
    Preparation(String, Vec<Vec<String>>),
    Fence {
        line: usize,
        info: String,
        text: String,
    },
}

fn pieces() -> Vec<Piece> {
    let text = std::fs::read_to_string(root().join("docs/runbook.md")).expect("the runbook");
    let (mut pieces, mut lines) = (Vec::new(), text.lines().enumerate().peekable());
    while let Some((number, line)) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let body = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```");
            pieces.push(Piece::Fence { line: number + 1, info: info.to_owned(), text: body.collect::<Vec<_>>().join("\n") });
        } else if line.starts_with('#') {
            pieces.push(Piece::Heading);
        } else if let Some(name) = line.strip_prefix("<!-- test: ").and_then(|rest| rest.strip_suffix(" -->")) {
            while lines.next_if(|(_, line)| line.is_empty()).is_some() {}
            let mut rows = Vec::new();
            while let Some((_, row)) = lines.next_if(|(_, line)| line.starts_with('|')) {
                rows.push(row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect());
            }
            // The heading of the table and the line under it.
            pieces.push(Piece::Preparation(name.to_owned(), rows.into_iter().skip(2).collect()));
        } else {
            assert!(!line.trim_start().starts_with("```"), "line {}: an indented block would not be run", number + 1);
        }
    }
    pieces
}

/// Whether a text says what a pattern says: its pieces between `…`, line by line, in this order.
fn says(text: &str, pattern: &str) -> bool {
    let words = |text: &str| text.replace('`', "").split_whitespace().collect::<Vec<_>>().join(" ");
    let text = words(text);
    let mut rest = text.as_str();
    pattern.split(['…', '\n']).map(words).filter(|piece| !piece.is_empty()).all(|piece| match rest.split_once(&piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

/// The exit codes other than 0 that a block tells for `larder`, in order.
fn told_codes(block: &str) -> Vec<i32> {
    let lines = block.lines().filter(|line| line.split_whitespace().any(|word| word == "larder"));
    // A command that another one runs ends with the code of that.
    let own = lines.filter(|line| !line.trim_start().starts_with("timeout "));
    own.filter_map(|line| line.split_once("|| test $? = ")?.1.split_whitespace().next()?.parse().ok()).collect()
}

#[test]
fn every_block_is_one_that_is_run_or_on_the_list_of_those_that_are_not() {
    for piece in pieces() {
        let Piece::Fence { line, info, text } = piece else { continue };
        match info.as_str() {
            "console" => {
                for command in text.lines() {
                    let begins = NOT_RUN.iter().any(|known| command.strip_prefix("$ ").is_some_and(|command| command.starts_with(known)));
                    assert!(begins, "line {line}: {command} is neither run nor on the list");
                }
            }
            "sh" | "sh postgres" | "sh embedded" | "text" | "text postgres" | "text embedded" | "rust" => {}
            info => panic!("line {line}: a block of {info:?}"),
        }
    }
}

// --- following it -------------------------------------------------------------------------------------------------------

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_runbook_is_true_from_beginning_to_end_on_postgres() {
    follow(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_runbook_is_true_from_beginning_to_end_embedded_on_sqlite() {
    follow(Engine::Sqlite).await;
}

async fn follow(engine: Engine) {
    let Some(mut scenario) = Scenario::begin(engine) else { return };
    let tag = if engine == Engine::Postgres { "postgres" } else { "embedded" };
    let (mut expected, mut run) = (String::new(), 0);
    for piece in pieces() {
        match piece {
            Piece::Heading => scenario.let_go().await,
            Piece::Preparation(name, rows) => {
                scenario.let_go().await;
                scenario.prepare(&name, &rows).await;
            }
            Piece::Fence { line, info, text } => match info.split_once(' ').unwrap_or((&info, tag)) {
                ("text", engine) if engine == tag => expected.extend([&text, "\n"]),
                ("sh", engine) if engine == tag => {
                    let quoted = text.lines().filter_map(|line| line.split_once("# says: ")).map(|(_, says)| says);
                    expected.extend(quoted.flat_map(|says| [says, "\n"]));
                    scenario.run(line, &text, &expected);
                    expected.clear();
                    run += 1;
                }
                _ => {}
            },
        }
    }
    scenario.let_go().await;
    scenario.prepare("the server runs", &[]).await;
    scenario.let_go().await;
    assert!(run > 30 && expected.is_empty(), "{run} blocks were run, and nothing said {expected}");
    scenario.ends_with_the_files_of_the_beginning();
}
