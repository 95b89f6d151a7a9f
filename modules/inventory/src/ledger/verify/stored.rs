//! What is read to be verified, page by page, in the order of the ledger.

use std::collections::{BTreeMap, VecDeque};

use chrono::NaiveDate;
use inventory_entity::{document, document_detail, ledger_entry};
use kernel::{TenantId, Txn};
use sea_orm::{ConnectionTrait as _, DbErr, Statement};
use uuid::Uuid;

use crate::documents::{self, LineTable, Lines};
use crate::ledger::DocumentType;
use crate::names::{DocumentId, Word as _};
use crate::rows;

/// How many entries are read at a time.
pub const ENTRIES: i64 = 5_000;
/// How many documents are read at a time.
const DOCUMENTS: i64 = 200;
/// How many lines are held at a time, unless one document has more.
const LINES: u64 = 20_000;

pub fn types() -> impl Iterator<Item = DocumentType> {
    DocumentType::WORDS.iter().filter_map(|word| DocumentType::of(word))
}

/// The end of a tenant's ledger, as it was counted on.
pub struct Head {
    pub seq: i64,
    /// How many documents were posted since they have places in the chain.
    pub position: i64,
    pub hash: String,
    pub numbers: BTreeMap<DocumentType, i64>,
    /// The last closed day.
    pub closed_through: Option<NaiveDate>,
}

pub async fn head(txn: &Txn, tenant: TenantId) -> Result<Option<Head>, DbErr> {
    // Counters that came later are NULL in the heads of before.
    let counters: Vec<_> = types().map(|of| format!("COALESCE({0}, 0) AS {0}", of.counter())).collect();
    let sql =
        format!("SELECT seq, COALESCE(position, 0) AS position, head_hash, closed_through, {} FROM ledger_head WHERE tenant_id = $1", counters.join(", "));
    let row = txn.query_one_raw(Statement::from_sql_and_values(txn.get_database_backend(), &sql, [tenant.into()])).await?;
    let Some(row) = row else { return Ok(None) };
    let numbers: Result<_, DbErr> = types().map(|of| Ok((of, row.try_get("", of.counter())?))).collect();
    Ok(Some(Head {
        seq: row.try_get("", "seq")?,
        position: row.try_get("", "position")?,
        hash: row.try_get("", "head_hash")?,
        numbers: numbers?,
        closed_through: row.try_get("", "closed_through")?,
    }))
}

/// The entries of a tenant in the order of their sequence numbers.
pub struct Entries<'t> {
    txn: &'t Txn,
    tenant: TenantId,
    page: VecDeque<ledger_entry::Model>,
    after: i64,
    ended: bool,
}

impl<'t> Entries<'t> {
    pub fn new(txn: &'t Txn, tenant: TenantId) -> Self {
        Self { txn, tenant, page: VecDeque::new(), after: i64::MIN, ended: false }
    }

    /// The next one up to and including a sequence number.
    pub async fn next_to(&mut self, seq: i64) -> Result<Option<ledger_entry::Model>, DbErr> {
        if self.page.is_empty() && !self.ended {
            let sql = "SELECT * FROM ledger_entry WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
            let page = rows::all::<ledger_entry::Model>(self.txn, sql, [self.tenant.into(), self.after.into(), ENTRIES.into()]).await?;
            self.after = page.last().map_or(self.after, |entry| entry.seq);
            self.ended = page.is_empty();
            self.page = page.into();
        }
        Ok(self.page.pop_front_if(|entry| entry.seq <= seq))
    }
}

/// A document with the lines of all the tables that its type has.
pub struct Stored {
    pub row: document::Model,
    /// `None` where the type is none of this program's.
    pub of: Option<DocumentType>,
    /// What only some kinds say.
    pub detail: Option<document_detail::Model>,
    pub lines: Vec<Lines>,
}

/// The documents of a tenant in the order in which they were posted.
pub struct Documents<'t> {
    txn: &'t Txn,
    tenant: TenantId,
    page: VecDeque<document::Model>,
    with_lines: VecDeque<Stored>,
    after: (i64, i64, Uuid),
    ended: bool,
}

impl<'t> Documents<'t> {
    pub fn new(txn: &'t Txn, tenant: TenantId) -> Self {
        Self { txn, tenant, page: VecDeque::new(), with_lines: VecDeque::new(), after: (i64::MIN, i64::MIN, Uuid::nil()), ended: false }
    }

    pub async fn next(&mut self) -> Result<Option<Stored>, DbErr> {
        if self.with_lines.is_empty() {
            if self.page.is_empty() && !self.ended {
                self.read_page().await?;
            }
            self.read_lines().await?;
        }
        Ok(self.with_lines.pop_front())
    }

    async fn read_page(&mut self) -> Result<(), DbErr> {
        // A document without entries has the last_seq of the one before it; those from before there were positions have none.
        let sql = "SELECT document.* FROM document WHERE tenant_id = $1 AND last_seq >= $2 \
             AND (last_seq > $2 OR COALESCE(position, 0) > $3 OR (COALESCE(position, 0) = $3 AND id > $4)) \
             ORDER BY last_seq, COALESCE(position, 0), id LIMIT $5";
        let (last_seq, position, id) = self.after;
        let page = rows::all::<document::Model>(self.txn, sql, [self.tenant.into(), last_seq.into(), position.into(), id.into(), DOCUMENTS.into()]).await?;
        self.after = page.last().map_or(self.after, |row| (row.last_seq, row.position.unwrap_or(0), row.id));
        self.ended = page.is_empty();
        self.page = page.into();
        Ok(())
    }

    /// Reads the lines of as many documents of the page as have few enough of them together.
    async fn read_lines(&mut self) -> Result<(), DbErr> {
        if self.page.is_empty() {
            return Ok(());
        }
        let all: Vec<DocumentId> = self.page.iter().map(|row| row.id).collect();
        let tables = tables(self.page.iter());
        let counts = documents::count_lines(self.txn, self.tenant, &all, &tables).await?;
        let mut held = 0;
        let mut count = 0;
        for id in &all {
            held += counts.get(id).copied().unwrap_or_default();
            if count > 0 && held > LINES {
                break;
            }
            count += 1;
        }
        let rows: Vec<document::Model> = self.page.drain(..count).collect();
        let ids: Vec<DocumentId> = rows.iter().map(|row| row.id).collect();
        let mut lines: BTreeMap<DocumentId, Vec<Lines>> = BTreeMap::new();
        for table in tables {
            for (id, cells) in documents::stored(self.txn, self.tenant, &ids, table).await? {
                lines.entry(id).or_default().push(Lines::new(table, cells));
            }
        }
        let mut details = documents::details(self.txn, self.tenant, &ids).await?;
        let stored = |row: document::Model| {
            let of = DocumentType::of(&row.r#type);
            let own = |lines: &Lines| of.is_some_and(|of| lines.belong_to(of));
            // What lies in a table of another type is found as a line without its document.
            let lines = lines.remove(&row.id).unwrap_or_default().into_iter().filter(own).collect();
            Stored { of, detail: details.remove(&row.id), lines, row }
        };
        self.with_lines = rows.into_iter().map(stored).collect();
        Ok(())
    }
}

/// The tables that lines of any of these documents lie in.
fn tables<'d>(rows: impl Iterator<Item = &'d document::Model>) -> Vec<&'static LineTable> {
    let mut tables: BTreeMap<&str, &'static LineTable> = BTreeMap::new();
    for of in rows.filter_map(|row| DocumentType::of(&row.r#type)) {
        tables.extend(documents::line_tables(of).iter().map(|table| (table.name, *table)));
    }
    tables.into_values().collect()
}
