//! The hashes that make a changed, removed, inserted or reordered document show.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use inventory_entity::{document, document_detail};
use kernel::{Instant, UserId, hex};
use sea_orm::DbErr;
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::post::{Detail, Entry};
use super::protocol::DocumentType;
use crate::documents::{Lines, by_table};
use crate::names::{DocumentId, ItemId, LocationId, LotId, ReasonId, Word as _};

/// The immutable content of a document, in the order in which it is hashed. What only some documents have is left out where a
/// document has none of it, so that another fact changes no hash of before.
#[derive(Serialize)]
struct Content<'a> {
    id: DocumentId,
    r#type: &'a str,
    effective_at: i64,
    business_date: NaiveDate,
    recorded_at: i64,
    posted_at: i64,
    posted_by: UserId,
    site_id: LocationId,
    location_id: LocationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_ref: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(flatten)]
    said: Said<'a>,
    lines: BTreeMap<&'static str, &'a Lines>,
    entries: Vec<ContentEntry<'a>>,
}

/// The line, kind, item, location, lot, quantity, value, instant, business date and reason of an entry: the rest is the
/// document's.
type ContentEntry<'a> = (i64, &'a str, ItemId, LocationId, LotId, i64, i64, i64, NaiveDate, Option<ReasonId>);

/// What only some kinds of documents say, from who posts one or from where it is stored.
#[derive(Debug, Default, Serialize)]
pub struct Said<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    reverses_id: Option<DocumentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_id: Option<ReasonId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    about_id: Option<DocumentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<UserId>,
}

impl<'a> From<&'a Detail> for Said<'a> {
    fn from(detail: &'a Detail) -> Self {
        let Detail { reverses_id, reason_id, about_id, transfer_id, count_id, purpose, ref recipient, approved_by } = *detail;
        Self { reverses_id, reason_id, about_id, transfer_id, count_id, purpose, recipient: recipient.as_deref(), approved_by }
    }
}

impl<'a> From<&'a document_detail::Model> for Said<'a> {
    fn from(row: &'a document_detail::Model) -> Self {
        let document_detail::Model {
            tenant_id: _,
            document_id: _,
            reverses_id,
            reason_id,
            about_id,
            transfer_id,
            count_id,
            ref purpose,
            ref recipient,
            approved_by,
        } = *row;
        let (purpose, recipient) = (purpose.as_deref(), recipient.as_deref());
        Self { reverses_id, reason_id, about_id, transfer_id, count_id, purpose, recipient, approved_by }
    }
}

/// SHA-256 of a document's immutable content, as the JSON text of its fields in their declared order. Of the entries those of
/// the document are given, in order.
pub fn hash(document: &document::Model, said: Said<'_>, lines: &[Lines], entries: &[Entry]) -> Result<String, DbErr> {
    let micros = |time: sea_orm::prelude::DateTimeWithTimeZone| Instant::from(time).micros();
    let entry = |entry: &Entry| {
        let (quantity, value, at) = (entry.quantity.0, entry.value.0, entry.effective_at.micros());
        let Entry { line_no, item_id, location_id, lot_id, business_date, reason_id, .. } = *entry;
        (line_no, entry.kind.word(), item_id, location_id, lot_id, quantity, value, at, business_date, reason_id)
    };
    let content = Content {
        id: document.id,
        r#type: &document.r#type,
        effective_at: micros(document.effective_at),
        business_date: document.business_date,
        recorded_at: micros(document.recorded_at),
        posted_at: micros(document.posted_at),
        posted_by: document.posted_by,
        site_id: document.site_id,
        location_id: document.location_id,
        external_ref: document.external_ref.as_deref(),
        note: document.note.as_deref(),
        said,
        lines: by_table(DocumentType::stored(&document.r#type)?, lines)?,
        entries: entries.iter().map(entry).collect(),
    };
    let bytes = serde_json::to_vec(&content).map_err(|error| DbErr::Json(error.to_string()))?;
    Ok(hex(&Sha256::digest(&bytes)))
}

/// The next link of the chain: SHA-256 of the previous link, the document's number, its last sequence number (both as eight
/// bytes, most significant first) and its content hash.
pub fn link(previous: &str, number: i64, last_seq: i64, content_hash: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(previous.as_bytes());
    hash.update(number.to_be_bytes());
    hash.update(last_seq.to_be_bytes());
    hash.update(content_hash.as_bytes());
    hex(&hash.finalize())
}
