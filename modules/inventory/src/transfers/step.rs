//! What the steps of a transfer have in common: what they may say, how their lines are read, and what they answer.

use std::collections::BTreeMap;

use kernel::http::IdempotencyKey;
use kernel::{Body, Caller, Fields, Instant, Outcome, Permission, Txn, Violation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::TransferStatus;
use super::read::{TransferAnswer, find};
use super::repository::{self, LockedTransfer, NewLine};
use super::undo::lock;
use crate::Inventory;
use crate::arithmetic::Quantity;
use crate::calendar::SiteDays;
use crate::catalog::lookup::{self, Area, Items, Reasons};
use crate::documents::{BalanceAnswer, DocumentAnswer, Lines, PostedAnswer, TRANSFER_STEP_LINE, answer, cells};
use crate::error::Error;
use crate::http::{HideCosts, Id, Recheck, Seen, need_site};
use crate::idempotency::{Once, Task};
use crate::ledger::{self, Counted, Detail, DocumentType, EntryAnswer, Header, Kind, Posted, Posting, RulesSeen, TakeLine};
use crate::names::{ItemId, ItemRef, LocationId, LotId, ReasonId, UnitCode};

/// What a request says beside places and lines.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// Now, where nothing is said.
    pub effective_at: Option<Instant>,
    pub external_ref: Option<String>,
    pub note: Option<String>,
    pub counted: Counted,
}

impl Said {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let effective_at = fields.optional("effective_at");
        let (external_ref, note) = (fields.optional::<kernel::Text<1, 200>>("external_ref"), fields.optional::<kernel::Text<1, 2000>>("note"));
        let counted = fields.or("counted", Counted::default());
        let (external_ref, note) = (external_ref?.map(|text| text.0), note?.map(|text| text.0));
        Some(Self { effective_at: effective_at?, external_ref, note, counted: counted? })
    }

    pub fn header(&self, id: Uuid, rules: RulesSeen, transfer: Uuid) -> Header {
        let detail = Detail { transfer_id: Some(transfer), ..Detail::default() };
        Header { external_ref: self.external_ref.clone(), note: self.note.clone(), counted: self.counted, detail, ..Header::plain(id, rules) }
    }
}

/// A line that names goods.
#[derive(Clone, Debug)]
pub struct Goods {
    pub item: ItemRef,
    pub quantity: Quantity,
    pub unit: Option<UnitCode>,
    pub lot_id: Option<LotId>,
}

impl Goods {
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let item = ItemRef::read(fields);
        let (quantity, unit, lot_id) = (fields.required("quantity"), fields.optional("unit"), fields.optional("lot_id"));
        Some(Self { item: item?, quantity: quantity?, unit: unit?, lot_id: lot_id? })
    }
}

/// A line of a step by resolved names.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub command: TakeLine,
    /// As it was entered.
    pub entered: Quantity,
    pub unit: String,
}

impl Resolved {
    /// Each line in base units, or everything that is wrong with their names.
    pub fn all<'a>(lines: impl Iterator<Item = &'a Goods>, items: &Items) -> Result<Vec<Self>, Vec<Violation>> {
        let (mut resolved, mut violations) = (Vec::new(), Vec::new());
        for (index, line) in lines.enumerate() {
            match lookup::measure(index, &line.item, line.quantity, line.unit.as_ref(), items) {
                Ok((item, quantity, unit)) => {
                    let command = TakeLine { item: item.rules, quantity, lot: line.lot_id, reason: None, reservation: None };
                    resolved.push(Self { command, entered: line.quantity, unit });
                }
                Err(violation) => violations.push(violation),
            }
        }
        if violations.is_empty() { Ok(resolved) } else { Err(violations) }
    }

    /// What was asked for.
    pub fn asked(&self) -> NewLine {
        let TakeLine { item, quantity, lot, .. } = self.command;
        NewLine { item: item.id, lot, entered: self.entered, unit: self.unit.clone(), quantity }
    }
}

/// The item of every line.
pub fn names<'a>(lines: impl Iterator<Item = &'a Goods>) -> impl Iterator<Item = &'a ItemRef> {
    lines.map(|line| &line.item)
}

