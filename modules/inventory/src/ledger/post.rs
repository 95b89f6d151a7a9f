//! Posting: lock, read, plan, apply. One transaction, a constant number of statements.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use inventory_entity::document;
use kernel::{Instant, Txn, UserId};
use sea_orm::DbErr;
use uuid::Uuid;

use super::command::{
    AdjustLine, Charge, Command, Correction, CostChange, CountLine, Counted, OnShort, OutputBasis, OutputLine, ReceiveLine, Reversal, TakeLine, UnderWay, Work,
};
use super::effects::{ChangedLot, Effects, EntryKind, NewEntry};
use super::facts::{Key, Spot};
use super::load::Moment;
use super::locking::Early;
use super::protocol::{self, DocumentType, Head, Inbound, Kind, Locked, Permit, RulesSeen};
use super::writing::Writing;
use super::{content, load, locking, plan, repository};
use crate::Inventory;
use crate::arithmetic::{Money, Quantity};
use crate::catalog::lookup::clocks_differ;
use crate::documents::{DetailAnswer, Lines};
use crate::error::Error;
use crate::names::{DocumentId, ItemId, LocationId, LotId, ReasonId, Word as _};
use crate::rows::Batch;

/// What is said about a document beside its lines.
#[derive(Clone, Debug)]
pub struct Header {
    pub id: DocumentId,
    /// What was seen of the rules when its names were resolved.
    pub rules: RulesSeen,
    pub external_ref: Option<String>,
    pub note: Option<String>,
    /// What is done where a posted count would no longer be true.
    pub counted: Counted,
    pub detail: Detail,
}

impl Header {
    /// Of a document about which nothing more is said.
    pub fn plain(id: DocumentId, rules: RulesSeen) -> Self {
        Self { id, rules, external_ref: None, note: None, counted: Counted::default(), detail: Detail::default() }
    }
}

/// What only some kinds of documents say. A document of which none of it is said has no row of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail {
    /// The document that this one undoes.
    pub reverses_id: Option<DocumentId>,
    /// Why.
    pub reason_id: Option<ReasonId>,
    /// The receipt whose cost this changes, or which this corrects.
    pub about_id: Option<DocumentId>,
    /// The transfer that this is a step of.
    pub transfer_id: Option<Uuid>,
    /// The count that this posts.
    pub count_id: Option<Uuid>,
    /// What goods were used for.
    pub purpose: Option<&'static str>,
    /// Who got a donation.
    pub recipient: Option<String>,
    pub approved_by: Option<UserId>,
}

/// A document that may be posted: made only with the permit of its kind, for the place and time of that permit.
///
/// ```compile_fail,E0308
/// use inventory::protocol::{Header, Permit, Posting, Receipt, TakeLine, Waste};
/// fn with_anothers_permit(permit: Permit<Receipt>, header: Header, lines: Vec<TakeLine>) -> Posting<Waste> {
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
    /// Keys beside those that the command names: where the lots lie whose cost changes.
    also: Vec<Key>,
}

impl<K: Inbound> Posting<K> {
    pub fn receive(permit: Permit<K>, header: Header, lines: Vec<ReceiveLine>, charges: Vec<Charge>) -> Self {
        Self::new(permit, header, Work::Receive { lines, charges })
    }

    pub fn received_lines(&self) -> &[ReceiveLine] {
        if let Work::Receive { lines, .. } = &self.command.work { lines } else { &[] }
    }

    /// Leaves out the lines whose place in the list is not to be kept.
    pub fn keep_lines(&mut self, keep: impl Fn(usize) -> bool) {
        if let Work::Receive { lines, .. } = &mut self.command.work {
            let mut place = 0..;
            lines.retain(|_| place.next().is_some_and(&keep));
        }
    }
}

impl Posting<protocol::Waste> {
    pub fn waste(permit: Permit<protocol::Waste>, header: Header, lines: Vec<TakeLine>) -> Self {
        Self::new(permit, header, Work::Waste { lines })
    }
}

impl Posting<protocol::Usage> {
    pub fn usage(permit: Permit<protocol::Usage>, header: Header, lines: Vec<TakeLine>, on_short: OnShort) -> Self {
        Self::new(permit, header, Work::Use { lines, on_short })
    }
}

impl Posting<protocol::VendorReturn> {
    /// With what is credited for each line, where that is agreed.
    pub fn vendor_return(permit: Permit<protocol::VendorReturn>, header: Header, lines: Vec<TakeLine>, credits: Vec<Option<Money>>) -> Self {
        Self::new(permit, header, Work::ReturnToVendor { lines, credits })
    }
}

