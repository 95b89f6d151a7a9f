//! The ledger from its first entry to its head: sequence, documents, numbers, hashes.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use inventory_entity::ledger_entry;
use kernel::{Instant, TenantId, Txn};
use sea_orm::DbErr;

use super::Telling;
use super::difference::{Check, Difference, Findings};
use super::stored::{Documents, Entries, Head, Stored, types};
use crate::arithmetic::{Money, Quantity};
use crate::ledger::effects::EntryKind;
use crate::ledger::post::Entry;
use crate::ledger::{DocumentType, GENESIS, content};
use crate::names::{DocumentId, Word as _};
use crate::rows;

/// What was read.
#[derive(Default)]
pub struct Walked {
    pub documents: u64,
    pub entries: u64,
}

pub async fn check(txn: &Txn, tenant: TenantId, head: Option<&Head>, findings: &mut Findings, progress: &mut Telling<'_>) -> Result<Walked, DbErr> {
    let none = Head { seq: 0, position: 0, hash: GENESIS.to_owned(), numbers: BTreeMap::new(), closed_through: None };
    if head.is_none() {
        findings.add(Difference::new(Check::Chain, tenant, "the head of the ledger", "none", "one row"));
    }
    let head = head.unwrap_or(&none);
    let (mut entries, mut documents) = (Entries::new(txn, tenant), Documents::new(txn, tenant));
    let mut walk = Walk {
        txn,
        tenant,
        head,
        findings,
        progress,
        next_seq: 1,
        last_seq: 0,
        position: 0,
        link: GENESIS.to_owned(),
        numbers: BTreeMap::new(),
        strays: None,
        walked: Walked::default(),
    };
    while let Some(document) = documents.next().await? {
        let mut own = Vec::new();
        while let Some(entry) = entries.next_to(document.row.last_seq).await? {
            walk.follow(&entry);
            if entry.document_id == document.row.id {
                walk.end_strays(&document.name()).await?;
                own.push(entry);
            } else {
                walk.stray(&entry, &document.name()).await?;
            }
        }
        walk.end_strays(&document.name()).await?;
        walk.document(&document, own)?;
    }
    while let Some(entry) = entries.next_to(i64::MAX).await? {
        walk.follow(&entry);
        walk.stray(&entry, NOBODY).await?;
    }
    walk.end_strays(NOBODY).await?;
    walk.end();
    Ok(walk.walked)
}

/// Whose entries follow after the last document.
const NOBODY: &str = "no document";

struct Walk<'a, 't> {
    txn: &'a Txn,
    tenant: TenantId,
    head: &'a Head,
    findings: &'a mut Findings,
    progress: &'a mut Telling<'t>,
    /// The sequence number that the next entry must have.
    next_seq: i64,
    /// That of the last entry of the document before.
    last_seq: i64,
    /// The place in the chain of the document before; 0 where it has none.
    position: i64,
    /// The chain hash of the document before.
    link: String,
    numbers: BTreeMap<DocumentType, i64>,
    /// Entries in a row that belong to another document than they lie in: its id, the first and the last of them.
    strays: Option<(DocumentId, i64, i64)>,
    walked: Walked,
}

impl Stored {
    /// The number as people read it.
    fn name(&self) -> String {
        name(&self.row.r#type, self.row.number)
    }
}

fn name(of: &str, number: i64) -> String {
    DocumentType::of(of).map_or_else(|| format!("{of} {number}"), |of| of.show(number))
}

/// Sequence numbers as people read them.
fn range(first: i64, last: i64) -> String {
    match last.cmp(&first) {
        Ordering::Less => "no entries".to_owned(),
        Ordering::Equal => format!("seq {first}"),
        Ordering::Greater => format!("seq {first} to {last}"),
    }
}

#[derive(sea_orm::FromQueryResult)]
struct NameRow {
    r#type: String,
    number: i64,
}

impl Walk<'_, '_> {
    fn differs(&self, check: Check, about: &str, found: impl std::fmt::Display, expected: impl std::fmt::Display) -> Difference {
        Difference::new(check, self.tenant, about, found, expected)
    }