/// All that a transfer has under way, lot by lot, in base units.
pub async fn everything(txn: &Txn, transfer: &LockedTransfer) -> Result<(Items, Vec<Resolved>), Error> {
    let under_way: Vec<(LotId, ItemId, Quantity)> = transfer.lots.iter().map(|(lot, tally)| (*lot, tally.item, tally.under_way())).collect();
    let named: Vec<ItemRef> = under_way.iter().map(|(_, item, _)| ItemRef::Id { item_id: *item }).collect();
    let items = lookup::items(txn, transfer.tenant(), named.iter()).await?;
    let mut lines = Vec::new();
    for ((lot, _, quantity), named) in under_way.into_iter().zip(&named).filter(|((_, _, quantity), _)| quantity.0 > 0) {
        if let Some(item) = items.named(named) {
            let command = TakeLine { item: item.rules, quantity, lot: Some(lot), reason: None, reservation: None };
            lines.push(Resolved { command, entered: quantity, unit: item.base_unit.clone() });
        }
    }
    Ok((items, lines))
}

/// A step of a transfer: which one, under which id its document is posted, and which version the client has seen.
#[derive(Clone, Debug)]
pub struct Step<R> {
    pub transfer: Uuid,
    pub document: Uuid,
    pub seen: Seen,
    pub request: R,
}

impl<R> Step<R> {
    /// From what came with the request. 400 `idempotency_key_required`.
    pub fn asked(state: &Inventory, transfer: &Id, seen: Seen, key: IdempotencyKey, body: Body<R>) -> Result<(Once, Self), Error> {
        let once = Once { key: key.required()?, fingerprint: body.fingerprint };
        Ok((once, Self { transfer: transfer.0, document: state.next_id(), seen, request: body.request }))
    }
}

/// The transfer of a step, locked. 404 for one that neither begins nor ends at a site of the caller, 412 where it has moved on.
pub async fn locked<R>(task: &Task<Step<R>>, txn: &Txn) -> Result<LockedTransfer, Error> {
    let Step { transfer, seen, .. } = &task.input;
    let transfer = lock(txn, task.caller.tenant_id, *transfer).await?;
    if !transfer.seen_by(&task.caller) {
        return Err(Error::NotFound("transfer"));
    }
    seen.check(transfer.version)?;
    Ok(transfer)
}

/// 409 where nothing can arrive, be lost or come back.
pub fn need_under_way(transfer: &LockedTransfer) -> Result<ledger::UnderWay, Error> {
    match (transfer.status, transfer.under_way()) {
        (TransferStatus::InTransit | TransferStatus::PartiallyReceived, Some(under_way)) => Ok(under_way),
        (TransferStatus::Draft, _) => {
            Err(Error::Conflict { code: "not_dispatched", detail: "This transfer is a draft: nothing of it is under way.".to_owned() })
        }
        _ => Err(Error::Conflict { code: "transfer_finished", detail: "Nothing of this transfer is under way any more.".to_owned() }),
    }
}

/// 403 where one of these sites would get entries on an earlier business date than its own today, without `backdate`.
pub fn need_days<'a>(caller: &Caller, areas: impl IntoIterator<Item = &'a Area>, effective_at: Instant, now: Instant) -> Result<(), Error> {
    let lies_back = |area: &Area| area.days.business_date(effective_at) < area.days.business_date(now);
    if areas.into_iter().any(lies_back) {
        caller.need(Permission::Backdate)?;
    }
    Ok(())
}

/// Who may approve may also move what is on hold, by naming the lot.
pub fn may_move_held(caller: &Caller) -> bool {
    caller.permissions.holds(Permission::Approve)
}

/// Posts a step and answers it with what it moved.
pub async fn post<K: Kind, I>(
    task: &Task<I>,
    txn: &Txn,
    posting: &mut Posting<K>,
    lines: &[Resolved],
    items: &Items,
    reasons: &Reasons,
) -> Result<(Posted, PostedAnswer), Error> {
    let locked = ledger::lock(&task.state, txn, std::iter::once(&*posting)).await?;
    let effects = posting.decide(txn, &locked).await?;
    let cells = |(line_no, (line, outcome)): (i64, (&Resolved, &ledger::LineOutcome))| {
        let TakeLine { item, quantity, lot, reason, .. } = &line.command;
        let reason: Option<ReasonId> = *reason;
        cells![line_no, item.id, *lot, line.entered, line.unit.clone(), *quantity, outcome.value, reason]
    };
    let stored = [Lines::new(&TRANSFER_STEP_LINE, (1..).zip(lines.iter().zip(&effects.lines)).map(cells).collect())];
    let posted = ledger::apply(txn, &locked, posting, effects, &stored).await?;
    let answer = answer(&posted, posting.location(), items, reasons, &stored)?;
    Ok((posted, answer))
}

