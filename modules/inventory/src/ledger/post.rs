//! Posting: lock, read, plan, apply. One transaction, a constant number of statements.

use chrono::NaiveDate;
use inventory_entity::document;
use kernel::{Instant, Txn, UserId};
use sea_orm::{ActiveModelTrait, DbErr, IntoActiveModel};

use super::command::{Charge, Command, ReceiveLine, WasteLine, Work};
use super::effects::{Effects, EntryKind, NewEntry};
use super::facts::Key;
use super::protocol::{Head, Inbound, Kind, Locked, Permit, RulesSeen, Waste};
use super::{content, plan, repository};
use crate::arithmetic::{Money, Quantity};
use crate::documents::Lines;
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

/// Writes a decided document: balances, head, document, lots, entries and the lines in their tables.
pub async fn apply<K: Kind>(txn: &Txn, locked: &Locked, posting: &Posting<K>, effects: Effects, lines: &[Lines]) -> Result<Posted, Error> {
    repository::write_balances(txn, locked, &effects.balances).await?;
    let head = repository::advance(txn, locked, K::TYPE, effects.entries.len(), posting.header.rules).await?;
    let first_seq = head.last_seq - i64::try_from(effects.entries.len()).unwrap_or(0) + 1;
    let entries = entries(posting, &effects, first_seq);
    let mut document = row(posting, &effects, &head);
    document.content_hash = content::hash(&document, lines, &entries)?;
    document.chain_hash = content::link(&head.previous, &document);
    repository::seal(txn, locked, &document.chain_hash).await?;
    let document = document.into_active_model().reset_all().insert(txn).await?;
    repository::write_lots(txn, locked, posting.id(), first_seq, &effects).await?;
    repository::write_entries(txn, locked, &entries).await?;
    for lines in lines {
        lines.write(txn, locked.tenant, posting.id()).await?;
    }
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

/// The document as it stands, but for its hashes.
fn row<K: Kind>(posting: &Posting<K>, effects: &Effects, head: &Head) -> document::Model {
    let Posting { permit, header, command } = posting;
    document::Model {
        id: header.id,
        tenant_id: permit.tenant,
        r#type: K::TYPE.word().to_owned(),
        number: head.number,
        status: "posted".to_owned(),
        effective_at: command.effective_at.into(),
        business_date: effects.business_date,
        recorded_at: permit.recorded_at.into(),
        posted_at: permit.recorded_at.into(),
        posted_by: permit.actor,
        site_id: permit.area.site_id,
        location_id: permit.area.id,
        external_ref: header.external_ref.clone(),
        note: header.note.clone(),
        last_seq: head.last_seq,
        content_hash: String::new(),
        chain_hash: String::new(),
        version: 1,
        position: None,
    }
}
