//! What holds for the plan of every statement of a use case, and for the statement itself.
//!
//! - No large table is gone through: neither whole nor, but for a page of it, all that a tenant has of it.
//! - No more rows are sorted for a page than the page has: an index gives their order. What is answered as a whole may be sorted.
//! - Every table is held to a tenant.
//! - How many rows it wants stands in its text, on Postgres: of a parameter it would take a tenth of all to be wanted, and plan it anew each time. (What SeaORM
//!   writes has it in one; that looks up a row, or lists one table.)
//!
//! [`EXCEPTIONS`] are those that are meant. One that no statement needs any more fails, too.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait as _, DatabaseConnection};

use crate::support::wire::Text;
use crate::support::{Engine, on, plans, representative, sql};
use crate::tenant_keys::tables_by_tenant;

/// A rule that some statements break: the engine, a part of their text, what what they do begins with, and why they may.
type Exception = (Engine, &'static str, &'static str, &'static str);

const PAGE_OF_STOCK: &str = "WITH page AS MATERIALIZED (SELECT place.item_id";
const LOTS: &str = "SELECT lot.id, lot.item_id, item.sku, lot.batch_code, lot.origin_document_id";
const OPEN_WORK: &str = "SELECT 'transfer' AS kind";
const STOCK_BELOW: &str = "SELECT location.path AS location, item.id AS item_id, item.sku, balance.lot_id";
const TOUCHED_BY: &str = "SELECT wanted.id AS lot_id, document.id AS document_id";
const YOUNGEST_LOT: &str = "SELECT wanted.place, COALESCE((SELECT lot.id";
const SHORTAGES: &str = "SELECT shortage.*, item.sku";
const COUNTS: &str = "SELECT stock_count.id";
const RECALLED: &str = "SELECT entry.seq, entry.lot_id, item.sku";
const RECALLED_STOCK: &str = "SELECT balance.lot_id, item.sku, lot.batch_code, balance.location_id";
const STOCK_AS_IT_WAS: &str = "WITH moved AS MATERIALIZED";
const IN_THEIR_ORDER: &str = "SELECT wanted.place, entry.seq, entry.document_id";
const RESERVATIONS: &str = "SELECT reservation.*, item.sku";
const SUM: &str = "AS value_millionths FROM balance AS held WHERE held.tenant_id = $1";
const RECEIVED: &str = "AS moved GROUP BY moved.item_id";
const PLATES: &str = "FROM plate_waste_line AS line JOIN document";

const EXCEPTIONS: &[Exception] = &[
    (Engine::Postgres, PAGE_OF_STOCK, "sorts ", "what the items of one page have"),
    (Engine::Postgres, LOTS, "sorts ", "lots without a date come last, which no index has: all lots of the tenant"),
    (Engine::Postgres, LOTS, "reads all ", "the same"),
    (Engine::Postgres, "\"A_id\"", "sorts ", "a part of a name is looked for in all items"),
    (Engine::Postgres, OPEN_WORK, "sorts ", "what is still open, asked when something is archived"),
    (Engine::Postgres, STOCK_BELOW, "sorts ", "what is left in a place, asked when it is archived"),
    (Engine::Postgres, TOUCHED_BY, "sorts ", "what happened to the lots of one document"),
    (Engine::Postgres, SHORTAGES, "sorts ", "the open shortages of what is received; and a list that is short"),
    (Engine::Postgres, SHORTAGES, "reads all ", "the same: beside a few shortages it takes what costs less to find their documents"),
    (Engine::Postgres, RESERVATIONS, "sorts ", "a list that is short: what is set aside is used or ends"),
    (Engine::Sqlite, SHORTAGES, "sorts ", "the open shortages of what is received; and a list that is short"),
    (Engine::Sqlite, RESERVATIONS, "sorts ", "a list that is short: what is set aside is used or ends"),
    (Engine::Sqlite, "AND document.location_id = $2 AND document.business_date >= $3", "reads all ", "from the newest on, until those days are gone by"),
    (Engine::Postgres, RECALLED, "sorts ", "what happened to recalled lots"),
    (Engine::Postgres, RECALLED_STOCK, "sorts ", "where recalled lots are"),
    (Engine::Postgres, COUNTS, "sorts ", "a few counts; of three thousand a page is read in the order of their key"),
    (Engine::Postgres, "last_day", "sorts ", "a row a month"),
    (Engine::Postgres, YOUNGEST_LOT, "sorts ", "no index has the lots of an item by when they were received: all of that item"),
    (Engine::Postgres, STOCK_AS_IT_WAS, "sorts ", "what lay in each place is summed up"),
    (Engine::Postgres, IN_THEIR_ORDER, "sorts ", "a layer is made of every entry of an item, so many items at a time"),
    (Engine::Postgres, SUM, "reads all ", "all of it is summed up"),
    (Engine::Postgres, RECEIVED, "reads all ", "corrections are few, and so are the tenants' details here: it takes what costs less"),
    (
        Engine::Postgres,
        PLATES,
        "reads all ",
        "what came back on plates is little beside the documents of these days, which no index has: it takes what costs less",
    ),
    (Engine::Postgres, "entry.business_date <= $", "sorts ", "the days that are asked for"),
    (Engine::Postgres, "document.business_date <= $4 ORDER BY", "sorts ", "the days that are asked for"),
    (Engine::Sqlite, STOCK_AS_IT_WAS, "sorts ", "what lay in each place is summed up"),
    (Engine::Sqlite, IN_THEIR_ORDER, "sorts ", "a layer is made of every entry of an item, so many items at a time"),
    (Engine::Sqlite, SUM, "reads all ", "all of it is summed up"),
    (Engine::Sqlite, PAGE_OF_STOCK, "sorts ", "what the items of one page have"),
    (Engine::Sqlite, "FROM balance AS held JOIN item", "reads all ", "the report sums all of them up"),
    (Engine::Sqlite, LOTS, "sorts ", "lots without a date come last, which no index has: all lots of the tenant"),
    (Engine::Sqlite, LOTS, "reads all ", "the same"),
    (Engine::Sqlite, OPEN_WORK, "sorts ", "what is still open, asked when something is archived"),
    (Engine::Sqlite, STOCK_BELOW, "sorts ", "what is left in a place, asked when it is archived"),
    (Engine::Sqlite, STOCK_BELOW, "reads all ", "the same"),
    (Engine::Sqlite, TOUCHED_BY, "sorts ", "what happened to the lots of one document"),
    (Engine::Sqlite, RECALLED, "sorts ", "what happened to recalled lots"),
    (Engine::Sqlite, RECALLED_STOCK, "sorts ", "where recalled lots are"),
    (Engine::Sqlite, YOUNGEST_LOT, "sorts ", "no index has the lots of an item by when they were received: all of that item"),
];

/// Gathers what breaks a rule.
pub struct Rules<'a> {
    engine: Engine,
    tables: &'a [String],
    /// What a statement does that it should not, and who sends it.
    broken: BTreeMap<(String, String), BTreeSet<String>>,
}

