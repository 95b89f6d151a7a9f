//! The served OpenAPI document, against which every answer of every test is held: it cannot promise less than happens.

use std::collections::BTreeMap;

use larder::openapi::{COMMITTED, names_code};
use serde_json::Value;

use super::Reply;

pub struct Contract {
    operations: Vec<Operation>,
    /// Which codes of violations any operation can have, as is said of them once.
    of_shape: String,
}

/// One operation of the document.
#[derive(Clone, Debug)]
pub struct Operation {
    pub method: String,
    pub path: String,
    pub needs_token: bool,
    /// What each status is said to mean.
    responses: BTreeMap<String, String>,
}

impl Contract {
    /// Not asked for: some tests give a request so little time that a slow machine would not answer.
    pub fn of_program() -> Self {
        Self::of(&serde_json::from_str(COMMITTED).expect("JSON"))
    }

    pub fn of(document: &Value) -> Self {
        let mut operations = Vec::new();
        for (path, item) in document["paths"].as_object().expect("paths") {
            for (method, operation) in item.as_object().expect("an item") {
                let Some(responses) = operation["responses"].as_object() else { continue };
                let meaning = |response: &Value| response["description"].as_str().unwrap_or("").to_owned();
                operations.push(Operation {
                    method: method.to_ascii_uppercase(),
                    path: path.clone(),
                    // An empty way among them says that it can be asked without one.
                    needs_token: operation["security"].as_array().is_some_and(|ways| !ways.is_empty() && !ways.contains(&serde_json::json!({}))),
                    responses: responses.iter().map(|(status, response)| (status.clone(), meaning(response))).collect(),
                });
            }
        }
        let of_shape = document["components"]["schemas"]["Violation"]["properties"]["code"]["description"].as_str().unwrap_or("").to_owned();
        Self { operations, of_shape }
    }

    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation that a request is for: the one with the most literal path.
    pub fn find(&self, method: &str, path: &str) -> Option<&Operation> {
        let asked: Vec<_> = path.split('?').next().unwrap_or("").split('/').collect();
        let fits = |operation: &&Operation| {
            let template: Vec<_> = operation.path.split('/').collect();
            let fits = |(template, asked): (&&str, &&str)| if template.starts_with('{') { !asked.is_empty() } else { template == asked };
            operation.method == method && template.len() == asked.len() && template.iter().zip(&asked).all(fits)
        };
        self.operations.iter().filter(fits).min_by_key(|operation| operation.path.matches('{').count())
    }

    /// Fails where an answer is not documented, or an error is not a whole problem document.
    #[track_caller]
    pub fn hold(&self, method: &str, path: &str, reply: &Reply) {
        // Its answer is that of GET, without the body.
        if method == "HEAD" {
            return;
        }
        if reply.status >= 400 && !path.starts_with("/docs") {
            let kind = reply.header("content-type");
            assert_eq!(kind, "application/problem+json", "{method} {path} answered {}: {}", reply.status, reply.text);
            let request_id = reply.header("x-request-id");
            assert!(!request_id.is_empty() && reply.body["request_id"] == request_id, "{method} {path}: {}", reply.text);
            assert_eq!(reply.body["status"], reply.status, "{method} {path}: {}", reply.text);
            assert!(!reply.code().is_empty(), "{method} {path}: {}", reply.text);
        }
        // A path or method that nobody documents is no operation; what its answer must be is tested apart.
        let Some(operation) = self.find(method, path) else { return };
        let status = reply.status.to_string();
        let Some(meaning) = operation.responses.get(&status) else {
            panic!("{method} {} answered {status} `{}`, which its documentation does not have: {}", operation.path, reply.code(), reply.text)
        };
        if reply.status >= 400 {
            let code = reply.code();
            assert!(names_code(meaning, code), "{method} {} answered {status} `{code}`, of which its documentation says only: {meaning}", operation.path);
            for (pointer, code) in reply.violations() {
                let is_told = names_code(meaning, &code) || names_code(&self.of_shape, &code);
                assert!(is_told, "{method} {} answered {status} with `{code}` at {pointer}, of which its documentation says only: {meaning}", operation.path);
            }
        }
    }
}