    /// Every sequence number once, from one to the head's.
    fn follow(&mut self, entry: &ledger_entry::Model) {
        if entry.seq > self.next_seq {
            let missing = self.differs(Check::Sequence, "entries", "none", range(self.next_seq, entry.seq - 1)).at(self.next_seq);
            self.findings.add(missing);
        } else if entry.seq < self.next_seq {
            let early = self.differs(Check::Sequence, "an entry", range(entry.seq, entry.seq), "none before seq 1").at(entry.seq);
            self.findings.add(early);
        }
        if entry.seq > self.head.seq {
            let beyond = self.differs(Check::Sequence, "an entry beyond the head", range(entry.seq, entry.seq), format!("none after {}", self.head.seq));
            self.findings.add(beyond.at(entry.seq));
        }
        self.next_seq = entry.seq.saturating_add(1).max(self.next_seq);
        self.walked.entries += 1;
        self.progress.read(1);
    }

    async fn stray(&mut self, entry: &ledger_entry::Model, lies_in: &str) -> Result<(), DbErr> {
        match &mut self.strays {
            Some((document, _, last)) if *document == entry.document_id => *last = entry.seq,
            _ => {
                self.end_strays(lies_in).await?;
                self.strays = Some((entry.document_id, entry.seq, entry.seq));
            }
        }
        Ok(())
    }

