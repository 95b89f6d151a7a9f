//! A count on its way into the ledger: the same for a review, which only looks, and for posting it.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Caller, Instant, Outcome, Problem, TenantId, Txn};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::lines::{Counted, Slot};
use super::repository::AreaRow;
use super::sheet::Areas;
use super::{CountAnswer, Uncounted, ground, repository};
use crate::arithmetic::Quantity;
use crate::catalog::lookup::{self, Ground, Items, Reasons};
use crate::documents::{COUNT_RESULT_LINE, Lines, PostedAnswer, answer, cells};
use crate::error::Error;
use crate::http::{HideCosts, Recheck, need_site};
use crate::idempotency::Task;
use crate::ledger::kinds::Count;
use crate::ledger::{self, CountLine, Counted as IfCounted, Detail, Effects, Header, Locked, Permit, Posting, Refusal, Spot};
use crate::names::{DocumentId, ItemId, ItemRef, LocationId};
use crate::shortages;

/// Where the lines come from.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// From those who counted: after a review what that has seen, and nothing else.
    Counters,
    /// From the document that the count became before.
    Document(DocumentId),
}

/// A count that is posted.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PostedCount {
    /// The count.
    pub count: CountAnswer,
    /// Its document, with everything that it did.
    #[serde(flatten)]
    pub posted: PostedAnswer,
    /// The lines of the document, counted from one, where something moved that the review did not know.
    pub changed_since_review: Vec<i64>,
    /// The document that undid the one before; where a count is posted again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reversal: Option<PostedAnswer>,
}

impl HideCosts for PostedCount {
    fn hide_costs(&mut self) {
        self.posted.hide_costs();
        self.reversal.iter_mut().for_each(HideCosts::hide_costs);
    }
}

impl Recheck for PostedCount {
    /// The site alone: a count lies back without the permission to back-date.
    fn recheck<'a>(&'a self, caller: &'a Caller, _: &'a Txn) -> Outcome<'a, (), Error> {
        Box::pin(async move { need_site(caller, self.count.site_id) })
    }
}

/// A count with its lines by resolved names: not decided yet.
pub struct Prepared {
    pub posting: Posting<Count>,
    pub lines: Vec<(Slot, Counted)>,
    pub items: Items,
    pub areas: Areas,
    /// Now, not before the last posting; once it is decided, when it is recorded.
    pub now: Instant,
    tenant: TenantId,
    /// What lies there, was not counted and is counted as zero; nothing of that kind where it stays untouched.
    zeros: Option<Zeros>,
}

/// What is counted as zero.
struct Zeros {
    slots: BTreeSet<Slot>,
    /// What somebody counted.
    counted: BTreeSet<Slot>,
    areas: Vec<AreaRow>,
}

/// What is said about the document of a count.
pub struct About {
    pub document: DocumentId,
    pub source: Source,
    pub counted: IfCounted,
}

impl Prepared {
    /// Reads the lines of a locked count.
    pub async fn of<I>(task: &Task<I>, txn: &Txn, count: &CountAnswer, about: About) -> Result<Self, Error> {
        let ground = ground(txn, task.caller.tenant_id, count, task.now).await?;
        let lines = match about.source {
            Source::Counters => repository::lines(txn, task.caller.tenant_id, count.id).await?,
            Source::Document(document) => repository::posted_lines(txn, task.caller.tenant_id, document).await?,
        };
        Self::with(task, txn, count, about, ground, lines).await
    }

