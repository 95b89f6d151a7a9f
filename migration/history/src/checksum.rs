//! What counts as the same SQL.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::scanning::{comment, quoted};

/// SHA-256 of statements, in hexadecimal. Comments and the way a statement is broken into lines do not count; what stands in
/// quotes or between dollar signs (a function's body) counts to the letter.
pub fn checksum(statements: &[String]) -> String {
    let mut hash = Sha256::new();
    for statement in statements {
        hash.update(essence(statement));
        hash.update([0]);
    }
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A statement without its comments, and with no more spaces than keep its words apart.
fn essence(sql: &str) -> String {
    let (mut kept, mut rest, mut apart) = (String::with_capacity(sql.len()), sql, false);
    while let Some(next) = rest.chars().next() {
        let gap = comment(rest).or_else(|| next.is_whitespace().then(|| next.len_utf8()));
        let length = gap.or_else(|| quoted(rest)).unwrap_or_else(|| next.len_utf8());
        let (piece, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        if gap.is_none() {
            if apart && kept.ends_with(is_word) && is_word(next) {
                kept.push(' ');
            }
            kept.push_str(piece);
        }
        apart = gap.is_some();
        rest = after;
    }
    kept
}

/// Whether a character may be part of a word, or of something quoted, which must be kept apart from another one.
fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$' | '"' | '\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sql: &str) -> String {
        checksum(&[sql.to_owned()])
    }

    #[test]
    fn comments_and_line_breaks_do_not_count() {
        let plain = of("CREATE TABLE a (b int)");
        for same in [
            "CREATE TABLE a -- the first\n (b int)",
            "CREATE /* why */ TABLE a\n  (b int)\n",
            "CREATE TABLE a( -- x\n b int /* y */ ) -- z",
            "  CREATE\tTABLE a (b int)",
        ] {
            assert_eq!(of(same), plain, "{same}");
        }
    }

    #[test]
    fn what_is_quoted_counts_to_the_letter() {
        for (one, other) in [
            ("SELECT 'a  b'", "SELECT 'a b'"),
            ("SELECT '--x'", "SELECT '--y'"),
            ("CREATE INDEX \"a  b\"", "CREATE INDEX \"a b\""),
            ("AS $$ BEGIN  END $$", "AS $$ BEGIN END $$"),
            ("AS $f$ -- one\n $f$", "AS $f$ -- two\n $f$"),
            ("SELECT 'it''s'  ", "SELECT 'its'"),
        ] {
            assert_ne!(of(one), of(other), "{one} and {other}");
        }
    }

    #[test]
    fn changed_sql_counts_and_so_does_where_a_statement_ends() {
        assert_ne!(of("CREATE TABLE a (b int)"), of("CREATE TABLE a (b bigint)"));
        assert_ne!(of("SELECT a b"), of("SELECT ab"));
        assert_ne!(checksum(&["a".into(), "b".into()]), checksum(&["a b".into()]));
        assert_ne!(checksum(&["a".into(), "b".into()]), checksum(&["b".into(), "a".into()]));
    }
}