impl<'a> Rules<'a> {
    pub fn new(engine: Engine, tables: &'a [String]) -> Self {
        Self { engine, tables, broken: BTreeMap::new() }
    }

    pub fn look_at(&mut self, use_case: &str, sql: &str, plan: &[String]) {
        for broken in flaws(self.engine, self.tables, sql, plan) {
            // As it stands in the files.
            let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
            self.broken.entry((broken, sql)).or_default().insert(use_case.to_owned());
        }
    }

    #[track_caller]
    pub fn hold(self) {
        let is_meant =
            |exception: &Exception, broken: &str, sql: &str| exception.0 == self.engine && sql.contains(exception.1) && broken.starts_with(exception.2);
        let flaws: Vec<_> = self
            .broken
            .iter()
            .filter(|((broken, sql), _)| !EXCEPTIONS.iter().any(|exception| is_meant(exception, broken, sql)))
            .map(|((broken, sql), of)| {
                format!("{broken}\n    in {}\n    {}", of.iter().cloned().collect::<Vec<_>>().join(", "), super::sql::in_lines(sql).replace('\n', "\n    "))
            })
            .collect();
        let stale: Vec<_> = EXCEPTIONS
            .iter()
            .filter(|exception| exception.0 == self.engine && !self.broken.keys().any(|(broken, sql)| is_meant(exception, broken, sql)))
            .map(|exception| format!("no statement with `{}` {}any more: take the exception out", exception.1, exception.2))
            .collect();
        assert!(flaws.is_empty() && stale.is_empty(), "{}", [flaws, stale].concat().join("\n\n"));
    }
}