    /// The same with lines that are known. What was not counted is read before the stock is locked, which needs its keys, and again
    /// under the locks: where it is something else by then, the count begins anew. A count that was reviewed has the zeros of its
    /// review among its lines: what has come in since was reviewed by nobody.
    pub async fn with<I>(
        task: &Task<I>,
        txn: &Txn,
        count: &CountAnswer,
        about: About,
        ground: Ground,
        mut lines: BTreeMap<Slot, Counted>,
    ) -> Result<Self, Error> {
        let tenant = task.caller.tenant_id;
        let area_rows = repository::areas(txn, tenant, &count.location).await?;
        let zeros = match (about.source, count.uncounted) {
            (Source::Counters, Uncounted::Zero) if count.reviewed_seq.is_none() => {
                let counted: BTreeSet<Slot> = lines.keys().copied().collect();
                let slots = not_counted(&counted, repository::lying(txn, tenant, &area_rows).await?);
                Some(Zeros { slots, counted, areas: area_rows.clone() })
            }
            _ => None,
        };
        let of_zeros = || zeros.iter().flat_map(|zeros| &zeros.slots);
        let named: Vec<ItemRef> = lines
            .keys()
            .copied()
            .chain(of_zeros().copied())
            .map(|slot| slot.item)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|item_id| ItemRef::Id { item_id })
            .collect();
        let items = lookup::items(txn, tenant, named.iter()).await?;
        for slot in of_zeros().copied() {
            let (_, unit) = items.names(slot.item);
            lines.insert(slot, Counted::nothing(unit, ground.now, task.caller.user_id));
        }
        let most = task.state.config().lines_per_count;
        if lines.len() > most {
            return Err(Error::Conflict {
                code: "too_many_lines",
                detail: format!("A count has at most {most} lines here; with what was not counted this has more."),
            });
        }
        let Some(effective_at) = lines.values().map(|line| line.counted_at).max() else {
            return Err(Error::Conflict { code: "count_empty", detail: "Nothing was counted; cancel this count instead.".to_owned() });
        };
        let areas = Areas::new(count, area_rows);
        need_in_use(&lines, &items, &areas)?;
        let spot = |location: LocationId| Spot { location, days: ground.area.days };
        let is_zero = |slot: &Slot| zeros.as_ref().is_some_and(|zeros| zeros.slots.contains(slot));
        let command = |(slot, line): (&Slot, &Counted)| {
            let item = items.named(&ItemRef::Id { item_id: slot.item })?;
            Some(CountLine {
                item: item.rules,
                spot: spot(slot.location),
                lot: slot.lot,
                quantity: line.quantity,
                counted_at: line.counted_at,
                not_counted: is_zero(slot),
            })
        };
        let commands: Vec<CountLine> = lines.iter().filter_map(command).collect();
        let detail = Detail { count_id: Some(count.id), approved_by: count.approved_by, ..Detail::default() };
        let (external_ref, note) = (count.external_ref.clone(), count.note.clone());
        let header = Header { external_ref, note, counted: about.counted, detail, ..Header::plain(about.document, ground.rules) };
        let said = of_zeros().next().is_none().then_some(effective_at);
        let permit = Permit::ask(&task.caller, ground.area, said, ground.now)?;
        let posting = Posting::count(permit, header, commands);
        Ok(Self { posting, lines: lines.into_iter().collect(), items, areas, now: ground.now, tenant, zeros })
    }

    /// Decides it. A line that is wrong is named, because nobody has sent it under a number.
    pub async fn decide(&mut self, txn: &Txn, locked: &Locked) -> Result<Effects, Error> {
        let decided = self.posting.decide(txn, locked).await;
        self.now = self.posting.recorded_at();
        if let (Some(zeros), Ok(_) | Err(Error::Refused(_))) = (&self.zeros, &decided) {
            if not_counted(&zeros.counted, repository::lying(txn, self.tenant, &zeros.areas).await?) != zeros.slots {
                return Err(Error::RulesChanged);
            }
            let not_counted = self.lines.iter_mut().filter(|(slot, _)| zeros.slots.contains(slot));
            not_counted.for_each(|(_, line)| line.counted_at = self.now);
        }
        decided.map_err(|error| match error {
            Error::Refused(Refusal::PeriodClosed { business_date, closed_through, lines }) => {
                let named: Vec<_> = lines.iter().filter_map(|line| self.lines.get(*line).map(|line| self.name("period_closed", line.0))).collect();
                let problem = Refusal::PeriodClosed { business_date, closed_through, lines }.problem();
                if named.is_empty() { problem.into() } else { problem.fact("lines", named).into() }
            }
            Error::Refused(Refusal::Lines(flaws)) => {
                let named: Vec<_> = flaws.iter().filter_map(|flaw| self.lines.get(flaw.line).map(|line| self.name(flaw.code, line.0))).collect();
                Refusal::Lines(flaws).problem().fact("lines", named).into()
            }
            error => error,
        })
    }

    fn name(&self, code: &str, slot: Slot) -> serde_json::Value {
        let ((sku, _), location) = (self.items.names(slot.item), self.areas.path(slot.location));
        json!({ "code": code, "item_id": slot.item, "sku": sku, "location_id": slot.location, "location": location, "lot_id": slot.lot })
    }

    /// Posts what was decided, and clears the shortages that the count has answered.
    pub async fn apply(&self, txn: &Txn, locked: &Locked, effects: Effects) -> Result<PostedAnswer, Error> {
        let stored = [self.stored_lines(&effects)];
        let posted = ledger::apply(txn, locked, &self.posting, effects, &stored).await?;
        let mut counted: BTreeMap<(ItemId, LocationId), Instant> = BTreeMap::new();
        // A line about one lot does not say how much there is of all of them.
        for ((slot, line), outcome) in self.lines.iter().zip(&posted.effects.lines).filter(|((slot, _), _)| slot.lot.is_none()) {
            if outcome.counted.is_some_and(|counted| !counted.superseded) {
                let at = counted.entry(slot.place()).or_insert(line.counted_at);
                *at = line.counted_at.max(*at);
            }
        }
        let cleared = repository::clear_shortages(txn, self.tenant, posted.document.id, self.now, &counted).await?;
        let cleared_shortages = shortages::repository::of_ids(txn, self.tenant, cleared.into_iter()).await?;
        Ok(PostedAnswer { cleared_shortages, ..answer(&posted, self.posting.location(), &self.items, &Reasons::default(), &stored)? })
    }

    fn stored_lines(&self, effects: &Effects) -> Lines {
        let cells = |(line_no, ((slot, line), outcome)): (i64, (&(Slot, Counted), &ledger::LineOutcome))| {
            let counted = outcome.counted.unwrap_or_default();
            cells![
                line_no,
                slot.item,
                slot.location,
                slot.lot,
                line.entered,
                line.unit.clone(),
                line.quantity,
                line.counted_at,
                line.counted_by,
                counted.expected,
                counted.variance,
                outcome.short,
                outcome.value,
                counted.superseded,
                counted.moved,
            ]
        };
        Lines::new(&COUNT_RESULT_LINE, (1..).zip(self.lines.iter().zip(&effects.lines)).map(cells).collect())
    }

    /// The numbers of the lines where something moved since.
    pub fn numbers(&self, moved: &BTreeSet<Slot>) -> Vec<i64> {
        (1..).zip(&self.lines).filter(|(_, (slot, _))| moved.contains(slot)).map(|(number, _)| number).collect()
    }
}

