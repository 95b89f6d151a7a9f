//! Items: what is stocked.

pub mod convert;
pub mod create;
pub mod get;
pub mod list;
pub mod repository;
pub mod update;

use kernel::{Instant, Routes};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::{HideCosts, Recheck};
use crate::names::{DateKind, ItemKind, Pick};

pub fn routes(routes: &mut impl Routes) {
    routes.service(list::handler).service(create::handler).service(get::handler).service(update::handler).service(convert::handler);
}

/// An item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Item {
    /// Its id.
    pub id: Uuid,
    /// The article number, kept to the letter; one of its kind.
    pub sku: String,
    /// What people call it.
    pub name: String,
    /// The code of the unit that its stock is counted in.
    pub base_unit: String,
    /// What it is for.
    pub kind: ItemKind,
    /// Which lot leaves first.
    pub pick: Pick,
    /// Whether every delivery of it needs a batch code.
    pub track_lots: bool,
    /// Whether every delivery of it needs an expiry date, printed or counted from the shelf life.
    pub track_expiry: bool,
    /// What the date on the package means.
    pub date_kind: DateKind,
    /// How many days after its best-before date it may still be used.
    pub grace_days: i64,
    /// How many days it keeps from the day it comes in, where no date is printed.
    pub shelf_life_days: Option<i64>,
    /// How many days it keeps once opened.
    pub opened_shelf_life_days: Option<i64>,
    /// An archived item has no stock and is not received any more.
    pub archived: bool,
    /// Since when it is archived.
    pub archived_at: Option<Instant>,
    /// Grows with every change; the ETag.
    pub version: i64,
    /// When it was made.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
}

impl HideCosts for Item {}

impl Recheck for Item {}

impl Item {
    fn set_archived(&mut self, archived: bool, now: Instant) {
        if archived != self.archived {
            self.archived = archived;
            self.archived_at = archived.then_some(now);
        }
    }
}