/// What a statement does that it should not.
fn flaws(engine: Engine, tables: &[String], sql: &str, plan: &[String]) -> BTreeSet<String> {
    let mut flaws: BTreeSet<_> = sql::without_tenant(sql, tables).into_iter().map(|table| format!("forgets the tenant of {table}")).collect();
    if engine == Engine::Postgres && !says_whose(sql) && sql::aliases(sql, tables).values().next().is_some() {
        flaws.insert(BY_ROWS.to_owned());
    }
    if engine == Engine::Postgres && !sql.contains("FROM \"") && sql.contains("LIMIT $") {
        flaws.insert("wants as many rows as a parameter says".to_owned());
    }
    flaws.extend(if engine == Engine::Postgres { of_postgres(tables, plan) } else { of_sqlite(tables, sql, plan) });
    flaws
}

/// What a statement does whose tenant is nowhere but in its rows: the planner does not know that it is one, and a database that is
/// distributed by tenant not where it is. An INSERT is given its rows in any case.
const BY_ROWS: &str = "says whose rows it reads in no parameter";

fn says_whose(sql: &str) -> bool {
    let of_parameter = |before: &str| before.trim_end_matches(|character: char| character.is_ascii_digit()).ends_with('$');
    let is_given = sql.match_indices("::uuid AS tenant_id").any(|(at, _)| of_parameter(&sql[..at]));
    sql.starts_with("INSERT") || is_given || ["tenant_id = $", "tenant_id\" = $"].iter().any(|part| sql.contains(part))
}

fn is_large(tables: &[String], table: &str) -> bool {
    tables.iter().any(|name| name == table) && representative::is_large(table)
}

fn depth(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// A line of a plan without its arrow.
fn node(line: &str) -> &str {
    let line = line.trim_start();
    line.strip_prefix("->").unwrap_or(line).trim_start()
}

fn of_postgres(tables: &[String], plan: &[String]) -> Vec<String> {
    let mut flaws = Vec::new();
    for (at, line) in plan.iter().enumerate() {
        let words: Vec<_> = node(line).split(' ').collect();
        let table = words.iter().position(|word| *word == "on").and_then(|at| words.get(at + 1)).filter(|table| is_large(tables, table));
        let condition = plan.get(at + 1).map(|next| node(next)).filter(|next| next.starts_with("Index Cond:") || next.starts_with("Recheck Cond:"));
        match (words.as_slice(), table) {
            (["Seq" | "Parallel", ..], Some(table)) => flaws.push(format!("goes through {table}")),
            (["Index", ..], Some(table)) if condition.is_none() => flaws.push(format!("goes through {table}")),
            (["Index" | "Bitmap", ..], Some(table)) if condition.is_some_and(names_only_the_tenant) && !is_a_page(plan, at) => {
                flaws.push(format!("reads all that a tenant has of {table}"));
            }
            (["Sort"], _) if is_below_a_limit(plan, at) => {
                let key = plan.get(at + 1).map_or("", |next| node(next));
                flaws.push(format!("sorts by {}", key.trim_start_matches("Sort Key: ")));
            }
            _ => {}
        }
    }
    flaws
}

/// `Index Cond: (tenant_id = $1)`, and nothing beside it.
fn names_only_the_tenant(condition: &str) -> bool {
    !condition.contains(" AND ") && condition.contains("tenant_id")
}

/// The nodes that a node is in, from the innermost on.
fn around(plan: &[String], at: usize) -> impl Iterator<Item = &str> {
    let mut inner = depth(&plan[at]);
    plan[..at].iter().rev().filter_map(move |line| {
        let is_node = line.contains("->") || depth(line) == 0;
        let is_around = is_node && depth(line) < inner;
        if is_around {
            inner = depth(line);
        }
        is_around.then(|| node(line))
    })
}

fn is_below_a_limit(plan: &[String], at: usize) -> bool {
    around(plan, at).any(|node| node.starts_with("Limit"))
}

/// Whether no more rows are read than a LIMIT above wants: nothing between gathers all of them.
fn is_a_page(plan: &[String], at: usize) -> bool {
    let passes_on = |node: &&str| ["Nested", "Memoize", "LockRows", "Subquery", "Incremental"].iter().any(|name| node.starts_with(name));
    around(plan, at).find(|node| !passes_on(node)).is_some_and(|node| node.starts_with("Limit"))
}

/// Whether a statement wants only rows of a table with a given value beside their tenant.
fn is_narrowed(sql: &str, alias: &str) -> bool {
    let of_alias = format!("{alias}.");
    let is_given = |rest: &str| {
        [" = $", " = (SELECT"].iter().any(|given| rest.split_once(given).is_some_and(|(column, _)| column != "tenant_id" && !column.contains(' ')))
    };
    sql.split(of_alias.as_str()).skip(1).any(is_given)
}

fn of_sqlite(tables: &[String], sql: &str, plan: &[String]) -> Vec<String> {
    let aliases = sql::aliases(sql, tables);
    // What a part of a statement answers may have the name that a table has within it, where the lines are further in.
    let is_answered = |alias: &str, at: usize| {
        let answers = |line: &&String| {
            depth(line) == at && ["CO-ROUTINE", "MATERIALIZE"].contains(&node(line).split(' ').next().unwrap_or("")) && line.ends_with(&format!(" {alias}"))
        };
        plan.iter().any(|line| answers(&line))
    };
    let sorts = plan.iter().any(|line| line.contains("USE TEMP B-TREE FOR ORDER BY") || line.contains("USE TEMP B-TREE FOR GROUP BY"));
    let is_limited = sql.contains(" LIMIT ");
    let mut flaws = Vec::new();
    for line in plan {
        let words: Vec<_> = line.split_whitespace().collect();
        let alias = words.get(1).copied().unwrap_or_default();
        let table = aliases.get(alias).filter(|table| is_large(tables, table));
        // Rows beyond a page are read where those of it are looked for among them.
        let reads_on = sorts || !is_limited || is_narrowed(sql, alias);
        match (words.as_slice(), table) {
            (["SCAN", ..], Some(_)) if is_answered(alias, depth(line)) => {}
            (["SCAN", ..], Some(table)) => flaws.push(format!("goes through {table}")),
            (["SEARCH", ..], Some(table)) if line.contains("AUTOMATIC") => flaws.push(format!("makes an index of {table} for itself")),
            (["SEARCH", ..], Some(table)) if line.ends_with("(tenant_id=?)") && reads_on => flaws.push(format!("reads all that a tenant has of {table}")),
            (["USE", "TEMP", "B-TREE", "FOR", what @ ("ORDER" | "GROUP"), "BY"], _) if is_limited => flaws.push(format!("sorts for {what} BY")),
            _ => {}
        }
    }
    flaws
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_index_and_a_forgotten_tenant_are_found() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        on(engine, &[], async |api| finds_flaws(engine, api.inventory_db()).await).await;
    }
}

