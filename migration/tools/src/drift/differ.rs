//! Compares what is with what is expected, and names each difference once.

use std::collections::{BTreeMap, BTreeSet};

use migration_history::{CHECKSUMS, HISTORY};

use super::{Difference, Kind, Thing};

/// Where a thing stands in the order of a report, and what it is known by.
type Key = (Kind, Option<String>, String);
type Things = BTreeMap<Key, Thing>;

pub fn compare(live: Vec<Thing>, expected: Vec<Thing>) -> Vec<Difference> {
    let (live, expected) = (by_key(live), by_key(expected));
    let missing = without_contents(expected.iter().filter(|(key, _)| !live.contains_key(*key)).map(|(_, thing)| thing).collect());
    let added = without_contents(live.iter().filter(|(key, _)| !expected.contains_key(*key)).map(|(_, thing)| thing).collect());
    let renamed = renamed(&missing, &added);

    let mut found: Vec<(Key, Difference)> = Vec::new();
    for (key, thing) in &expected {
        if let Some(now) = live.get(key).filter(|now| now.properties != thing.properties) {
            found.push((key.clone(), differing(now, thing)));
        }
    }
    for (now, thing) in &renamed {
        found.push((thing.key(), named(now, thing)));
    }
    for thing in missing {
        if !renamed.iter().any(|(_, was)| *was == thing) {
            found.push((thing.key(), is_missing(thing)));
        }
    }
    for thing in added {
        if !renamed.iter().any(|(now, _)| *now == thing) {
            found.push((thing.key(), is_added(thing)));
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found.into_iter().map(|(_, difference)| difference).collect()
}

impl Thing {
    fn key(&self) -> Key {
        (self.kind, self.table.clone(), self.name.clone())
    }

    fn object(&self) -> String {
        let Self { kind, table, name, .. } = self;
        match table {
            Some(table) if name.is_empty() || !self.has_name() => format!("{kind} {table}{name}"),
            // These have names that are unique in the schema, and usually begin with the table's.
            Some(table) if !matches!(kind, Kind::Index | Kind::Sequence) => format!("{kind} {table}.{name}"),
            _ => format!("{kind} {name}"),
        }
    }

    /// Whether it has a name of its own, and not only what it is about.
    fn has_name(&self) -> bool {
        !self.name.is_empty() && !self.name.starts_with('(')
    }

    fn is_tools_own(&self) -> bool {
        let of = |name: &str| name == HISTORY || name == CHECKSUMS;
        self.table.as_deref().is_some_and(of) || (self.kind == Kind::Table && of(&self.name))
    }
}

/// Two things without a name may be alike to the letter; the second one is not lost over it.
fn by_key(things: Vec<Thing>) -> Things {
    let mut known = Things::new();
    for mut thing in things.into_iter().filter(|thing| !thing.is_tools_own()) {
        while known.contains_key(&thing.key()) {
            thing.name.push_str(" again");
        }
        known.insert(thing.key(), thing);
    }
    known
}

/// A table that is not there says all that is to be said of its columns and keys.
fn without_contents(things: Vec<&Thing>) -> Vec<&Thing> {
    let tables: BTreeSet<String> = things.iter().filter(|thing| thing.kind == Kind::Table).map(|thing| thing.name.clone()).collect();
    things.into_iter().filter(|thing| !thing.table.as_ref().is_some_and(|table| tables.contains(table))).collect()
}

/// What differs by its name alone: the live thing, and the expected one.
fn renamed<'t>(missing: &[&'t Thing], added: &[&'t Thing]) -> Vec<(&'t Thing, &'t Thing)> {
    let mut pairs: Vec<(&Thing, &Thing)> = Vec::new();
    for was in missing.iter().filter(|was| was.table.is_some() && was.has_name()) {
        let is_it = |now: &&&Thing| {
            let alike = (now.kind, &now.table, now.position, &now.properties) == (was.kind, &was.table, was.position, &was.properties);
            alike && now.has_name() && !pairs.iter().any(|(taken, _)| taken == *now)
        };
        if let Some(now) = added.iter().find(is_it) {
            pairs.push((now, was));
        }
    }
    pairs
}

/// All that there is to say of a thing that has no counterpart, without what it has not.
fn description(thing: &Thing) -> String {
    phrase(thing.properties.iter().filter(|property| !property.starts_with("without ") && !property.starts_with("not ")))
}

/// A phrase on one line, whatever a function's body is like.
fn phrase<'p>(properties: impl IntoIterator<Item = &'p String>) -> String {
    let words = properties.into_iter().flat_map(|property| property.split_whitespace());
    words.collect::<Vec<_>>().join(" ")
}

