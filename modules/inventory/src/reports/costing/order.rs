//! The order within an instant: what comes in, what changes the cost, what goes from pool to pool, what leaves; each by sequence
//! number. So a pool never gives what it does not have.
//!
//! A reversal at the very instant of what it undoes drops out together with it: for the books neither of them happened. Where
//! the lots' own splitting left a crumb, a `rounding` entry says so in the ledger; a report splits for itself and drops it.

use std::collections::{HashMap, HashSet};

use super::movement::Movement;
use crate::ledger::EntryKind;
use crate::names::{DocumentId, LocationId, LotId};

/// What a method has to do, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Goods come in at the ledger's value.
    Receive(Movement),
    /// Goods are found, at no price.
    Find(Movement),
    /// Goods come back that left at another time.
    BringBack(Movement),
    /// The goods' cost changes.
    Revalue(Movement),
    /// Goods go from one pool to another, as much of one as of the other.
    Move { out: Movement, into: Movement },
    /// Goods leave.
    Take(Movement),
}

/// Puts the movements of an item in order, instant by instant.
#[derive(Debug)]
pub struct Order {
    /// Whether there are several pools. In a sole one no transfer is a movement, not even half of one (the other half may lie
    /// in a later business date of another time zone).
    has_many_pools: bool,
    /// The transfers that are undone at another time: what undoes them is a transfer, too.
    undone_transfers: HashSet<DocumentId>,
}

impl Order {
    pub fn of(has_many_pools: bool) -> Self {
        Self { has_many_pools, undone_transfers: HashSet::new() }
    }

    /// The steps of all movements of one instant.
    pub fn steps(&mut self, mut entries: Vec<Movement>) -> Vec<Step> {
        entries.sort_by_key(|entry| entry.seq);
        drop_what_is_undone_at_once(&mut entries);
        entries.retain(|entry| entry.kind != EntryKind::Rounding);
        let undone_here = entries.iter().filter(|entry| entry.is_undone && entry.is_transfer(|_| false));
        self.undone_transfers.extend(undone_here.map(|entry| entry.document));

        let (mut inbound, mut costs, mut transfers, mut outbound) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for entry in entries {
            match entry.kind {
                _ if entry.is_transfer(|document| self.undone_transfers.contains(&document)) => transfers.push(entry),
                _ if entry.is_cost() => costs.push(Step::Revalue(entry)),
                _ if entry.quantity < 0 => outbound.push(Step::Take(entry)),
                EntryKind::Gain => inbound.push(Step::Find(entry)),
                EntryKind::Reversal => inbound.push(Step::BringBack(entry)),
                _ => inbound.push(Step::Receive(entry)),
            }
        }
        let mut moves = Vec::new();
        if self.has_many_pools {
            let halves = pair(transfers, &mut moves);
            for half in halves {
                if half.quantity > 0 { inbound.push(Step::Receive(half)) } else { outbound.push(Step::Take(half)) }
            }
        }
        inbound.into_iter().chain(costs).chain(moves).chain(outbound).collect()
    }
}

/// What of an entry its reversal has too: where, which lot, how much, of which value.
type Mirror = (DocumentId, LocationId, LotId, i64, i64);

fn drop_what_is_undone_at_once(entries: &mut Vec<Movement>) {
    let mirror = |document, entry: &Movement, sign: i64| (document, entry.location, entry.lot, sign * entry.quantity, sign * entry.value);
    let mut undone: HashMap<Mirror, Vec<i64>> = HashMap::new();
    for entry in entries.iter().filter(|entry| entry.is_undone) {
        undone.entry(mirror(entry.document, entry, 1)).or_default().push(entry.seq);
    }
    let mut dropped = HashSet::new();
    for entry in entries.iter() {
        let Some(document) = entry.undoes else { continue };
        if let Some(seq) = undone.get_mut(&mirror(document, entry, -1)).and_then(Vec::pop) {
            dropped.extend([seq, entry.seq]);
        }
    }
    entries.retain(|entry| !dropped.contains(&entry.seq));
}

/// Finds for what leaves in a document what arrives by it. Within a pool nothing moves. Answers the halves without a counterpart.
fn pair(transfers: Vec<Movement>, moves: &mut Vec<Step>) -> Vec<Movement> {
    let mut documents: Vec<(DocumentId, Vec<Movement>, Vec<Movement>)> = Vec::new();
    for entry in transfers {
        let place = documents.iter().position(|(document, ..)| *document == entry.document).unwrap_or(documents.len());
        if place == documents.len() {
            documents.push((entry.document, Vec::new(), Vec::new()));
        }
        let Some((_, out, into)) = documents.get_mut(place) else { continue };
        if entry.quantity < 0 { out.push(entry) } else { into.push(entry) }
    }
    let mut halves = Vec::new();
    for (_, out, into) in documents {
        let (mut out, mut into) = (out.into_iter(), into.into_iter());
        let (mut leaving, mut arriving) = (out.next(), into.next());
        while let (Some(from), Some(to)) = (leaving, arriving) {
            let size = from.size().min(to.size());
            let (left, arrived) = (from.part(size), to.part(size));
            if left.pool != arrived.pool && size > 0 {
                moves.push(Step::Move { out: left, into: arrived });
            }
            leaving = Some(from.without(&left)).filter(|rest| rest.quantity != 0).or_else(|| out.next());
            arriving = Some(to.without(&arrived)).filter(|rest| rest.quantity != 0).or_else(|| into.next());
        }
        halves.extend(leaving.into_iter().chain(out).chain(arriving).chain(into));
    }
    halves
}