/// What lies there and no line is about: the item as a whole, or the lots that are missing where an item was counted by lot.
fn not_counted(counted: &BTreeSet<Slot>, lying: Vec<Slot>) -> BTreeSet<Slot> {
    let by_lot: BTreeSet<_> = counted.iter().filter(|slot| slot.lot.is_some()).map(Slot::place).collect();
    let whole = |slot: Slot| Slot { lot: None, ..slot };
    let not_counted = lying.into_iter().map(|slot| if by_lot.contains(&slot.place()) { slot } else { whole(slot) });
    not_counted.filter(|slot| !counted.contains(slot)).collect()
}

/// 409 where something was archived since it was counted, and would hold stock again.
fn need_in_use(lines: &BTreeMap<Slot, Counted>, items: &Items, areas: &Areas) -> Result<(), Error> {
    let archived = |slot: &&Slot| items.named(&ItemRef::Id { item_id: slot.item }).is_none_or(|item| item.archived);
    let holding = || lines.iter().filter(|(_, line)| line.quantity != Quantity::ZERO).map(|(slot, _)| slot);
    if let Some(slot) = holding().find(archived) {
        return Err(Error::Conflict { code: "item_archived", detail: format!("{} is archived: take its lines out.", items.names(slot.item).0) });
    }
    if let Some(slot) = holding().find(|slot| areas.is_archived(slot.location)) {
        return Err(Error::Conflict { code: "location_archived", detail: format!("`{}` is archived: take its lines out.", areas.path(slot.location)) });
    }
    Ok(())
}

/// 409 `count_not_approved`.
pub fn not_approved() -> Error {
    Problem::new(409, "count_not_approved", "This count is posted only after somebody has approved it.").into()
}
