//! JSON as it is sent: what says the same thing twice is refused, not read as one of the two.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::problem::Problem;

/// Reads a body, or answers 400 `malformed_json`. A name that an object has twice is a mistake of whoever sent it (RFC 7493, 2.3), and
/// two programs on its way may have seen two different requests.
pub fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    match serde_json::from_slice::<Unambiguous>(bytes) {
        Ok(value) => Ok(value.0),
        Err(error) => Err(Problem::new(400, "malformed_json", format!("The body is not JSON: {error}."))),
    }
}

struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Unambiguous(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Unambiguous(value))) = members.next_entry::<String, _>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("an object has `{name}` twice")));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_kind_of_value_is_read() {
        let text = r#" { "a": [null, true, -1, 18446744073709551615, 0.5, "é\n", {}], "b": { "a": [] } } "#;
        let expected = json!({ "a": [null, true, -1, u64::MAX, 0.5, "é\n", {}], "b": { "a": [] } });
        assert_eq!(parse(text.as_bytes()).expect("JSON"), expected);
    }

    #[test]
    fn a_name_that_is_there_twice_is_refused_wherever_that_is() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"a":{"b":1,"c":2,"b":3}}]"#, "{\"a\":1,\"\\u0061\":2}"] {
            let problem = parse(text.as_bytes()).expect_err(text);
            assert_eq!((problem.status, problem.code), (400, "malformed_json"));
        }
        let detail = parse(br#"{"sku":"A","sku":"B"}"#).expect_err("twice").to_string();
        assert!(detail.contains("`sku` twice"), "{detail}");
        for text in ["", "{", "[1,]", "{}{}", "nope"] {
            assert_eq!(parse(text.as_bytes()).expect_err(text).code, "malformed_json");
        }
    }
}
