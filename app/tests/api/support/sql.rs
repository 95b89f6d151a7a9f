//! What a statement's text says: which tables it touches, whether each of them is held to a tenant, what it locks and writes.
//!
//! It is read as far as the program's own statements go: words, quoted names, SELECTs in parentheses. What it misreads shows in the
//! committed files, which a person reads.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// A name or a keyword, in small letters.
    Word(String),
    Symbol(char),
    /// A text, a number or a parameter.
    Value,
}

impl Token {
    fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(found) if found == word)
    }
}

fn tokens(sql: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let quoted = |quote: char| rest[1..].find(quote).map_or(rest.len(), |at| at + 2);
        let word = |rest: &str| rest.find(|character: char| !character.is_ascii_alphanumeric() && character != '_').unwrap_or(rest.len());
        let (end, token) = match first {
            '\'' => (quoted('\''), Token::Value),
            '"' => (quoted('"'), Token::Word(rest[1..quoted('"') - 1].to_owned())),
            '$' | '?' => (1 + word(&rest[1..]), Token::Value),
            '0'..='9' => (word(rest), Token::Value),
            _ if first.is_ascii_alphabetic() || first == '_' => (word(rest), Token::Word(rest[..word(rest)].to_ascii_lowercase())),
            _ => (first.len_utf8(), Token::Symbol(first)),
        };
        tokens.push(token);
        rest = rest[end..].trim_start();
    }
    tokens
}

/// A table where it is named in a SELECT, an UPDATE, a DELETE or an INSERT.
#[derive(Debug)]
struct Relation {
    scope: usize,
    table: String,
    alias: String,
    has_tenant: bool,
}

/// A statement as far as it is understood: SELECTs in one another, and their tables.
struct Reading<'a> {
    tokens: Vec<Token>,
    tables: &'a [String],
    /// The scope of each token, and the one around each scope.
    scopes: Vec<usize>,
    parents: Vec<Option<usize>>,
    relations: Vec<Relation>,
}

/// What no table is called where an alias may stand.
const NO_ALIAS: [&str; 24] = [
    "on",
    "where",
    "set",
    "join",
    "left",
    "right",
    "inner",
    "cross",
    "group",
    "order",
    "limit",
    "union",
    "values",
    "select",
    "for",
    "using",
    "returning",
    "having",
    "except",
    "intersect",
    "offset",
    "default",
    "natural",
    "do",
];

impl<'a> Reading<'a> {
    fn of(sql: &str, tables: &'a [String]) -> Self {
        let tokens = tokens(sql);
        let mut reading = Self { scopes: Vec::new(), parents: vec![None], relations: Vec::new(), tables, tokens };
        reading.find_scopes();
        reading.find_relations();
        reading.find_tenants();
        reading
    }

    fn token(&self, at: usize) -> Option<&Token> {
        self.tokens.get(at)
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.token(at).is_some_and(|token| token.is(word))
    }

    fn is_symbol(&self, at: usize, symbol: char) -> bool {
        self.token(at) == Some(&Token::Symbol(symbol))
    }

