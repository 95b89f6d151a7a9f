//! Reading requests: a body or a query becomes a type that cannot be wrong, or a list of *everything* that is wrong with it.
//!
//! serde stops at the first mistake. A person who fills in a form of forty lines wants all of them, each with its place, so
//! request types are read field by field from the parsed JSON and every violation is collected.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use chrono::{Datelike, NaiveDate};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::json;
use crate::problem::{Problem, Violation};

/// Why a single value was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    pub code: &'static str,
    pub detail: String,
}

impl Flaw {
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// A value that can be read from one JSON value, or from one query parameter.
pub trait FromValue: Sized {
    fn from_value(value: &Value) -> Result<Self, Flaw>;

    /// From the text of a parameter; for what is no text in JSON.
    fn from_parameter(text: &Value) -> Result<Self, Flaw> {
        Self::from_value(text)
    }
}

/// A request that can be read from the fields of a JSON object or of a query. Read *every* field before giving up with `?`,
/// so that all violations are found.
pub trait FromFields: Sized {
    /// `None` means that a violation was recorded.
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self>;
}

/// How many violations are told at once: a person mends no more at a time, and a small body must not have a huge answer.
const MOST_VIOLATIONS: usize = 100;

/// The fields of one object, with the place of that object and the violations found so far.
pub struct Fields<'a> {
    object: &'a Map<String, Value>,
    place: String,
    asked: Vec<&'static str>,
    violations: &'a mut Vec<Violation>,
}

impl<'a> Fields<'a> {
    fn new(object: &'a Map<String, Value>, place: String, violations: &'a mut Vec<Violation>) -> Self {
        Self { object, place, asked: Vec::new(), violations }
    }

    fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.asked.push(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// Whether the client wrote this field, null included: what tells "leave it" from "clear it" in a merge patch.
    pub fn is_present(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// Records a violation at a field of this object (or at the object itself, with an empty name).
    pub fn refuse(&mut self, name: &str, code: &'static str, detail: impl Into<String>) {
        if self.violations.len() >= MOST_VIOLATIONS {
            return;
        }
        // RFC 6901, section 3.
        let token = name.replace('~', "~0").replace('/', "~1");
        let pointer = if name.is_empty() { self.place.clone() } else { format!("{}{token}", self.prefix()) };
        self.violations.push(Violation { pointer, code: code.into(), detail: detail.into() });
    }

    fn is_query(&self) -> bool {
        self.place == "?"
    }

    fn prefix(&self) -> String {
        // Query parameters are named `?limit`, fields of a body `/lines/0/quantity`.
        if self.is_query() { self.place.clone() } else { format!("{}/", self.place) }
    }

    fn parse<T: FromValue>(&mut self, name: &'static str, value: &Value) -> Option<T> {
        let parsed = if self.is_query() { T::from_parameter(value) } else { T::from_value(value) };
        match parsed {
            Ok(parsed) => Some(parsed),
            Err(flaw) => {
                self.refuse(name, flaw.code, flaw.detail);
                None
            }
        }
    }

    /// A field that must be there.
    pub fn required<T: FromValue>(&mut self, name: &'static str) -> Option<T> {
        match self.value(name) {
            Some(value) => self.parse(name, value),
            None => {
                self.refuse(name, "required", "this field is required");
                None
            }
        }
    }

    /// A field that may be absent or null. The outer `None` is a recorded violation, the inner one absence.
    pub fn optional<T: FromValue>(&mut self, name: &'static str) -> Option<Option<T>> {
        match self.value(name) {
            Some(value) => self.parse(name, value).map(Some),
            None => Some(None),
        }
    }

    /// A field with a value for its absence.
    pub fn or<T: FromValue>(&mut self, name: &'static str, default: T) -> Option<T> {
        self.optional(name).map(|value| value.unwrap_or(default))
    }

    /// A list of objects, with how many there may be.
    pub fn list<T: FromFields>(&mut self, name: &'static str, allowed: RangeInclusive<usize>) -> Option<Vec<T>> {
        let none = Value::Array(Vec::new());
        let (code, value) = match self.value(name) {
            Some(value) => ("wrong_type", value),
            None if allowed.contains(&0) => return Some(Vec::new()),
            None => ("required", &none),
        };
        let Some(values) = value.as_array().filter(|values| allowed.contains(&values.len())) else {
            let code = if value.is_array() && code != "required" { "wrong_length" } else { code };
            self.refuse(name, code, format!("a list of {} to {} objects is expected", allowed.start(), allowed.end()));
            return None;
        };
        let place = format!("{}{name}", self.prefix());
        let read = |(index, value): (usize, &Value)| read_object(value, format!("{place}/{index}"), self.violations);
        // Every line is read, also after a wrong one: collect into options first.
        let lines: Vec<Option<T>> = values.iter().enumerate().map(read).collect();
        lines.into_iter().collect()
    }

    /// Exactly one of several fields that say the same thing in different ways. `read` gets the name that is there.
    pub fn exactly_one<T>(&mut self, names: &[&'static str], read: impl FnOnce(&mut Self, &'static str) -> Option<T>) -> Option<T> {
        match self.one_at_most(names, read)? {
            Some(value) => Some(value),
            None => {
                self.refuse("", "exactly_one", format!("exactly one of {} is required", names.join(", ")));
                None
            }
        }
    }

    /// At most one of several fields.
    pub fn one_at_most<T>(&mut self, names: &[&'static str], read: impl FnOnce(&mut Self, &'static str) -> Option<T>) -> Option<Option<T>> {
        self.asked.extend(names);
        let given: Vec<_> = names.iter().copied().filter(|name| self.object.get(*name).is_some_and(|value| !value.is_null())).collect();
        match given.as_slice() {
            [] => Some(None),
            [name] => read(self, name).map(Some),
            _ => {
                self.refuse("", "exactly_one", format!("{} exclude one another", given.join(" and ")));
                None
            }
        }
    }

    /// Refuses by name every field that nobody asked for.
    fn refuse_unknown(&mut self) {
        let unknown: Vec<_> = self.object.keys().filter(|name| !self.asked.contains(&name.as_str())).cloned().collect();
        for name in unknown {
            let mut known = self.asked.clone();
            known.sort_unstable();
            known.dedup();
            self.refuse(&name, "unknown_field", format!("there is no field of this name; known are {}", known.join(", ")));
        }
    }
}

fn read_object<T: FromFields>(value: &Value, place: String, violations: &mut Vec<Violation>) -> Option<T> {
    let Some(object) = value.as_object() else {
        if violations.len() >= MOST_VIOLATIONS {
            return None;
        }
        violations.push(Violation { pointer: place, code: "wrong_type".into(), detail: "an object is expected".into() });
        return None;
    };
    let mut fields = Fields::new(object, place, violations);
    let read = T::from_fields(&mut fields);
    fields.refuse_unknown();
    read
}

/// Reads a request from JSON, or answers 422 `invalid_request` with every violation.
pub fn read<T: FromFields>(value: &Value) -> Result<T, Problem> {
    read_at(value, String::new())
}

fn read_at<T: FromFields>(value: &Value, place: String) -> Result<T, Problem> {
    let mut violations = Vec::new();
    match read_object(value, place, &mut violations) {
        Some(read) if violations.is_empty() => Ok(read),
        _ => Err(Problem::invalid(violations)),
    }
}

/// The names of all fields that a request type reads; a test holds them equal to its published schema.
pub fn field_names<T: FromFields>() -> Vec<&'static str> {
    let (object, mut violations) = (Map::new(), Vec::new());
    let mut fields = Fields::new(&object, String::new(), &mut violations);
    T::from_fields(&mut fields);
    let mut names = fields.asked;
    names.sort_unstable();
    names.dedup();
    names
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A JSON body, read into `T`, with the fingerprint by which an idempotency key knows its request again.
pub struct Body<T> {
    pub request: T,
    pub fingerprint: Fingerprint,
}

/// SHA-256 of method, path, query and body; of the parsed body, so that white space makes no difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub String);

impl Fingerprint {
    pub fn of(request: &HttpRequest, body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        for part in [request.method().as_str().as_bytes(), request.path().as_bytes(), request.query_string().as_bytes(), body] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hex(&hash.finalize()))
    }
}

impl<T: FromFields + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = body_bytes(request, payload, |kind| kind == "application/json" || kind == "application/merge-patch+json", "application/json");
        let request = request.clone();
        Box::pin(async move {
            let value = json::parse(&bytes.await?)?;
            let canonical = serde_json::to_vec(&value).unwrap_or_default();
            Ok(Self { request: read(&value)?, fingerprint: Fingerprint::of(&request, &canonical) })
        })
    }
}

