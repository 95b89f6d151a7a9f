//! What is told from SQLite's own statements, by their first words: squawk reads Postgres alone. Nothing locks anybody out
//! there for long, so only what loses data or breaks the programs that still run counts.

use migration_history::Recorded;

use super::{Hazard, Indexes};
use crate::words::{Word, words};

/// Every hazard of a migration. `indexes` are those of earlier ones.
pub fn hazards(migration: &Recorded, indexes: &Indexes) -> Vec<Hazard> {
    let mut made = Vec::new();
    let mut hazards = Vec::new();
    for statement in migration.statements.iter().flat_map(|sent| statements(&words(sent))) {
        if let Some(table) = made_table(&statement) {
            made.push(table);
        }
        let Some((rule, table, part)) = hazard(&statement, indexes) else { continue };
        if !made.contains(&table) {
            let subject = part.map_or(table.clone(), |part| format!("{table}.{part}"));
            hazards.push(Hazard { rule, subject, message: message(rule).into() });
        }
    }
    hazards
}

/// What is sent at once may be several statements; what a trigger does is part of it.
fn statements(sent: &[Word]) -> Vec<Vec<Word>> {
    let is_trigger = after(sent, "CREATE").is_some_and(|rest| after(skip(skip(rest, "TEMP"), "TEMPORARY"), "TRIGGER").is_some());
    if is_trigger {
        return vec![sent.to_vec()];
    }
    sent.split(|word| word.is_sign(";")).map(<[Word]>::to_vec).collect()
}

/// What stands after words, where a statement begins with them.
fn after<'w>(words: &'w [Word], beginning: &str) -> Option<&'w [Word]> {
    let mut rest = words;
    for expected in beginning.split(' ') {
        let (first, others) = rest.split_first()?;
        first.is(&expected.to_lowercase()).then_some(())?;
        rest = others;
    }
    Some(rest)
}

/// The same without words that may stand there.
fn skip<'w>(words: &'w [Word], optional: &str) -> &'w [Word] {
    after(words, optional).unwrap_or(words)
}

/// A name, without that of the database that may stand before it, and what comes after.
fn named(words: &[Word]) -> Option<(String, &[Word])> {
    let (first, rest) = words.split_first()?;
    match rest.split_first() {
        Some((dot, rest)) if dot.is_sign(".") => named(rest),
        _ => Some((first.text().to_owned(), rest)),
    }
}

fn name(words: &[Word]) -> Option<String> {
    named(words).map(|(name, _)| name)
}

fn made_table(words: &[Word]) -> Option<String> {
    let rest = after(words, "CREATE TABLE")?;
    // IF NOT EXISTS may find a table that was there before.
    if after(rest, "IF NOT EXISTS").is_some() { None } else { name(rest) }
}

/// Rule, table and part.
fn hazard(words: &[Word], indexes: &Indexes) -> Option<(&'static str, String, Option<String>)> {
    for (beginning, rule) in [("DROP TABLE", "drop_table"), ("DROP VIEW", "drop_view"), ("DROP TRIGGER", "drop_trigger"), ("DELETE FROM", "delete_rows")] {
        if let Some(rest) = after(words, beginning) {
            return Some((rule, name(skip(rest, "IF EXISTS"))?, None));
        }
    }
    if let Some(rest) = after(words, "DROP INDEX") {
        let name = name(skip(rest, "IF EXISTS"))?;
        return match indexes.get(&name) {
            Some(index) if index.is_unique => Some(("drop_unique_index", index.table.clone(), Some(name))),
            Some(_) => None,
            None => Some(("drop_unique_index", name, None)),
        };
    }
    if ["BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT"].iter().any(|word| after(words, word).is_some()) {
        return Some(("transaction_statement", "statement".into(), None));
    }
    let (table, action) = named(after(words, "ALTER TABLE")?)?;
    if after(action, "RENAME TO").is_some() {
        return Some(("rename_table", table, None));
    }
    for (verb, rule) in [("RENAME", "rename_column"), ("DROP", "drop_column")] {
        if let Some(rest) = after(action, verb) {
            return Some((rule, table, Some(name(skip(rest, "COLUMN"))?)));
        }
    }
    None
}

fn message(rule: &str) -> &'static str {
    match rule {
        "drop_table" | "drop_column" | "delete_rows" => "It loses data, and programs of the version before may still use it.",
        "rename_table" | "rename_column" => "Programs of the version before know only the old name.",
        "transaction_statement" => "The deploy begins and ends the transaction; a migration answers `use_transaction`.",
        _ => "It removes a guarantee that programs rely on.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hazard_is_found_whatever_the_quotes_and_the_case() {
        for (statement, rule, subject) in [
            ("DROP TABLE \"lot\"", "drop_table", "lot"),
            ("drop table if exists lot", "drop_table", "lot"),
            ("ALTER TABLE \"lot\" DROP COLUMN \"batch_code\"", "drop_column", "lot.batch_code"),
            ("ALTER TABLE lot DROP batch_code", "drop_column", "lot.batch_code"),
            ("ALTER TABLE `lot` RENAME TO `batch`", "rename_table", "lot"),
            ("ALTER TABLE \"lot\" RENAME COLUMN \"a\" TO \"b\"", "rename_column", "lot.a"),
            ("DROP TRIGGER ledger_entry_no_update", "drop_trigger", "ledger_entry_no_update"),
            ("DELETE FROM lot WHERE void", "delete_rows", "lot"),
            ("-- not to be seen\nDROP TABLE lot", "drop_table", "lot"),
            ("/* x */ ALTER TABLE main.lot DROP COLUMN a", "drop_column", "lot.a"),
            ("SELECT 1; DROP TABLE \"main\".\"lot\"", "drop_table", "lot"),
            ("COMMIT", "transaction_statement", "statement"),
        ] {
            let migration = Recorded { name: "m".into(), transactional: true, statements: vec![statement.into()], checksum: String::new() };
            let found = hazards(&migration, &Indexes::new());
            assert_eq!(found.iter().map(|hazard| (hazard.rule, hazard.subject.as_str())).collect::<Vec<_>>(), [(rule, subject)], "{statement}");
        }
    }

    #[test]
    fn what_only_adds_is_no_hazard() {
        for statement in
            ["CREATE TABLE \"drop\" (id int)", "ALTER TABLE \"lot\" ADD COLUMN \"x\" int", "CREATE TRIGGER t BEFORE DELETE ON x BEGIN SELECT 1; END"]
        {
            let migration = Recorded { name: "m".into(), transactional: true, statements: vec![statement.into()], checksum: String::new() };
            assert_eq!(hazards(&migration, &Indexes::new()), [], "{statement}");
        }
    }
}