    fn word(&self, at: usize) -> Option<&str> {
        match self.token(at) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn find_scopes(&mut self) {
        let mut open = Vec::new();
        let mut scope = 0;
        for at in 0..self.tokens.len() {
            if self.is_symbol(at, ')') {
                scope = open.pop().unwrap_or(0);
            }
            self.scopes.push(scope);
            if self.is_symbol(at, '(') {
                open.push(scope);
                if ["select", "with", "insert", "update", "delete", "values"].iter().any(|verb| self.is(at + 1, verb)) {
                    scope = self.scope_in(Some(scope));
                }
            } else if ["union", "except", "intersect"].iter().any(|verb| self.is(at, verb)) {
                // The SELECTs of a UNION stand beside one another.
                scope = self.scope_in(self.parents[scope]);
            }
        }
    }

    fn scope_in(&mut self, parent: Option<usize>) -> usize {
        self.parents.push(parent);
        self.parents.len() - 1
    }

    fn find_relations(&mut self) {
        let mut from_at: Option<(usize, usize)> = None;
        let mut depth = 0;
        for at in 0..self.tokens.len() {
            match self.token(at) {
                Some(Token::Symbol('(')) => depth += 1,
                Some(Token::Symbol(')')) => depth -= 1,
                _ => {}
            }
            let names = match self.word(at) {
                Some("from" | "join") => !self.is(at.wrapping_sub(1), "distinct"),
                Some("into") => true,
                // Neither a lock nor what a conflict leads to.
                Some("update") => !["for", "key", "do"].iter().any(|word| self.is(at.wrapping_sub(1), word)),
                _ => false,
            };
            if names {
                from_at = Some((self.scopes[at], depth));
                self.relation(at + 1);
            } else if ["where", "set", "group", "order", "select"].iter().any(|word| self.is(at, word))
                && from_at.is_some_and(|(scope, _)| scope == self.scopes[at])
            {
                from_at = None;
            } else if self.is_symbol(at, ',') && from_at == Some((self.scopes[at], depth)) {
                self.relation(at + 1);
            }
        }
    }

    /// A table that is named here, with its alias.
    fn relation(&mut self, at: usize) {
        let at = if self.is(at, "only") || self.is(at, "lateral") { at + 1 } else { at };
        let Some(table) = self.word(at).filter(|word| self.tables.iter().any(|table| table == word)).map(str::to_owned) else { return };
        let at = if self.is(at + 1, "as") { at + 1 } else { at };
        let alias = self.word(at + 1).filter(|word| !NO_ALIAS.contains(word)).map_or_else(|| table.clone(), str::to_owned);
        self.relations.push(Relation { scope: self.scopes[at], table, alias, has_tenant: false });
    }

    fn find_tenants(&mut self) {
        for at in 0..self.tokens.len() {
            if !self.is(at, "tenant_id") {
                continue;
            }
            let qualifier = if self.is_symbol(at.wrapping_sub(1), '.') { self.word(at.wrapping_sub(2)).map(str::to_owned) } else { None };
            let first = if qualifier.is_some() { at - 2 } else { at };
            if self.is_given(first) {
                self.hold(self.scopes[at], None, true);
            } else if self.is_compared(first, at) {
                self.hold(self.scopes[at], qualifier.as_deref(), false);
            }
        }
    }

    /// Whether a column stands among those of an INSERT, or of a USING.
    fn is_given(&self, at: usize) -> bool {
        let Some(open) = self.opening(at) else { return false };
        self.is(open.wrapping_sub(1), "using") || self.is(open.wrapping_sub(2), "into")
    }

    /// Whether a column is compared with something, by itself or in a row.
    fn is_compared(&self, first: usize, last: usize) -> bool {
        let compares = |at: usize| self.is_symbol(at, '=') || self.is(at, "in");
        if compares(last + 1) || self.is_symbol(first.wrapping_sub(1), '=') {
            return true;
        }
        let Some(open) = self.opening(first).filter(|open| self.scopes[*open] == self.scopes[first]) else { return false };
        self.closing(open).is_some_and(|close| compares(close + 1)) || self.is_symbol(open.wrapping_sub(1), '=')
    }

    fn opening(&self, at: usize) -> Option<usize> {
        let mut depth = 0;
        (0..at).rev().find(|at| {
            depth += i32::from(self.is_symbol(*at, ')')) - i32::from(self.is_symbol(*at, '('));
            depth < 0
        })
    }

    fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0;
        (open..self.tokens.len()).find(|at| {
            depth += i32::from(self.is_symbol(*at, '(')) - i32::from(self.is_symbol(*at, ')'));
            depth == 0
        })
    }

    /// The nearest table of that name is held to a tenant; without a name, the only one of its SELECT, or `all` of it.
    fn hold(&mut self, scope: usize, qualifier: Option<&str>, all: bool) {
        let mut around = Some(scope);
        while let Some(scope) = around {
            let of_scope: Vec<_> = self.relations.iter_mut().filter(|relation| relation.scope == scope).collect();
            let is_only_one = of_scope.len() == 1;
            let mut found = false;
            for relation in of_scope {
                let is_meant = qualifier.map_or(all || is_only_one, |qualifier| relation.alias == qualifier);
                relation.has_tenant |= is_meant;
                found |= is_meant;
            }
            if found {
                return;
            }
            around = self.parents[scope];
        }
    }
}

/// The tables of a statement, among these, that it does not hold to a tenant.
pub fn without_tenant(sql: &str, tables: &[String]) -> BTreeSet<String> {
    let reading = Reading::of(sql, tables);
    reading.relations.into_iter().filter(|relation| !relation.has_tenant).map(|relation| relation.table).collect()
}

