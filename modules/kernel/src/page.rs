//! Lists: how many, from where, and where the next page begins.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;
use crate::reading::{Fields, Flaw, FromFields, FromValue};

/// How many rows a page holds: 1 to 500, 50 where nothing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(u16);

impl Limit {
    pub const MOST: u16 = 500;

    pub fn rows(self) -> usize {
        usize::from(self.0)
    }

    /// What a query asks for: one row more than the page, so that it is known whether another page follows. As a number in its text: of a parameter
    /// Postgres does not know how few rows it stands for, takes a tenth of all, and plans the query anew each time that it is read.
    pub fn probe(self) -> u64 {
        u64::from(self.0) + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl FromValue for Limit {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        let asked = value.as_str().and_then(|text| text.parse().ok());
        asked.filter(|rows| (1..=Self::MOST).contains(rows)).map(Self).ok_or_else(|| Flaw::new("invalid_limit", "a whole number from 1 to 500 is expected"))
    }
}

/// An opaque position in a list: the sort key of the last row that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    pub fn of(key: &impl Serialize) -> Self {
        Self(URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default()))
    }

    /// The sort key inside; 400 `invalid_cursor` where it is not one of this list's.
    pub fn key<K: DeserializeOwned>(&self) -> Result<K, Problem> {
        let value = URL_SAFE_NO_PAD.decode(&self.0).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        // No name has a NUL in it, and Postgres takes no text that has.
        let value = value.filter(|value| !has_nul(value));
        value.and_then(|value| serde_json::from_value(value).ok()).ok_or_else(Self::foreign)
    }

    /// 400 `invalid_cursor`.
    pub fn foreign() -> Problem {
        Problem::new(400, "invalid_cursor", "This cursor is not one that this list gave out.")
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        _ => false,
    }
}

impl FromValue for Cursor {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        value.as_str().map(|text| Self(text.to_owned())).ok_or_else(|| Flaw::new("invalid_cursor", "a text is expected"))
    }
}

/// Which part of a list is asked for, where there is nothing else to ask.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// 1 to 500; 50 where nothing is said.
    #[param(value_type = Option<u16>)]
    pub limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

impl Listing {
    /// The sort key after which the page begins; 400 `invalid_cursor` where it is not one of this list's.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, Problem> {
        self.cursor.as_ref().map(Cursor::key).transpose()
    }
}

impl FromFields for Listing {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (limit, cursor) = (fields.or("limit", Limit::default()), fields.optional("cursor"));
        Some(Self { limit: limit?, cursor: cursor? })
    }
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The rows, in the order of the list.
    pub data: Vec<T>,
    /// What to send as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Cuts the probed row off and makes the cursor from the last row that stays.
    pub fn cut<K: Serialize>(mut rows: Vec<T>, limit: Limit, key: impl Fn(&T) -> K) -> Self {
        let more = rows.len() > limit.rows();
        rows.truncate(limit.rows());
        let next_cursor = if more { rows.last().map(|row| Cursor::of(&key(row)).0) } else { None };
        Self { data: rows, next_cursor }
    }

    pub fn map<U>(self, turn: impl FnMut(T) -> U) -> Page<U> {
        Page { data: self.data.into_iter().map(turn).collect(), next_cursor: self.next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probed_row_becomes_a_cursor_and_the_last_page_has_none() {
        let two = Limit(2);
        let page = Page::cut(vec![1, 2, 3], two, |row| *row);
        assert_eq!(page.data, vec![1, 2]);
        let cursor = Cursor(page.next_cursor.expect("another page"));
        assert_eq!(cursor.key::<i32>().expect("a key"), 2);
        assert!(Page::cut(vec![1, 2], two, |row| *row).next_cursor.is_none());
    }

    #[test]
    fn a_name_that_only_looks_like_a_nul_pages_on() {
        let key = ("A\\u0000b".to_owned(), 1);
        assert_eq!(Cursor::of(&key).key::<(String, i64)>().expect("a key"), key);
    }

    #[test]
    fn a_foreign_cursor_is_refused_by_its_code() {
        let nul = URL_SAFE_NO_PAD.encode("[\"a\\u0000\",1]");
        for text in ["", "!!", "bnVsbA", "eyJhIjoxfQ", &nul] {
            let problem = Cursor(text.to_owned()).key::<(String, i64)>().expect_err("not a key");
            assert_eq!((problem.status, problem.code), (400, "invalid_cursor"));
        }
    }
}
