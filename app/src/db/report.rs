//! How a command answers: a line for each thing as it happens, or one JSON object at the end.

use std::fmt::Display;
use std::io::Write as _;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Exit;
use crate::failure::Failure;

/// What a command has to say.
pub struct Report {
    /// The name of the list of lines in the JSON object.
    list: &'static str,
    json: bool,
    lines: Vec<Value>,
    /// What stands beside the list.
    also: Map<String, Value>,
    /// Whether something could not be said: a script that is cut off must not look whole.
    lost: bool,
}

impl Report {
    pub fn new(list: &'static str, json: bool) -> Self {
        Self { list, json, lines: Vec::new(), also: Map::new(), lost: false }
    }

    /// A line of the report, and an object of `--json`.
    pub fn line(&mut self, line: impl Serialize + Display) {
        if self.json {
            self.lines.push(serde_json::to_value(line).unwrap_or_default());
        } else {
            self.say(line);
        }
    }

    /// Something that the JSON object has beside the list.
    pub fn also(&mut self, name: &str, value: Value) {
        self.also.insert(name.to_owned(), value);
    }

    /// Something for people alone.
    pub fn remark(&mut self, text: impl Display) {
        if !self.json {
            self.say(text);
        }
    }

    /// How far the command is: to stderr, where it is in nobody's way.
    pub fn tell(text: impl Display) {
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    fn say(&mut self, text: impl Display) {
        if let Err(error) = say(text) {
            // A reader that has seen enough is no fault.
            if error.kind() != std::io::ErrorKind::BrokenPipe && !self.lost {
                complain(format_args!("stdout: {error}"));
                self.lost = true;
            }
        }
    }

    pub fn fail(mut self, failure: &Failure) -> Exit {
        self.complain(failure);
        self.end(failure.exit())
    }

    /// Tells a failure that does not end the command.
    pub fn complain(&mut self, failure: &Failure) {
        complain(failure);
        self.also("error", json!({ "code": failure.code(), "message": failure.message(), "next": failure.next() }));
    }

    /// A request that cannot be met, whatever the database is like.
    pub fn refuse(mut self, why: impl Display) -> Exit {
        complain(&why);
        self.also("error", json!({ "code": "refused", "message": why.to_string(), "next": null }));
        self.end(Exit::Error)
    }

    pub fn end(mut self, exit: Exit) -> Exit {
        if self.json {
            let lines = std::mem::take(&mut self.lines);
            self.also.insert(self.list.to_owned(), lines.into());
            self.also.insert("exit".to_owned(), (exit as u8).into());
            let object = Value::Object(std::mem::take(&mut self.also));
            self.say(object);
        }
        if self.lost { exit.max(Exit::Error) } else { exit }
    }
}

fn say(text: impl Display) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush())
}

fn complain(problem: impl Display) {
    let _ = writeln!(std::io::stderr(), "larder: {problem}");
}