/// The tables of a statement by what it calls them; without what a WITH calls the same.
pub fn aliases(sql: &str, tables: &[String]) -> BTreeMap<String, String> {
    let reading = Reading::of(sql, tables);
    let is_with = |alias: &str| {
        (0..reading.tokens.len())
            .any(|at| reading.is(at, alias) && reading.is(at + 1, "as") && (reading.is(at + 2, "materialized") || reading.is_symbol(at + 2, '(')))
    };
    reading.relations.iter().filter(|relation| !is_with(&relation.alias)).map(|relation| (relation.alias.clone(), relation.table.clone())).collect()
}

/// What it writes and which rows it locks, in words.
pub fn locks(sql: &str, tables: &[String]) -> Vec<String> {
    let reading = Reading::of(sql, tables);
    let mut locks = Vec::new();
    for at in 0..reading.tokens.len() {
        let writes = reading.is(at, "into") && reading.is(at.wrapping_sub(1), "insert") || reading.is(at, "from") && reading.is(at.wrapping_sub(1), "delete");
        let updates = reading.is(at, "update") && !["for", "key", "do"].iter().any(|word| reading.is(at.wrapping_sub(1), word));
        if (writes || updates)
            && let Some(table) = reading.word(at + 1)
        {
            locks.push(format!("writes {table}"));
        }
        let strength = ["no key update", "update", "key share", "share"].into_iter().find(|strength| {
            let mut words = strength.split(' ').enumerate();
            reading.is(at, "for") && words.all(|(place, word)| reading.is(at + 1 + place, word))
        });
        if let Some(strength) = strength {
            let of = at + 1 + strength.split(' ').count();
            let scope = reading.scopes[at];
            let named = |relation: &&Relation| relation.scope == scope && (!reading.is(of, "of") || reading.is(of + 1, &relation.alias));
            let tables: Vec<_> = reading.relations.iter().filter(named).map(|relation| relation.table.as_str()).collect();
            locks.push(format!("locks rows of {} FOR {}", tables.join(", "), strength.to_uppercase()));
        }
    }
    locks
}

/// Words that begin a line.
const BEGIN: [&str; 21] = [
    "FROM",
    "WHERE",
    "JOIN",
    "LEFT",
    "INNER",
    "CROSS",
    "GROUP",
    "ORDER",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "UNION",
    "VALUES",
    "SET",
    "RETURNING",
    "ON CONFLICT",
    "AND",
    "OR",
    "FOR NO",
    "FOR UPDATE",
    "SELECT",
];
/// How long a line of columns may get.
const WIDTH: usize = 120;