impl Posting<protocol::Adjustment> {
    pub fn adjustment(permit: Permit<protocol::Adjustment>, header: Header, lines: Vec<AdjustLine>) -> Self {
        Self::new(permit, header, Work::Adjust { lines })
    }
}

impl Posting<protocol::Transfer> {
    /// From the place of the permit to another, at once.
    pub fn transfer(permit: Permit<protocol::Transfer>, header: Header, lines: Vec<TakeLine>, to: Spot, may_move_held: bool) -> Self {
        Self::new(permit, header, Work::Move { lines, to, may_move_held })
    }
}

impl Posting<protocol::Dispatch> {
    /// From the place of the permit onto the way: `transit` is the area of the sending site for that.
    pub fn dispatch(permit: Permit<protocol::Dispatch>, header: Header, lines: Vec<TakeLine>, transit: Spot, may_move_held: bool) -> Self {
        Self::new(permit, header, Work::Move { lines, to: transit, may_move_held })
    }
}

impl Posting<protocol::Arrival> {
    /// From the way to the place of the permit.
    pub fn arrival(permit: Permit<protocol::Arrival>, header: Header, lines: Vec<TakeLine>, under_way: UnderWay, transit: Spot) -> Self {
        let to = permit.area.spot();
        Self::from_spot(permit, header, transit, Work::Arrive { lines, under_way, to })
    }
}

impl Posting<protocol::TransferCancel> {
    /// From the way back to the place of the permit, where it was sent from.
    pub fn cancel(permit: Permit<protocol::TransferCancel>, header: Header, lines: Vec<TakeLine>, under_way: UnderWay, transit: Spot) -> Self {
        let to = permit.area.spot();
        Self::from_spot(permit, header, transit, Work::Arrive { lines, under_way, to })
    }
}

impl Posting<protocol::TransitLoss> {
    pub fn transit_loss(permit: Permit<protocol::TransitLoss>, header: Header, lines: Vec<TakeLine>, under_way: UnderWay, transit: Spot) -> Self {
        Self::from_spot(permit, header, transit, Work::LoseInTransit { lines, under_way })
    }
}

impl Posting<protocol::Count> {
    pub fn count(permit: Permit<protocol::Count>, header: Header, lines: Vec<CountLine>) -> Self {
        Self::new(permit, header, Work::Count { lines })
    }
}

impl Posting<protocol::Reversal> {
    pub fn reversal(permit: Permit<protocol::Reversal>, header: Header, reversal: Reversal) -> Self {
        Self::new(permit, header, Work::Reverse(reversal))
    }
}

impl Posting<protocol::CostChange> {
    /// `places` are the keys where the lots lie; where that has changed under the locks, the posting begins anew.
    pub fn cost_change(permit: Permit<protocol::CostChange>, header: Header, changes: Vec<CostChange>, places: Vec<Key>) -> Self {
        Self { also: places, ..Self::new(permit, header, Work::ChangeCost { changes }) }
    }
}

impl Posting<protocol::Correction> {
    /// The permit is for the place where it was received; `places` as for a change of cost.
    pub fn correction(permit: Permit<protocol::Correction>, header: Header, correction: Correction, places: Vec<Key>) -> Self {
        Self { also: places, ..Self::new(permit, header, Work::Correct(correction)) }
    }
}

impl Posting<protocol::Transformation> {
    pub fn transformation(permit: Permit<protocol::Transformation>, header: Header, inputs: Vec<TakeLine>, outputs: Vec<OutputLine>, by: OutputBasis) -> Self {
        Self::new(permit, header, Work::Transform { inputs, outputs, by })
    }
}

impl Posting<protocol::Opening> {
    /// `child` is the lot that the opened part becomes.
    pub fn opening(permit: Permit<protocol::Opening>, header: Header, line: TakeLine, child: LotId) -> Self {
        Self::new(permit, header, Work::Open { line, child })
    }
}

impl<K: Kind> Posting<K> {
    /// When it happens; once it is decided, where nobody said a time.
    pub fn effective_at(&self) -> Instant {
        self.command.effective_at
    }

    /// When it is recorded, once it is decided.
    pub fn recorded_at(&self) -> Instant {
        self.permit.recorded_at
    }

    fn new(permit: Permit<K>, header: Header, work: Work) -> Self {
        let spot = permit.area.spot();
        Self::from_spot(permit, header, spot, work)
    }