/// The raw body within its limit: 415 where the media type is another, 413 `body_too_large` past the limit.
pub fn body_bytes(
    request: &HttpRequest,
    payload: &mut Payload,
    accepts: fn(&str) -> bool,
    expected: &str,
) -> Pin<Box<dyn Future<Output = Result<web::Bytes, Problem>>>> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let encoded = request.headers().get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity");
    let essence = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let refused = (encoded || !accepts(&essence))
        .then(|| Problem::new(415, "unsupported_media_type", format!("The body must be sent with Content-Type: {expected}, and not compressed.")));
    let bytes = web::Bytes::from_request(request, payload);
    Box::pin(async move {
        if let Some(problem) = refused {
            return Err(problem);
        }
        bytes.await.map_err(|error| match error.as_response_error().status_code().as_u16() {
            413 => Problem::new(413, "body_too_large", "The body is larger than this server takes."),
            _ => Problem::new(400, "malformed_body", "The body could not be read."),
        })
    })
}

/// A query string, read into `T`.
pub struct Query<T>(pub T);

impl<T: FromFields + 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(read_query(request.query_string()).map(Self))
    }
}

/// What stands for bytes that are no text in what was decoded.
const NO_TEXT: char = char::REPLACEMENT_CHARACTER;

/// Reads a query string; a parameter that is unknown or given twice is refused by name. 400 `malformed_query` where it is not UTF-8.
pub fn read_query<T: FromFields>(text: &str) -> Result<T, Problem> {
    let malformed = || Problem::new(400, "malformed_query", "The query string is not UTF-8 text.");
    let pairs = web::Query::<Vec<(String, String)>>::from_query(text).map_err(|_| malformed())?;
    let mut parameters = BTreeMap::new();
    for (name, value) in pairs.into_inner() {
        // Else something would be looked for that nobody has asked for.
        if name.contains(NO_TEXT) || value.contains(NO_TEXT) {
            return Err(malformed());
        }
        if parameters.insert(name.clone(), Value::String(value)).is_some() {
            let twice = Violation { pointer: format!("?{name}"), code: "given_twice".into(), detail: "this parameter is given twice".into() };
            return Err(Problem::invalid(vec![twice]));
        }
    }
    read_at(&Value::Object(parameters.into_iter().collect()), "?".into())
}

impl FromValue for Uuid {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        value.as_str().and_then(|text| Self::try_parse(text).ok()).ok_or_else(|| Flaw::new("invalid_id", "a UUID is expected"))
    }
}

impl FromValue for NaiveDate {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        // chrono alone would also take 2026-1-2, years of five digits, and years before the first, which Postgres does not read.
        let text = value.as_str().filter(|text| text.len() == 10);
        let date = text.and_then(|text| Self::parse_from_str(text, "%Y-%m-%d").ok()).filter(|date| date.year() >= 1);
        date.ok_or_else(|| Flaw::new("invalid_date", "a date such as 2026-11-29 is expected"))
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        value.as_bool().ok_or_else(|| Flaw::new("wrong_type", "true or false is expected"))
    }

    fn from_parameter(text: &Value) -> Result<Self, Flaw> {
        match text.as_str() {
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            _ => Err(Flaw::new("wrong_type", "true or false is expected")),
        }
    }
}

/// So long a text is a name, and stands on one line: else it would write lines of its own into letters and lists.
const LONGEST_NAME: usize = 254;

/// A text of `LEAST` to `MOST` characters without control characters, trimmed. A longer one than a name may have several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<const LEAST: usize, const MOST: usize>(pub String);

