//! Posting: lock, read, plan, apply. One transaction, a constant number of statements.

use chrono::NaiveDate;
use inventory_entity::document;
use kernel::{Instant, Txn, UserId};
use sea_orm::{ActiveModelTrait, DbErr, Set};
use serde::Serialize;

use super::command::{Charge, Command, ReceiveLine, WasteLine, Work};
use super::effects::{Effects, EntryKind, NewEntry};
use super::facts::Key;
use super::protocol::{Head, Inbound, Kind, Locked, Permit, RulesSeen, Waste};
use super::{hash, plan, repository};
use crate::arithmetic::{Money, Quantity};
use crate::error::Error;
use crate::names::{DocumentId, ItemId, LocationId, LotId, ReasonId, Word as _};

/// What is said about a document beside its lines.
#[derive(Clone, Debug)]
pub struct Header {
    pub id: DocumentId,
    /// What was seen of the rules when its names were resolved.
    pub rules: RulesSeen,
    pub external_ref: Option<String>,
    pub note: Option<String>,
}

/// A document that may be posted: made only with the permit of its kind, for the place and time of that permit.
///
/// ```compile_fail,E0308
/// use inventory::protocol::{Header, Permit, Posting, Receipt, Waste, WasteLine};
/// fn with_anothers_permit(permit: Permit<Receipt>, header: Header, lines: Vec<WasteLine>) -> Posting<Waste> {
///     Posting::waste(permit, header, lines)
/// }
/// ```
///
/// ```compile_fail,E0277
/// use inventory::protocol::{Header, Permit, Posting, ReceiveLine, Waste};
/// fn goods_that_come_in_as_waste(permit: Permit<Waste>, header: Header, lines: Vec<ReceiveLine>) -> Posting<Waste> {
///     Posting::receive(permit, header, lines, Vec::new())
/// }
/// ```
pub struct Posting<K: Kind> {
    permit: Permit<K>,
    header: Header,
    command: Command,
}

impl<K: Inbound> Posting<K> {
    pub fn receive(permit: Permit<K>, header: Header, lines: Vec<ReceiveLine>, charges: Vec<Charge>) -> Self {
        Self::new(permit, header, Work::Receive { lines, charges })
    }

    pub fn received_lines(&self) -> &[ReceiveLine] {
        match &self.command.work {
            Work::Receive { lines, .. } => lines,
            Work::Waste { .. } => &[],
        }
    }

    /// Leaves out the lines whose place in the list is not to be kept.
    pub fn keep_lines(&mut self, keep: impl Fn(usize) -> bool) {
        if let Work::Receive { lines, .. } = &mut self.command.work {
            let mut place = 0..;
            lines.retain(|_| place.next().is_some_and(&keep));
        }
    }
}

impl Posting<Waste> {
    pub fn waste(permit: Permit<Waste>, header: Header, lines: Vec<WasteLine>) -> Self {
        Self::new(permit, header, Work::Waste { lines })
    }
}

impl<K: Kind> Posting<K> {
    fn new(permit: Permit<K>, header: Header, work: Work) -> Self {
        let command = Command { effective_at: permit.effective_at, days: permit.area.days, location: permit.area.id, work };
        Self { permit, header, command }
    }

    pub fn id(&self) -> DocumentId {
        self.header.id
    }

    /// The path of its location.
    pub fn location(&self) -> &str {
        &self.permit.area.path
    }

    fn keys(&self) -> Vec<Key> {
        self.command.keys()
    }

    /// Decides it under its locks. Nothing is written yet.
    pub async fn decide(&self, txn: &Txn, locked: &Locked) -> Result<Effects, Error> {
        if !locked.covers(self.permit.tenant, &self.keys()) {
            return Err(Error::Database(DbErr::Custom("a posting is decided under locks that are not its own".to_owned())));
        }
        let snapshot = repository::load(txn, locked, &self.command, self.header.rules, self.permit.recorded_at).await?;
        plan(&snapshot, &self.command).map_err(Error::Refused)
    }
}

/// An entry as it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub seq: i64,
    pub document_id: DocumentId,
    pub line_no: i64,
    pub kind: EntryKind,
    pub item_id: ItemId,
    pub location_id: LocationId,
    pub lot_id: LotId,
    pub quantity: Quantity,
    pub value: Money,
    pub effective_at: Instant,
    pub business_date: NaiveDate,
    pub recorded_at: Instant,
    pub actor_id: UserId,
    pub reason_id: Option<ReasonId>,
}

/// A document that is posted, with everything that it did.
pub struct Posted {
    pub document: document::Model,
    pub entries: Vec<Entry>,
    pub effects: Effects,
}

