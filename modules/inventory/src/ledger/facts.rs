//! What the pure core knows when it plans: the state under the locks, and the rules of the items concerned.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};
use kernel::Instant;
use serde::Serialize;

use crate::arithmetic::{Money, Quantity};
use crate::calendar::SiteDays;
use crate::expiry::is_expired;
use crate::names::{DateKind, DocumentId, ItemId, LocationId, LotId, Pick, ReservationId};

/// A stock key: what is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Key {
    pub item: ItemId,
    pub location: LocationId,
}

/// Where a part of a lot lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub key: Key,
    pub lot: LotId,
}

/// What lies there, and what it is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    pub quantity: Quantity,
    pub value: Money,
}

/// A location with the days of its site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    pub location: LocationId,
    pub days: SiteDays,
}

/// How an item is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemRules {
    pub id: ItemId,
    pub pick: Pick,
    pub track_lots: bool,
    pub track_expiry: bool,
    pub date_kind: DateKind,
    pub grace_days: i64,
    pub shelf_life_days: Option<i64>,
    pub opened_shelf_life_days: Option<i64>,
}

crate::names::words!(
    /// Why a lot may not be used.
    Hold {
        /// Until somebody has looked at it.
        Hold = "hold",
        /// The supplier or an authority has called it back.
        Recall = "recall",
    }
);

/// A lot as the core sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    pub item: ItemId,
    /// The sequence number and line of its first entry: the order in which lots came to be.
    pub origin: (i64, i64),
    pub batch_code: Option<String>,
    pub received_at: Instant,
    /// The date that counts: an opened lot's is the earlier one of the printed and that of its shelf life once opened.
    pub expires_on: Option<NaiveDate>,
    pub date_kind: DateKind,
    pub opened: bool,
    pub hold: Option<Hold>,
    /// All that ever came onto it: origin, gains, cost changes.
    pub basis: Holding,
    /// Its cost is what it is from here on: nothing can be taken before.
    pub cost_floor_at: Instant,
    /// The position of the last document that changed its cost; 0 for none.
    pub revalued_position: i64,
    /// Its origin was undone.
    pub void: bool,
    pub version: i64,
}

impl Lot {
    /// Whether it is expired on a business date, by the item's grace days.
    pub fn is_expired(&self, rules: &ItemRules, business_date: NaiveDate) -> bool {
        is_expired(self.expires_on, self.date_kind, rules.grace_days, business_date)
    }

    /// Whether it may be used on a business date: neither on hold nor expired.
    pub fn is_usable(&self, rules: &ItemRules, business_date: NaiveDate) -> bool {
        self.hold.is_none() && !self.is_expired(rules, business_date)
    }
}

/// What moved at one instant after that of the posting: the sum at that instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Later {
    pub at: Instant,
    pub quantity: i64,
}

/// A line of a posted count that is still true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    pub key: Key,
    pub lot: Option<LotId>,
    pub counted_at: Instant,
    pub document: DocumentId,
    pub number: i64,
    pub line_no: i64,
}

/// What is set aside for somebody and not taken yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserved {
    pub key: Key,
    pub rest: Quantity,
}

/// The state that a posting is decided on: read under the locks, in one go.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub now: Instant,
    /// The last business date of the last closed period.
    pub closed_through: Option<NaiveDate>,
    pub lots: BTreeMap<LotId, Lot>,
    /// What is on hand: places that hold nothing are left out.
    pub holdings: BTreeMap<Place, Holding>,
    /// What follows the command's earliest instant, in the order of time. Of one that takes at that instant alone, lots that only left since may be
    /// left out: as much could be taken of them then as now.
    pub later: BTreeMap<Place, Vec<Later>>,
    /// Posted count lines that stand at or after the command's earliest instant.
    pub truths: Vec<Truth>,
    /// How much of a key is set aside, by all reservations together.
    pub reserved: BTreeMap<Key, Quantity>,
    /// The reservations that the command's lines name, as far as they are active.
    pub reservations: BTreeMap<ReservationId, Reserved>,
    /// For what is found: the youngest lot that a gain at that place and time can go to.
    pub youngest: BTreeMap<(Key, Instant), LotId>,
    /// For lots whose cost changes: their last movement anywhere.
    pub last_moved: BTreeMap<LotId, Instant>,
    /// The days of the sites of the locations concerned, where the command does not say them itself.
    pub days: BTreeMap<LocationId, SiteDays>,
    /// Those of them where goods are under way: a correction leaves what lies there to its transfer.
    pub in_transit: BTreeSet<LocationId>,
}

impl Snapshot {
    /// Of which nothing is known but the time.
    pub fn empty(now: Instant) -> Self {
        Self {
            now,
            closed_through: None,
            lots: BTreeMap::new(),
            holdings: BTreeMap::new(),
            later: BTreeMap::new(),
            truths: Vec::new(),
            reserved: BTreeMap::new(),
            reservations: BTreeMap::new(),
            youngest: BTreeMap::new(),
            last_moved: BTreeMap::new(),
            days: BTreeMap::new(),
            in_transit: BTreeSet::new(),
        }
    }

    /// The instants of all that this shows: what happens now is not before any of them, and later than what was counted.
    pub fn seen(&self) -> impl Iterator<Item = Instant> {
        let lots = self.lots.values().flat_map(|lot| [lot.received_at, lot.cost_floor_at]);
        let moved = self.later.values().flatten().map(|later| later.at).chain(self.last_moved.values().copied());
        let counted = self.truths.iter().map(|truth| truth.counted_at.plus(TimeDelta::microseconds(1)));
        lots.chain(moved).chain(counted)
    }

    /// What of a key can be used now on this business date, and is set aside for nobody.
    pub fn available(&self, key: Key, rules: &ItemRules, business_date: NaiveDate) -> Quantity {
        let of_key = Place { key, lot: LotId::nil() }..=Place { key, lot: LotId::max() };
        let usable = |place: &Place| self.lots.get(&place.lot).is_some_and(|lot| lot.is_usable(rules, business_date));
        let there: i128 = self.holdings.range(of_key).filter(|(place, _)| usable(place)).map(|(_, holding)| i128::from(holding.quantity.0)).sum();
        let reserved = self.reserved.get(&key).map_or(0, |reserved| i128::from(reserved.0));
        Quantity(i64::try_from((there - reserved).max(0)).unwrap_or(i64::MAX))
    }
}