impl<const LEAST: usize, const MOST: usize> FromValue for Text<LEAST, MOST> {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        let text = value.as_str().ok_or_else(|| Flaw::new("wrong_type", "a text is expected"))?.trim();
        let is_allowed = |character: char| !character.is_control() || (MOST > LONGEST_NAME && matches!(character, '\n' | '\t'));
        if !text.chars().all(is_allowed) {
            return Err(Flaw::new("control_character", "control characters are not allowed here"));
        }
        if !(LEAST..=MOST).contains(&text.chars().count()) {
            return Err(Flaw::new("wrong_length", format!("a text of {LEAST} to {MOST} characters is expected")));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A whole number within bounds; `"3"` is taken in a query, `3` in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole<const LEAST: i64, const MOST: i64>(pub i64);

impl<const LEAST: i64, const MOST: i64> FromValue for Whole<LEAST, MOST> {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        Self::within(value.as_i64())
    }

    fn from_parameter(text: &Value) -> Result<Self, Flaw> {
        Self::within(text.as_str().and_then(|text| text.parse().ok()))
    }
}

impl<const LEAST: i64, const MOST: i64> Whole<LEAST, MOST> {
    fn within(number: Option<i64>) -> Result<Self, Flaw> {
        let number = number.filter(|number| (LEAST..=MOST).contains(number));
        number.map(Self).ok_or_else(|| Flaw::new("out_of_range", format!("a whole number from {LEAST} to {MOST} is expected")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Line {
        name: String,
        day: Option<NaiveDate>,
    }
    impl FromFields for Line {
        fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
            let (name, day) = (fields.required::<Text<1, 5>>("name"), fields.optional("day"));
            Some(Self { name: name?.0, day: day? })
        }
    }
    struct Order {
        lines: Vec<Line>,
        id: Option<Uuid>,
    }
    impl FromFields for Order {
        fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
            let (lines, id) = (fields.list("lines", 1..=3), fields.optional("id"));
            Some(Self { lines: lines?, id: id? })
        }
    }

    fn violations(value: &Value) -> Vec<(String, String)> {
        let Err(problem) = read::<Order>(value) else { return Vec::new() };
        problem.errors.into_iter().map(|violation| (violation.pointer, violation.code.into_owned())).collect()
    }

    #[test]
    fn all_violations_are_found_at_once_each_at_its_place() {
        let body = json!({ "lines": [{ "name": "" }, { "day": "2026-02-30" }, 7], "id": 4, "colour": "red" });
        let expected = [
            ("/lines/0/name", "wrong_length"),
            ("/lines/1/name", "required"),
            ("/lines/1/day", "invalid_date"),
            ("/lines/2", "wrong_type"),
            ("/id", "invalid_id"),
            ("/colour", "unknown_field"),
        ];
        let expected: Vec<_> = expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), (*code).to_owned())).collect();
        assert_eq!(violations(&body), expected);
    }

    #[test]
    fn a_name_with_a_slash_is_escaped_in_its_pointer_and_only_so_many_mistakes_are_told() {
        assert!(violations(&json!({ "lines": [{ "name": "a" }], "a/b~c": 1 })).contains(&("/a~1b~0c".to_owned(), "unknown_field".to_owned())));
        let many: Map<String, Value> = (0..500).map(|number| (format!("field{number}"), Value::Null)).collect();
        assert_eq!(violations(&Value::Object(many)).len(), MOST_VIOLATIONS);
    }

    #[test]
    fn null_is_absence_and_a_right_body_is_taken() {
        let order: Order = read(&json!({ "lines": [{ "name": " a ", "day": null }], "id": null })).expect("a right body");
        assert_eq!((order.lines[0].name.as_str(), order.lines[0].day, order.id), ("a", None, None));
    }

    struct Kinds;
    impl FromFields for Kinds {
        fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
            let (flag, number) = (fields.required::<bool>("flag"), fields.required::<Whole<1, 9>>("number"));
            flag.and(number).map(|_| Self)
        }
    }

    #[test]
    fn a_text_is_a_number_or_a_boolean_in_a_query_only() {
        assert!(read::<Kinds>(&json!({ "flag": true, "number": 3 })).is_ok() && read_query::<Kinds>("flag=true&number=3").is_ok());
        let problem = read::<Kinds>(&json!({ "flag": "true", "number": "3" })).err().expect("refused");
        assert_eq!(problem.errors.iter().map(|wrong| wrong.code.as_ref()).collect::<Vec<_>>(), ["wrong_type", "out_of_range"]);
        assert!(read_query::<Kinds>("flag=1&number=3").is_err() && read_query::<Kinds>("flag=false&number=x").is_err());
    }

    #[test]
    fn an_empty_or_missing_list_says_how_many_are_expected() {
        assert_eq!(violations(&json!({}))[0].1, "required");
        assert_eq!(violations(&json!({ "lines": [] }))[0].1, "wrong_length");
    }

    #[test]
    fn a_date_has_a_year_of_four_digits_from_the_first_on() {
        for (text, is_date) in
            [("2026-11-29", true), ("0001-01-01", true), ("9999-12-31", true), ("0000-12-31", false), ("-001-01-01", false), ("2026-1-2", false)]
        {
            assert_eq!(NaiveDate::from_value(&json!(text)).is_ok(), is_date, "{text}");
        }
    }

    #[test]
    fn a_query_names_unknown_and_repeated_parameters() {
        struct Filter;
        impl FromFields for Filter {
            fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
                fields.optional::<bool>("archived")?;
                Some(Self)
            }
        }
        assert!(read_query::<Filter>("archived=true").is_ok());
        for (query, code) in [("archived=yes", "wrong_type"), ("color=1", "unknown_field"), ("archived=true&archived=true", "given_twice")] {
            let problem = read_query::<Filter>(query).err().expect("refused");
            assert_eq!(problem.errors[0].code, code);
            assert!(problem.errors[0].pointer.starts_with('?'));
        }
    }
}