/// Locks the stock keys of all of these postings at once: whoever posts several documents in one transaction must, or two of
/// them could wait for each other.
pub async fn lock<K: Kind>(txn: &Txn, postings: impl Iterator<Item = &Posting<K>>) -> Result<Locked, Error> {
    let mut keys = Vec::new();
    let mut tenant = None;
    for posting in postings {
        tenant = Some(posting.permit.tenant);
        keys.extend(posting.keys());
    }
    repository::lock(txn, tenant.unwrap_or_default(), keys).await
}

/// The immutable content of a document, in the order in which it is hashed.
#[derive(Serialize)]
struct Content<'a, L: Serialize> {
    id: DocumentId,
    r#type: &'a str,
    effective_at: i64,
    business_date: NaiveDate,
    recorded_at: i64,
    posted_by: UserId,
    site_id: LocationId,
    location_id: LocationId,
    external_ref: Option<&'a str>,
    note: Option<&'a str>,
    lines: &'a L,
    entries: Vec<ContentEntry<'a>>,
}

/// The line, kind, item, location, lot, quantity, value and reason of an entry: the rest is the document's.
type ContentEntry<'a> = (i64, &'a str, ItemId, LocationId, LotId, i64, i64, Option<ReasonId>);

/// Writes a decided document: balances, head, document, lots, entries. `lines` are the rows of its lines, for the content hash;
/// who calls writes them next.
pub async fn apply<K: Kind, L: Serialize>(txn: &Txn, locked: &Locked, posting: &Posting<K>, effects: Effects, lines: &L) -> Result<Posted, Error> {
    repository::write_balances(txn, locked, &effects.balances).await?;
    let head = repository::advance(txn, locked, K::TYPE, effects.entries.len(), posting.header.rules).await?;
    let first_seq = head.last_seq - i64::try_from(effects.entries.len()).unwrap_or(0) + 1;
    let content_hash = hash::content(&content(posting, &effects, lines))?;
    let chain_hash = hash::chain(&head.previous, head.number, head.last_seq, &content_hash);
    repository::seal(txn, locked, &chain_hash).await?;
    let document = row(posting, &effects, &head, content_hash, chain_hash).insert(txn).await?;
    repository::write_lots(txn, locked, posting.id(), first_seq, &effects).await?;
    let entries = entries(posting, &effects, first_seq);
    repository::write_entries(txn, locked, &entries).await?;
    Ok(Posted { document, entries, effects })
}

fn entries<K: Kind>(posting: &Posting<K>, effects: &Effects, first_seq: i64) -> Vec<Entry> {
    let entry = |(entry, seq): (&NewEntry, i64)| Entry {
        seq,
        document_id: posting.id(),
        line_no: entry.line_no,
        kind: entry.kind,
        item_id: entry.place.key.item,
        location_id: entry.place.key.location,
        lot_id: entry.place.lot,
        quantity: entry.quantity,
        value: entry.value,
        effective_at: posting.command.effective_at,
        business_date: effects.business_date,
        recorded_at: posting.permit.recorded_at,
        actor_id: posting.permit.actor,
        reason_id: entry.reason,
    };
    effects.entries.iter().zip(first_seq..).map(entry).collect()
}

fn row<K: Kind>(posting: &Posting<K>, effects: &Effects, head: &Head, content_hash: String, chain_hash: String) -> document::ActiveModel {
    let Posting { permit, header, command } = posting;
    document::ActiveModel {
        id: Set(header.id),
        tenant_id: Set(permit.tenant),
        r#type: Set(K::TYPE.word().to_owned()),
        number: Set(head.number),
        status: Set("posted".to_owned()),
        effective_at: Set(command.effective_at.into()),
        business_date: Set(effects.business_date),
        recorded_at: Set(permit.recorded_at.into()),
        posted_at: Set(permit.recorded_at.into()),
        posted_by: Set(permit.actor),
        site_id: Set(permit.area.site_id),
        location_id: Set(permit.area.id),
        external_ref: Set(header.external_ref.clone()),
        note: Set(header.note.clone()),
        last_seq: Set(head.last_seq),
        content_hash: Set(content_hash),
        chain_hash: Set(chain_hash),
        version: Set(1),
    }
}

fn content<'a, K: Kind, L: Serialize>(posting: &'a Posting<K>, effects: &'a Effects, lines: &'a L) -> Content<'a, L> {
    let Posting { permit, header, command } = posting;
    let entries = effects.entries.iter().map(|entry| {
        let (place, quantity, value) = (entry.place, entry.quantity.0, entry.value.0);
        (entry.line_no, entry.kind.word(), place.key.item, place.key.location, place.lot, quantity, value, entry.reason)
    });
    Content {
        id: header.id,
        r#type: K::TYPE.word(),
        effective_at: command.effective_at.micros(),
        business_date: effects.business_date,
        recorded_at: permit.recorded_at.micros(),
        posted_by: permit.actor,
        site_id: permit.area.site_id,
        location_id: permit.area.id,
        external_ref: header.external_ref.as_deref(),
        note: header.note.as_deref(),
        lines,
        entries: entries.collect(),
    }
}
