//! Posting: lock, read, plan, apply. One transaction, a constant number of statements.

use chrono::NaiveDate;
use inventory_entity::document;
use kernel::{Instant, Txn, UserId};
use sea_orm::{ActiveModelTrait, Set};
use serde::Serialize;

use super::command::Command;
use super::effects::{Effects, EntryKind};
use super::protocol::{Kind, Locked, Permit, RulesSeen};
use super::{hash, plan, repository};
use crate::arithmetic::{Money, Quantity};
use crate::catalog::lookup::Area;
use crate::error::Error;
use crate::names::Word as _;
use crate::names::{DocumentId, ItemId, LocationId, LotId, ReasonId};

/// What is said about a document beside its lines.
#[derive(Clone, Debug)]
pub struct Header {
    pub id: DocumentId,
    pub area: Area,
    /// What was seen of the rules when its names were resolved.
    pub rules: RulesSeen,
    pub recorded_at: Instant,
    pub external_ref: Option<String>,
    pub note: Option<String>,
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

/// Decides a command under its locks. Nothing is written yet.
pub async fn decide(txn: &Txn, locked: &Locked, command: &Command, rules: RulesSeen, now: Instant) -> Result<Effects, Error> {
    let snapshot = repository::load(txn, locked, command, rules, now).await?;
    plan(&snapshot, command).map_err(Error::Refused)
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
pub async fn apply<K: Kind, L: Serialize>(
    txn: &Txn,
    permit: &Permit<K>,
    locked: &Locked,
    header: &Header,
    command: &Command,
    effects: Effects,
    lines: &L,
) -> Result<Posted, Error> {
    repository::write_balances(txn, locked, &effects.balances).await?;
    let head = repository::advance(txn, locked, K::TYPE, effects.entries.len(), header.rules).await?;
    let first_seq = head.last_seq - i64::try_from(effects.entries.len()).unwrap_or(0) + 1;
    let entries: Vec<Entry> = effects
        .entries
        .iter()
        .zip(first_seq..)
        .map(|(entry, seq)| Entry {
            seq,
            document_id: header.id,
            line_no: entry.line_no,
            kind: entry.kind,
            item_id: entry.place.key.item,
            location_id: entry.place.key.location,
            lot_id: entry.place.lot,
            quantity: entry.quantity,
            value: entry.value,
            effective_at: command.effective_at,
            business_date: effects.business_date,
            recorded_at: header.recorded_at,
            actor_id: permit.actor,
            reason_id: entry.reason,
        })
        .collect();
    let content_hash = hash::content(&content::<K, L>(permit, header, command, &effects, lines))?;
    let chain_hash = hash::chain(&head.previous, head.number, head.last_seq, &content_hash);
    repository::seal(txn, locked, &chain_hash).await?;
    let document = document::ActiveModel {
        id: Set(header.id),
        tenant_id: Set(permit.tenant),
        r#type: Set(K::TYPE.word().to_owned()),
        number: Set(head.number),
        status: Set("posted".to_owned()),
        effective_at: Set(command.effective_at.into()),
        business_date: Set(effects.business_date),
        recorded_at: Set(header.recorded_at.into()),
        posted_at: Set(header.recorded_at.into()),
        posted_by: Set(permit.actor),
        site_id: Set(header.area.site_id),
        location_id: Set(header.area.id),
        external_ref: Set(header.external_ref.clone()),
        note: Set(header.note.clone()),
        last_seq: Set(head.last_seq),
        content_hash: Set(content_hash),
        chain_hash: Set(chain_hash),
        version: Set(1),
    };
    let document = document.insert(txn).await?;
    repository::write_lots(txn, locked, header.id, first_seq, &effects).await?;
    repository::write_entries(txn, locked, &entries).await?;
    Ok(Posted { document, entries, effects })
}

fn content<'a, K: Kind, L: Serialize>(permit: &Permit<K>, header: &'a Header, command: &Command, effects: &'a Effects, lines: &'a L) -> Content<'a, L> {
    let entries = effects.entries.iter().map(|entry| {
        let (place, quantity, value) = (entry.place, entry.quantity.0, entry.value.0);
        (entry.line_no, entry.kind.word(), place.key.item, place.key.location, place.lot, quantity, value, entry.reason)
    });
    Content {
        id: header.id,
        r#type: K::TYPE.word(),
        effective_at: command.effective_at.micros(),
        business_date: effects.business_date,
        recorded_at: header.recorded_at.micros(),
        posted_by: permit.actor,
        site_id: header.area.site_id,
        location_id: header.area.id,
        external_ref: header.external_ref.as_deref(),
        note: header.note.as_deref(),
        lines,
        entries: entries.collect(),
    }
}