fn differing(live: &Thing, expected: &Thing) -> Difference {
    let pairs = || live.properties.iter().zip(&expected.properties).filter(|(live, expected)| live != expected);
    let (is, should_be) = (phrase(pairs().map(|(live, _)| live)), phrase(pairs().map(|(_, expected)| expected)));
    let what = format!("is {is}, migrations make it {should_be}");
    Difference { object: expected.object(), kind: expected.kind, live: Some(is), expected: Some(should_be), what }
}

fn named(live: &Thing, expected: &Thing) -> Difference {
    let what = format!("is named {}", live.name);
    Difference { object: expected.object(), kind: expected.kind, live: Some(live.name.clone()), expected: Some(expected.name.clone()), what }
}

fn is_missing(expected: &Thing) -> Difference {
    Difference { object: expected.object(), kind: expected.kind, live: None, expected: Some(description(expected)), what: "is missing".into() }
}

fn is_added(live: &Thing) -> Difference {
    Difference { object: live.object(), kind: live.kind, live: Some(description(live)), expected: None, what: "is not of the migrations".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(kind: Kind, table: &str, name: &str, properties: &[&str]) -> Thing {
        let table = Some(table.to_owned()).filter(|table| !table.is_empty());
        Thing { kind, table, name: name.into(), position: 0, properties: properties.iter().map(|property| (*property).to_owned()).collect() }
    }

    fn column(name: &str, position: i64, properties: &[&str]) -> Thing {
        Thing { position, ..thing(Kind::Column, "lot", name, properties) }
    }

    fn lines(live: &[Thing], expected: &[Thing]) -> Vec<String> {
        compare(live.to_vec(), expected.to_vec()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_what_differs_of_a_thing_is_told() {
        let (live, expected) = (column("code", 1, &["text", "NOT NULL", "without DEFAULT"]), column("code", 1, &["bigint", "NOT NULL", "DEFAULT 0"]));
        assert_eq!(lines(&[live], &[expected]), ["column lot.code: is text without DEFAULT, migrations make it bigint DEFAULT 0"]);
    }

    #[test]
    fn a_table_speaks_for_what_is_in_it() {
        let table = |name: &str| [thing(Kind::Table, "", name, &["table"]), thing(Kind::Index, name, "ix", &["(a)"])];
        assert_eq!(lines(&table("lots"), &table("lot")), ["table lot: is missing", "table lots: is not of the migrations"]);
    }

    #[test]
    fn another_name_for_the_same_thing_is_one_line() {
        assert_eq!(lines(&[column("made_on", 2, &["date"])], &[column("produced_on", 2, &["date"])]), ["column lot.produced_on: is named made_on"]);
        // Elsewhere in the table, or something else: two things.
        for other in [column("made_on", 3, &["date"]), column("made_on", 2, &["text"])] {
            let two = ["column lot.made_on: is not of the migrations", "column lot.produced_on: is missing"];
            assert_eq!(lines(&[other], &[column("produced_on", 2, &["date"])]), two);
        }
    }

    #[test]
    fn what_has_no_name_cannot_have_another_one() {
        let key = |columns: &str| thing(Kind::Unique, "lot", columns, &[]);
        assert_eq!(lines(&[key("(a)")], &[key("(b)")]), ["unique constraint lot(a): is not of the migrations", "unique constraint lot(b): is missing"]);
        assert_eq!(lines(&[key("(a)"), key("(a)")], &[key("(a)")]), ["unique constraint lot(a) again: is not of the migrations"]);
    }

    #[test]
    fn the_tables_of_the_tools_are_not_looked_at() {
        let live = [thing(Kind::Table, "", HISTORY, &["table"]), thing(Kind::Column, CHECKSUMS, "sql", &["text"])];
        assert_eq!(lines(&live, &[]), Vec::<String>::new());
    }
}