    async fn end_strays(&mut self, lie_in: &str) -> Result<(), DbErr> {
        let Some((document, first, last)) = self.strays.take() else { return Ok(()) };
        let sql = "SELECT type, number FROM document WHERE tenant_id = $1 AND id = $2";
        let named = if self.findings.has_room(Check::Document) {
            match rows::one::<NameRow>(self.txn, sql, [self.tenant.into(), document.into()]).await? {
                Some(row) => format!(", which is {}", name(&row.r#type, row.number)),
                None => ", which does not exist".to_owned(),
            }
        } else {
            String::new()
        };
        let found = format!("{} of the document {document}{named}", range(first, last));
        let expected = format!("entries of {lie_in}");
        let stray = self.differs(Check::Document, "entries that belong elsewhere", found, expected).at(first);
        self.findings.add(if lie_in == NOBODY { stray } else { stray.of(lie_in) });
        Ok(())
    }

    fn document(&mut self, document: &Stored, own: Vec<ledger_entry::Model>) -> Result<(), DbErr> {
        let (row, name) = (&document.row, document.name());
        self.walked.documents += 1;
        if let Some(last) = own.last().filter(|last| last.seq != row.last_seq) {
            let ends = self.differs(Check::Document, "the last entry of the document", range(last.seq, last.seq), range(row.last_seq, row.last_seq));
            self.findings.add(ends.at(last.seq).of(&name));
        }
        if own.is_empty() && row.last_seq != self.last_seq {
            let expected = range(self.last_seq.saturating_add(1), row.last_seq);
            let empty = self.differs(Check::Document, "the entries of the document", "none", expected).at(row.last_seq);
            self.findings.add(empty.of(&name));
        }
        match document.of {
            Some(of) => self.number(of, document, &name),
            None => {
                let of = self.differs(Check::Document, "the type of the document", &row.r#type, DocumentType::WORDS.join(" or ")).at(row.last_seq);
                self.findings.add(of.of(&name));
            }
        }
        self.content(document, &name, own)?;
        let link = content::link(&self.link, row.number, row.last_seq, &row.content_hash);
        if link != row.chain_hash {
            let broken = self.differs(Check::Chain, "the link to the document before", &row.chain_hash, link).at(row.last_seq);
            self.findings.add(broken.of(&name));
        }
        if let Some(position) = row.position {
            if position != self.position.saturating_add(1) {
                let place = self.differs(Check::Chain, "the place in the chain", position, self.position.saturating_add(1)).at(row.last_seq);
                self.findings.add(place.of(&name));
            }
            self.position = position;
        }
        // What follows is held against what is there: one change is told once.
        self.link.clone_from(&row.chain_hash);
        self.last_seq = row.last_seq;
        Ok(())
    }

    fn number(&mut self, of: DocumentType, document: &Stored, name: &str) {
        let expected = self.numbers.get(&of).copied().unwrap_or_default().saturating_add(1);
        if document.row.number != expected {
            let gap = self.differs(Check::Number, "the next number of its type", name, of.show(expected)).at(document.row.last_seq);
            self.findings.add(gap.of(name));
        }
        self.numbers.insert(of, document.row.number);
    }

    /// The hash over the document, its lines and its entries; beside it what an entry repeats of its document.
    fn content(&mut self, document: &Stored, name: &str, own: Vec<ledger_entry::Model>) -> Result<(), DbErr> {
        let row = &document.row;
        let (mut entries, mut readable) = (Vec::with_capacity(own.len()), document.of.is_some());
        for model in own {
            let seq = model.seq;
            let repeats = [
                ("the recording of the entry", Instant::from(model.recorded_at).to_string(), Instant::from(row.posted_at).to_string()),
                ("the actor of the entry", model.actor_id.to_string(), row.posted_by.to_string()),
            ];
            for (about, found, expected) in repeats.into_iter().filter(|(_, found, expected)| found != expected) {
                let repeated = self.differs(Check::Content, about, found, expected).at(seq);
                self.findings.add(repeated.of(name));
            }
            match entry(model) {
                Ok(entry) => entries.push(entry),
                Err(kind) => {
                    let kind = self.differs(Check::Content, "the kind of the entry", kind, EntryKind::WORDS.join(" or ")).at(seq);
                    self.findings.add(kind.of(name));
                    readable = false;
                }
            }
        }
        if !readable {
            return Ok(());
        }
        let rebuilt = content::hash(row, document.detail.as_ref().map(Into::into).unwrap_or_default(), &document.lines, &entries)?;
        if rebuilt != row.content_hash {
            let about = format!("the hash of the document with its lines and entries ({})", range(self.last_seq.saturating_add(1), row.last_seq));
            let changed = self.differs(Check::Content, &about, rebuilt, &row.content_hash).at(row.last_seq);
            self.findings.add(changed.of(name));
        }
        Ok(())
    }

    fn end(&mut self) {
        let head = self.head;
        if self.next_seq <= head.seq {
            let missing = self.differs(Check::Sequence, "entries", "none", range(self.next_seq, head.seq)).at(self.next_seq);
            self.findings.add(missing);
        }
        if self.last_seq != head.seq {
            let short = self.differs(Check::Sequence, "the head's sequence number", head.seq, format!("{}, where the last document ends", self.last_seq));
            self.findings.add(short);
        }
        if self.link != head.hash {
            let broken = self.differs(Check::Chain, "the head's hash", &head.hash, &self.link);
            self.findings.add(broken);
        }
        if self.position != head.position {
            let position = self.differs(Check::Chain, "the head's place in the chain", head.position, self.position);
            self.findings.add(position);
        }
        for of in types() {
            let last = |numbers: &BTreeMap<DocumentType, i64>| numbers.get(&of).copied().unwrap_or_default();
            let (counted, found) = (last(&head.numbers), last(&self.numbers));
            if counted != found {
                let about = format!("the head's number of the last {}", of.word());
                let number = self.differs(Check::Number, &about, counted, found);
                self.findings.add(number);
            }
        }
    }
}

/// The entry as it was posted; its kind where that is none.
fn entry(model: ledger_entry::Model) -> Result<Entry, String> {
    let Some(kind) = EntryKind::of(&model.kind) else { return Err(model.kind) };
    Ok(Entry {
        seq: model.seq,
        document_id: model.document_id,
        line_no: model.line_no,
        kind,
        item_id: model.item_id,
        location_id: model.location_id,
        lot_id: model.lot_id,
        quantity: Quantity(model.quantity_delta),
        value: Money(model.value_delta),
        effective_at: model.effective_at.into(),
        business_date: model.business_date,
        recorded_at: model.recorded_at.into(),
        actor_id: model.actor_id,
        reason_id: model.reason_id,
    })
}