/// The statement in lines, so that a change of it shows as a change of some. Rows of parameters beyond the first are left out: how many
/// there are is the request's.
pub fn in_lines(sql: &str) -> String {
    let sql = without_repetition(&sql.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut lines = String::new();
    let (mut depth, mut length, mut quote, mut after_join) = (0_usize, 0, None, false);
    for (at, character) in sql.char_indices() {
        match character {
            '\'' | '"' if quote == Some(character) => quote = None,
            '\'' | '"' if quote.is_none() => quote = Some(character),
            '(' if quote.is_none() => depth += 1,
            ')' if quote.is_none() => depth = depth.saturating_sub(1),
            _ => {}
        }
        let next = &sql[at + character.len_utf8()..];
        let begins = |word: &&&str| next.strip_prefix(**word).is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_'));
        let word = BEGIN.iter().find(begins).filter(|_| quote.is_none() && character == ' ');
        // `LEFT JOIN` is one word.
        let breaks =
            word.is_some_and(|word| *word != "JOIN" || !after_join) || (length > WIDTH && character == ' ' && sql[..at].ends_with(',') && quote.is_none());
        if character == ' ' && quote.is_none() {
            after_join = word.is_some_and(|word| ["LEFT", "INNER", "CROSS"].contains(word));
        }
        if breaks {
            lines.push('\n');
            lines.push_str(&"  ".repeat(depth));
            length = depth * 2;
        } else {
            lines.push(character);
            length += 1;
        }
    }
    lines
}

/// `IN ($2, $3, $4)` as `IN ($2, …)`, `VALUES (…), (…)` as `VALUES (…), …`.
fn without_repetition(sql: &str) -> String {
    let mut result = String::new();
    let mut rest = sql;
    while let Some(at) = [" IN (", "VALUES ("].iter().filter_map(|word| rest.find(word).map(|at| at + word.len())).min() {
        let (before, after) = rest.split_at(at);
        result.push_str(before);
        let parameters =
            after.find(|character: char| !matches!(character, '$' | '?' | ',' | ' ' | '(' | ')') && !character.is_ascii_digit()).unwrap_or(after.len());
        let list = &after[..parameters];
        let kept = if before.ends_with("IN (") {
            let end = list.find(')').unwrap_or(0);
            list[..end].split_once(", ").map(|(first, _)| (format!("{first}, …"), end))
        } else {
            list.rfind("), (").and_then(|_| Some((format!("{}), …", &list[..list.find(')')?]), list.rfind(')')? + 1)))
        };
        match kept {
            Some((kept, end)) => {
                result.push_str(&kept);
                rest = &after[end..];
            }
            None => rest = after,
        }
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Vec<String> {
        ["item", "lot", "balance", "unit"].map(str::to_owned).to_vec()
    }

    fn lacking(sql: &str) -> Vec<String> {
        without_tenant(sql, &tables()).into_iter().collect()
    }

    #[test]
    fn a_table_is_held_to_a_tenant_by_a_comparison_a_row_or_a_column() {
        for fine in [
            "SELECT tenant_id FROM item WHERE tenant_id = $1",
            "SELECT a.id FROM item a JOIN lot AS b ON b.tenant_id = a.tenant_id AND b.item_id = a.id WHERE a.tenant_id = $1",
            r#"SELECT "item"."id" FROM "item" WHERE "item"."tenant_id" = ?"#,
            "UPDATE balance SET quantity = 1 FROM (SELECT 1 AS x) AS given WHERE (balance.tenant_id, balance.lot_id) = ($1, given.x)",
            "INSERT INTO lot (tenant_id, id) SELECT $1, 2 ON CONFLICT (tenant_id) DO UPDATE SET id = 2",
            "SELECT 1 FROM item WHERE item.tenant_id = $1 AND EXISTS (SELECT 1 FROM lot WHERE lot.tenant_id = item.tenant_id AND lot.item_id = item.id)",
            "SELECT 1 FROM item JOIN lot USING (tenant_id, item_id) WHERE item.tenant_id = $1",
            "SELECT 1 FROM jsonb_array_elements($1) AS given",
        ] {
            assert_eq!(lacking(fine), [""; 0], "{fine}");
        }
    }

    #[test]
    fn a_table_without_a_tenant_is_named() {
        for (wrong, expected) in [
            ("SELECT tenant_id FROM item WHERE id = $1", "item"),
            ("SELECT a.id FROM item a JOIN lot AS b ON b.item_id = a.id WHERE a.tenant_id = $1", "lot"),
            ("SELECT 1 FROM item WHERE item.tenant_id = $1 AND EXISTS (SELECT 1 FROM lot WHERE lot.item_id = item.id)", "lot"),
            ("SELECT 1 FROM item WHERE tenant_id = $1 UNION ALL SELECT 1 FROM lot WHERE id = $2", "lot"),
            ("SELECT 1 FROM item, unit WHERE item.tenant_id = $1", "unit"),
            ("DELETE FROM balance WHERE quantity = 0", "balance"),
            ("INSERT INTO lot (id) VALUES ($1)", "lot"),
        ] {
            assert_eq!(lacking(wrong), [expected], "{wrong}");
        }
    }

    #[test]
    fn what_is_written_and_locked_is_told() {
        let of = |sql: &str| locks(sql, &tables());
        assert_eq!(of("INSERT INTO lot (id) VALUES ($1)"), ["writes lot"]);
        assert_eq!(of("WITH a AS (UPDATE item SET x = 1 RETURNING id) DELETE FROM lot WHERE id = 1"), ["writes item", "writes lot"]);
        assert_eq!(of("SELECT 1 FROM item AS i JOIN lot AS l ON true WHERE x ORDER BY y FOR NO KEY UPDATE OF l"), ["locks rows of lot FOR NO KEY UPDATE"]);
        assert_eq!(of("SELECT 1 FROM item FOR UPDATE"), ["locks rows of item FOR UPDATE"]);
    }

    #[test]
    fn a_statement_is_written_in_lines_and_without_its_repetitions() {
        assert_eq!(
            in_lines("SELECT 'a  FROM b' FROM x  LEFT JOIN y ON z WHERE a IN ($1, $2, $3) AND b"),
            "SELECT 'a FROM b'\nFROM x\nLEFT JOIN y ON z\nWHERE a IN ($1, …)\nAND b"
        );
        assert_eq!(in_lines("INSERT INTO x (a, b) VALUES ($1, $2), ($3, $4) RETURNING a"), "INSERT INTO x (a, b)\nVALUES ($1, $2), …\nRETURNING a");
        assert_eq!(in_lines("SELECT a FROM (SELECT b FROM c) AS d"), "SELECT a\nFROM (SELECT b\n  FROM c) AS d");
    }
}