    fn from_spot(permit: Permit<K>, header: Header, spot: Spot, work: Work) -> Self {
        let command = Command { effective_at: permit.effective_at, days: permit.area.days, spot, counted: header.counted, work };
        Self { permit, header, command, also: Vec::new() }
    }

    pub fn id(&self) -> DocumentId {
        self.header.id
    }

    pub fn tenant(&self) -> kernel::TenantId {
        self.permit.tenant
    }

    /// The path of its location.
    pub fn location(&self) -> &str {
        &self.permit.area.path
    }

    fn moment(&self, locked: &Locked) -> Moment {
        // It is recorded no earlier than its locks were free, also where it says itself when it happened.
        let now = self.permit.recorded_at.max(locked.at);
        Moment { now, latest: clocks_differ(now), happens_now: self.permit.happens_now }
    }

    fn keys(&self) -> Vec<Key> {
        let mut keys = self.command.keys();
        keys.extend(&self.also);
        keys
    }

    /// Decides it under its locks. Nothing is written yet. It is recorded, and happens where nobody said a time, not before
    /// anything that it sees: what was done while it waited for its locks is no reason to refuse it.
    pub async fn decide(&mut self, txn: &Txn, locked: &Locked) -> Result<Effects, Error> {
        if !locked.covers(self.permit.tenant, &self.keys()) {
            return Err(Error::Database(DbErr::Custom("a posting is decided under locks that are not its own".to_owned())));
        }
        let snapshot = load::load(txn, locked, &self.command, self.header.rules, self.moment(locked)).await?;
        self.permit.recorded_at = snapshot.now;
        if self.permit.happens_now {
            self.command.happens_at(snapshot.now);
        }
        let planned = if let Work::Reverse(reversal) = &self.command.work {
            let reversal = load::touched(txn, locked, reversal).await?;
            plan(&snapshot, &Command { work: Work::Reverse(reversal), ..self.command.clone() })
        } else {
            plan(&snapshot, &self.command)
        };
        planned.map_err(Error::Refused)
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
    pub detail: DetailAnswer,
    pub entries: Vec<Entry>,
    pub effects: Effects,
}

/// Locks the stock keys of all of these postings at once: whoever posts several documents in one transaction must, or two of
/// them could wait for each other.
pub async fn lock<K: Kind>(state: &Inventory, txn: &Txn, postings: impl Iterator<Item = &Posting<K>>) -> Result<Locked, Error> {
    let mut keys = Vec::new();
    let mut tenant = None;
    for posting in postings {
        tenant = Some(posting.permit.tenant);
        keys.extend(posting.keys());
    }
    locking::lock(txn, tenant.unwrap_or_default(), keys, || state.now()).await
}

/// Locks the stock keys of a posting, whose only one may have been locked with its names.
pub async fn lock_rest<K: Kind>(state: &Inventory, txn: &Txn, early: Early, posting: &Posting<K>) -> Result<Locked, Error> {
    locking::lock_rest(txn, posting.permit.tenant, posting.keys(), early, || state.now()).await
}

/// Locks the stock keys of two postings of different kinds at once: one document is undone and another takes its place.
pub async fn lock_both<A: Kind, B: Kind>(state: &Inventory, txn: &Txn, one: &Posting<A>, other: &Posting<B>) -> Result<Locked, Error> {
    locking::lock(txn, one.permit.tenant, [one.keys(), other.keys()].concat(), || state.now()).await
}

/// Locks the lots that a decided document changes, and those that another may add to which is decided after it in the same
/// transaction: all of them before the first takes the head. Answers which those are.
pub async fn lock_lots_of_both<K: Kind>(txn: &Txn, locked: &Locked, first: &Effects, second: &Posting<K>) -> Result<BTreeSet<LotId>, Error> {
    let mut lots: BTreeSet<LotId> = first.changed_lots.iter().map(|lot| lot.id).collect();
    lots.extend(second.command.named_lots());
    lots.extend(load::youngest(txn, locked, &second.command.finds(), second.command.finds_revalued()).await?.into_values());
    locking::hold_lots(txn, locked.tenant, lots.iter().copied()).await?;
    Ok(lots)
}

/// Locks the lots that several decided documents change: whoever posts them one after another in one transaction must before the
/// first of them takes the head, which everybody else takes last.
pub async fn lock_lots(txn: &Txn, locked: &Locked, decided: impl Iterator<Item = &Effects>) -> Result<(), Error> {
    let changed: BTreeMap<LotId, ChangedLot> = decided.flat_map(|effects| &effects.changed_lots).map(|lot| (lot.id, lot.clone())).collect();
    let changed: Vec<ChangedLot> = changed.into_values().collect();
    locking::lock_lots(txn, locked, &changed).await
}

/// Writes a decided document: changed lots, balances, head, document, new lots, entries, the lines in their tables and what it
/// leaves behind.
pub async fn apply<K: Kind>(txn: &Txn, locked: &Locked, posting: &Posting<K>, effects: Effects, lines: &[Lines]) -> Result<Posted, Error> {
    let (mut posted, writing) = prepare(txn, locked, posting, effects, lines).await?;
    posted.number(&writing.send(txn).await?);
    Ok(posted)
}

/// The same up to where it is sent, for a document that is the last thing of its transaction: it has no numbers yet.
pub async fn prepare<K: Kind>(txn: &Txn, locked: &Locked, posting: &Posting<K>, effects: Effects, lines: &[Lines]) -> Result<(Posted, Writing), Error> {
    locking::lock_lots(txn, locked, &effects.changed_lots).await?;
    repository::mark_undone(txn, locked, &posting.header.detail).await?;
    let entries = entries(posting, &effects);
    let mut document = row(posting, &effects);
    document.content_hash = content::hash(&document, (&posting.header.detail).into(), lines, &entries)?;

    let (mut before, mut after) = (Batch::new(txn), Batch::new(txn));
    locking::create_keys(&mut before, locked, &posting.keys());
    repository::write_balances(&mut before, locked, &effects.balances);
    repository::take_reserved(&mut before, locked, &effects.taken, posting.permit.recorded_at);
    repository::write_document(&mut after, &document);
    repository::write_detail(&mut after, locked, posting.id(), &posting.header.detail);
    repository::write_lots(&mut after, locked, posting.id(), &effects);
    repository::change_lots(&mut after, locked, &effects.changed_lots);
    repository::write_entries(&mut after, locked, &entries);
    for lines in lines {
        lines.write(&mut after, locked.tenant, posting.id())?;
    }
    repository::write_left_behind(&mut after, locked, posting, &effects);

    let number_of_entries = i64::try_from(entries.len()).map_err(|_| Error::Refused(super::Refusal::Overflow))?;
    let (tenant, rules, content_hash) = (locked.tenant, posting.header.rules, document.content_hash.clone());
    let counted_at = (K::TYPE == DocumentType::Count).then_some(posting.command.effective_at);
    let recorded_at = posting.permit.recorded_at;
    let writing = Writing { tenant, kind: K::TYPE, entries: number_of_entries, rules, content_hash, recorded_at, counted_at, before, after };
    Ok((Posted { document, detail: (&posting.header.detail).into(), entries, effects }, writing))
}

impl Posted {
    /// Gives it the numbers of the head.
    fn number(&mut self, head: &Head) {
        let document = &mut self.document;
        (document.number, document.last_seq, document.position) = (head.number, head.last_seq, Some(head.position));
        document.chain_hash.clone_from(&head.link);
        let sequence = head.sequence(self.entries.len());
        self.entries.iter_mut().zip(sequence).for_each(|(entry, seq)| entry.seq = seq);
    }
}

/// Without their numbers.
fn entries<K: Kind>(posting: &Posting<K>, effects: &Effects) -> Vec<Entry> {
    let entry = |entry: &NewEntry| Entry {
        seq: 0,
        document_id: posting.id(),
        line_no: entry.line_no,
        kind: entry.kind,
        item_id: entry.place.key.item,
        location_id: entry.place.key.location,
        lot_id: entry.place.lot,
        quantity: entry.quantity,
        value: entry.value,
        effective_at: entry.at,
        business_date: entry.business_date,
        recorded_at: posting.permit.recorded_at,
        actor_id: posting.permit.actor,
        reason_id: entry.reason,
    };
    effects.entries.iter().map(entry).collect()
}

/// The document as it stands, but for its hashes and numbers.
fn row<K: Kind>(posting: &Posting<K>, effects: &Effects) -> document::Model {
    let Posting { permit, header, command, .. } = posting;
    document::Model {
        id: header.id,
        tenant_id: permit.tenant,
        r#type: K::TYPE.word().to_owned(),
        number: 0,
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
        last_seq: 0,
        content_hash: String::new(),
        chain_hash: String::new(),
        version: 1,
        position: None,
    }
}
