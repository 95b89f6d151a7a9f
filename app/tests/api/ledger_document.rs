//! The examples of docs/ledger.md, each done as it stands there and compared with the answer that stands there.
//!
//! An example is a block of `http` (a method, a path under /v1/inventory, a body: JSON, or a file's rows) and after it a block of `json`: what the
//! answer has at least, with another status than 200 or 201 behind the word. A text that begins with `$` names what stands in its
//! place: the first time it is remembered, later it must be the same, and in a request it is filled in. Each section begins in
//! a new kitchen.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::Api;
use crate::support::kitchen::Kitchen;

type Known = BTreeMap<String, Value>;

#[derive(Debug, Default)]
struct Example {
    request: String,
    status: Option<u16>,
    answer: String,
}

/// The sections that have examples, by their titles.
fn sections(text: &str) -> Vec<(String, Vec<Example>)> {
    let mut sections: Vec<(String, Vec<Example>)> = Vec::new();
    let mut block: Option<(String, String)> = None;
    for line in text.lines() {
        match (&mut block, line.strip_prefix("```")) {
            (None, Some(fence)) => block = Some((fence.trim().to_owned(), String::new())),
            (None, None) => {
                if let Some(title) = line.strip_prefix("## ") {
                    sections.push((title.to_owned(), Vec::new()));
                }
            }
            (Some((_, inside)), None) => {
                inside.push_str(line);
                inside.push('\n');
            }
            (Some((fence, inside)), Some(_)) => {
                let Some((_, examples)) = sections.last_mut() else { panic!("an example before the first section") };
                match fence.split_once(' ').unwrap_or((fence, "")) {
                    ("http", _) => examples.push(Example { request: inside.clone(), ..Example::default() }),
                    ("json", status) => {
                        let example = examples.last_mut().expect("an answer without a request");
                        example.status = status.parse().ok();
                        example.answer.clone_from(inside);
                    }
                    _ => {}
                }
                block = None;
            }
        }
    }
    sections.retain(|(_, examples)| !examples.is_empty());
    sections
}

/// The request with what is known filled in.
fn filled(text: &str, known: &Known) -> String {
    // The longest names first, so that none is taken for the beginning of another.
    let mut names: Vec<_> = known.iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    names.into_iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value.as_str().unwrap_or_default()))
}

/// What is said of an answer and is not so.
fn differences(said: &Value, is: &Value, at: &str, known: &mut Known, wrong: &mut Vec<String>) {
    match (said, is) {
        (Value::Object(said), Value::Object(is)) => {
            for (name, said) in said {
                differences(said, is.get(name).unwrap_or(&Value::Null), &format!("{at}/{name}"), known, wrong);
            }
        }
        (Value::Array(said), Value::Array(is)) if said.len() == is.len() => {
            for (index, (said, is)) in said.iter().zip(is).enumerate() {
                differences(said, is, &format!("{at}/{index}"), known, wrong);
            }
        }
        (Value::String(name), is) if name.starts_with('$') => {
            let expected = known.entry(name.clone()).or_insert_with(|| is.clone());
            if expected != is || is.is_null() {
                wrong.push(format!("{at}: {name} is {expected}, not {is}"));
            }
        }
        (said, is) if said == is => {}
        (said, is) => wrong.push(format!("{at}: {said} is said, it is {is}")),
    }
}

/// Does a section's examples in their order, up to the first that is not so.
async fn play(kitchen: &Kitchen, title: &str, examples: &[Example]) -> Result<(), String> {
    let mut known = Known::new();
    for example in examples {
        let request = filled(&example.request, &known);
        let (line, body) = request.split_once('\n').unwrap_or((&request, ""));
        let (method, path) = line.split_once(' ').unwrap_or_else(|| panic!("{title}: {line}"));
        let path = format!("/v1/inventory{path}");
        let is_file = path.contains("/imports/");
        let body: Value =
            if body.trim().is_empty() || is_file { Value::Null } else { serde_json::from_str(body).unwrap_or_else(|error| panic!("{title}: {error}\n{body}")) };
        let reply = match method {
            "GET" => kitchen.owner.get(&path).await,
            "POST" if is_file => kitchen.owner.post_csv(&path, request.split_once('\n').map_or("", |(_, file)| file)).await,
            "POST" => kitchen.owner.post(&path, if body.is_null() { json!({}) } else { body }).await,
            "PUT" => kitchen.owner.call("PUT", &path).json(&body).send().await,
            "PATCH" => kitchen.owner.patch(&path, Some(1), body).await,
            "DELETE" => kitchen.owner.delete(&path, None).await,
            other => panic!("{title}: {other}"),
        };
        let expected = example.status.map_or(vec![200, 201], |status| vec![status]);
        if !expected.contains(&reply.status) {
            return Err(format!("{title}: {line}: {} {}", reply.status, reply.text));
        }
        if example.answer.trim().is_empty() {
            continue;
        }
        let said: Value = serde_json::from_str(&example.answer).unwrap_or_else(|error| panic!("{title}: {error}\n{}", example.answer));
        let mut wrong = Vec::new();
        differences(&said, &serde_json::from_str(&reply.text).unwrap_or(Value::Null), "", &mut known, &mut wrong);
        if !wrong.is_empty() {
            return Err(format!("{title}: {line}:\n{}\n{}", wrong.join("\n"), reply.text));
        }
    }
    Ok(())
}

both_engines! {
    async fn every_example_of_the_ledgers_document_is_so(api: Api) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ledger.md");
        let sections = sections(&std::fs::read_to_string(path).expect("docs/ledger.md"));
        assert!(sections.len() > 10, "only {} sections have examples", sections.len());
        let mut failed = Vec::new();
        for (index, (title, examples)) in sections.iter().enumerate() {
            let kitchen = if index == 0 { Kitchen::open(&api).await } else { Kitchen::of(api.other_tenant().await).await };
            let bar = json!({ "kind": "area", "code": "bar", "name": "Bar", "parent": "main" });
            kitchen.owner.post("/v1/inventory/locations", bar).await.ok(201);
            kitchen.item("EGGS", json!({ "pick": "fifo" })).await;
            kitchen.item("MILK", json!({ "base_unit": "ml", "opened_shelf_life_days": 3 })).await;
            kitchen.item("BEEF", json!({ "base_unit": "g" })).await;
            kitchen.item("MINCE", json!({ "base_unit": "g" })).await;
            kitchen.item("TRIM", json!({ "base_unit": "g" })).await;
            failed.extend(play(&kitchen, title, examples).await.err());
        }
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    }
}