/// What a posting moved at a place, of each lot.
pub fn moved(posted: &Posted, at: LocationId) -> Result<BTreeMap<LotId, (ItemId, Quantity)>, Error> {
    let mut moved: BTreeMap<LotId, (ItemId, Quantity)> = BTreeMap::new();
    for entry in posted.entries.iter().filter(|entry| entry.location_id == at) {
        let (_, sum) = moved.entry(entry.lot_id).or_insert((entry.item_id, Quantity::ZERO));
        *sum = sum.plus(Quantity(entry.quantity.0.abs())).ok_or(Error::Refused(ledger::Refusal::Overflow))?;
    }
    Ok(moved)
}

/// A transfer after a step, with what the step posted. A draft that is made or cancelled posts nothing.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = TransferStep)]
pub struct StepAnswer {
    /// The transfer as it is now.
    pub transfer: TransferAnswer,
    /// The document of the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentAnswer>,
    /// What it wrote into the ledger, in order.
    #[serde(default)]
    pub entries: Vec<EntryAnswer>,
    /// What now lies at every place that it touched.
    #[serde(default)]
    pub balances: Vec<BalanceAnswer>,
}

impl StepAnswer {
    /// With the transfer read back, whoever asks: that they may see it was checked before.
    pub async fn of(txn: &Txn, tenant: Uuid, transfer: Uuid, posted: Option<PostedAnswer>) -> Result<Self, Error> {
        let transfer = find(txn, tenant, transfer, &kernel::Sites::All).await?.ok_or(Error::NotFound("transfer"))?;
        let Some(PostedAnswer { document, entries, balances, .. }) = posted else {
            return Ok(Self { transfer, document: None, entries: Vec::new(), balances: Vec::new() });
        };
        Ok(Self { transfer, document: Some(document), entries, balances })
    }
}

impl HideCosts for StepAnswer {
    fn hide_costs(&mut self) {
        if let Some(document) = &mut self.document {
            document.hide_costs();
        }
        self.entries.hide_costs();
        self.balances.hide_costs();
    }
}

impl Recheck for StepAnswer {
    /// The site that it was done for, both of them where it was done at once, and `backdate` where it was needed.
    fn recheck<'a>(&'a self, caller: &'a Caller, txn: &'a Txn) -> Outcome<'a, (), Error> {
        Box::pin(async move {
            let TransferAnswer { from_location_id, to_location_id, .. } = &self.transfer;
            let (from, from_days) = lookup::site_of(txn, caller.tenant_id, *from_location_id).await?;
            let (to, to_days) = lookup::site_of(txn, caller.tenant_id, *to_location_id).await?;
            let Some(document) = &self.document else {
                return if caller.sites.contain(from) { Ok(()) } else { need_site(caller, to) };
            };
            let (site, _) = lookup::site_of(txn, caller.tenant_id, document.location_id).await?;
            need_site(caller, site)?;
            if document.r#type == DocumentType::Transfer {
                need_site(caller, to)?;
            }
            let lies_back = |days: SiteDays| days.business_date(document.effective_at) < days.business_date(document.recorded_at);
            let there_too = site == to || matches!(document.r#type, DocumentType::Transfer | DocumentType::Arrival);
            if lies_back(from_days) || (there_too && lies_back(to_days)) {
                caller.need(Permission::Backdate)?;
            }
            Ok(())
        })
    }
}

/// What is wrong with the named lots of lines: those that are not there, or are of another item.
pub async fn foreign_lots(txn: &Txn, tenant: Uuid, lines: &[Resolved]) -> Result<Vec<Violation>, Error> {
    let of = repository::items_of(txn, tenant, lines.iter().filter_map(|line| line.command.lot)).await?;
    let foreign = |line: &Resolved| line.command.lot.is_some_and(|lot| of.get(&lot) != Some(&line.command.item.id));
    let violation =
        |index: usize| Violation { pointer: format!("/lines/{index}/lot_id"), code: "lot_not_found".into(), detail: "this item has no such lot".to_owned() };
    Ok(lines.iter().enumerate().filter(|(_, line)| foreign(line)).map(|(index, _)| violation(index)).collect())
}
