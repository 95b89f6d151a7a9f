//! What the pure core knows when it plans: the state under the locks, and the rules of the items concerned.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use kernel::Instant;

use crate::arithmetic::{Money, Quantity};
use crate::names::{DateKind, ItemId, LocationId, LotId, Pick};

/// A stock key: what is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// How an item is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemRules {
    pub id: ItemId,
    pub pick: Pick,
    pub track_lots: bool,
    pub track_expiry: bool,
    pub date_kind: DateKind,
    pub shelf_life_days: Option<i64>,
}

/// A lot as picking sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    pub item: ItemId,
    /// The sequence number and line of its first entry: the order in which lots came to be.
    pub origin: (i64, i64),
    pub received_at: Instant,
    pub expires_on: Option<NaiveDate>,
    pub cost_floor_at: Instant,
}

/// What moved at one instant after that of the posting: the sum at that instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Later {
    pub at: Instant,
    pub quantity: i64,
}

/// The state that a posting is decided on: read under the locks, in one go.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub now: Instant,
    /// The last business date of the last closed period.
    pub closed_through: Option<NaiveDate>,
    pub lots: BTreeMap<LotId, Lot>,
    pub holdings: BTreeMap<Place, Holding>,
    /// For a back-dated posting: what follows its instant, in the order of time.
    pub later: BTreeMap<Place, Vec<Later>>,
}

impl Snapshot {
    /// The most that can be taken from a place at the posting's instant without making the quantity negative then or at any
    /// later instant: the lowest running quantity from then on. At one instant what comes in comes before what goes out, so
    /// the sum of an instant is what stands at its end.
    pub fn takeable(&self, place: &Place) -> Quantity {
        let now = self.holdings.get(place).map_or(0, |holding| holding.quantity.0);
        let Some(later) = self.later.get(place) else { return Quantity(now) };
        // Backwards from today: what stood before each later instant.
        let mut running = i128::from(now);
        let mut lowest = running;
        for movement in later.iter().rev() {
            running -= i128::from(movement.quantity);
            lowest = lowest.min(running);
        }
        Quantity(i64::try_from(lowest.max(0)).unwrap_or(i64::MAX))
    }
}