async fn finds_flaws(engine: Engine, database: &DatabaseConnection) {
    let (tables, _) = tables_by_tenant(database).await;
    representative::fill(database, &tables, &["balance", "ledger_entry", "lot"]).await;
    let (parameter, types) = if engine == Engine::Postgres { ("$1", vec![2950, 2950]) } else { ("?1", Vec::new()) };
    let second = parameter.replace('1', "2");
    let of = async |sql: String| {
        let plan = plans::plan(database, &Text { sql: sql.clone(), types: types.clone() }).await;
        println!("{engine:?}: {sql}\n{}", plan.join("\n"));
        flaws(engine, &tables, &sql, &plan).into_iter().collect::<Vec<_>>().join("; ")
    };
    let entries = format!("SELECT seq FROM ledger_entry WHERE tenant_id = {parameter} AND lot_id = {second} ORDER BY seq");
    assert_eq!(of(entries.clone()).await, "");
    database.execute_unprepared("DROP INDEX ix_ledger_entry_lot_id_seq").await.expect("dropped");
    assert_eq!(of(entries).await, "reads all that a tenant has of ledger_entry", "{engine:?}");
    let forgetful = format!("SELECT quantity FROM balance WHERE lot_id = {second} AND {parameter} = {parameter}");
    let found = of(forgetful).await;
    assert!(found.contains("forgets the tenant of balance") && found.contains("goes through balance"), "{engine:?}: {found}");
    if engine == Engine::Postgres {
        let bound = format!("SELECT id FROM lot WHERE tenant_id = {parameter} AND id > {second} ORDER BY id LIMIT {parameter}");
        assert_eq!(flaws(engine, &tables, &bound, &[]).into_iter().collect::<Vec<_>>(), ["wants as many rows as a parameter says"]);
    }
    let sorted = format!("SELECT batch_code FROM lot WHERE tenant_id = {parameter} AND item_id = {second} ORDER BY basis_value LIMIT 10");
    assert!(of(sorted).await.starts_with("sorts "), "{engine:?}");
}
