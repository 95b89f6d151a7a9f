//! `PATCH /items/{id}`.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, patch};
use kernel::http::IfMatch;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Permission, TenantId, Text, Txn};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Item, repository};
use crate::Inventory;
use crate::catalog::patch::{Change, clearable, replaceable};
use crate::catalog::{answers, in_use, item_units, units};
use crate::error::Error;
use crate::http::versioned;
use crate::idempotency::Task;
use crate::ledger::bump_rules;
use crate::names::{DateKind, Days, ItemId, ItemKind, Pick, Sku, UnitCode};

/// What may change of an item.
#[derive(Debug, Default, ToSchema)]
#[schema(as = UpdateItem)]
pub struct Request {
    /// The article number: 1 to 64 visible characters; one of its kind.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, nullable = false)]
    pub sku: Option<Sku>,
    /// What people call it: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    pub name: Option<String>,
    /// The code of the unit that its stock is counted in; fixed once the item was moved or has units of its own.
    #[schema(value_type = Option<String>, nullable = false)]
    pub base_unit: Option<UnitCode>,
    /// What it is for.
    #[schema(nullable = false)]
    pub kind: Option<ItemKind>,
    /// Which lot leaves first.
    #[schema(nullable = false)]
    pub pick: Option<Pick>,
    /// Whether every delivery of it needs a batch code.
    #[schema(nullable = false)]
    pub track_lots: Option<bool>,
    /// Whether every delivery of it needs an expiry date.
    #[schema(nullable = false)]
    pub track_expiry: Option<bool>,
    /// What the date on the package means.
    #[schema(nullable = false)]
    pub date_kind: Option<DateKind>,
    /// How many days after its best-before date it may still be used.
    #[schema(minimum = 0, maximum = 36500, nullable = false)]
    pub grace_days: Option<i64>,
    /// How many days it keeps from the day it comes in, where no date is printed; null for no such rule.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 36500)]
    pub shelf_life_days: Change<i64>,
    /// How many days it keeps once opened; null for no such rule.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 36500)]
    pub opened_shelf_life_days: Change<i64>,
    /// An archived item has no stock and is not received any more.
    #[schema(nullable = false)]
    pub archived: Option<bool>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (sku, name, base_unit) = (replaceable(fields, "sku"), replaceable::<Text<1, 200>>(fields, "name"), replaceable(fields, "base_unit"));
        let (kind, pick, date_kind) = (replaceable(fields, "kind"), replaceable(fields, "pick"), replaceable(fields, "date_kind"));
        let (track_lots, track_expiry) = (replaceable(fields, "track_lots"), replaceable(fields, "track_expiry"));
        let grace_days = replaceable::<Days>(fields, "grace_days");
        let (shelf_life, opened) = (clearable::<Days>(fields, "shelf_life_days"), clearable::<Days>(fields, "opened_shelf_life_days"));
        let archived = replaceable(fields, "archived");
        Some(Self {
            sku: sku?,
            name: name?.map(|name| name.0),
            base_unit: base_unit?,
            kind: kind?,
            pick: pick?,
            track_lots: track_lots?,
            track_expiry: track_expiry?,
            date_kind: date_kind?,
            grace_days: grace_days?.map(|days| days.0),
            shelf_life_days: shelf_life?.map(|days| days.0),
            opened_shelf_life_days: opened?.map(|days| days.0),
            archived: archived?,
        })
    }
}

/// Changes an item.
pub async fn execute(state: &Inventory, caller: &Caller, id: ItemId, seen: IfMatch, request: Request) -> Result<Item, Error> {
    caller.need(Permission::ManageCatalogue)?;
    state.write(caller, (id, seen, request), |task, txn| Box::pin(update(task, txn))).await
}

async fn update(task: &Task<(ItemId, IfMatch, Request)>, txn: &Txn) -> Result<Item, Error> {
    let (tenant, (id, seen, request)) = (task.caller.tenant_id, &task.input);
    if request.base_unit.is_some() {
        units::repository::lock_conversions(txn, tenant).await?;
    }
    let (before, mut base_unit_id) = repository::lock(txn, tenant, *id).await?.ok_or(Error::NotFound("item"))?;
    seen.check(before.version)?;
    let mut item = before.clone();
    request.apply(&mut item);
    item.set_archived(request.archived.unwrap_or(before.archived), task.now);
    if let Some(code) = request.base_unit.as_ref().filter(|code| code.as_str() != before.base_unit) {
        let unit = units::repository::find_by_code(txn, tenant, code.as_str()).await?;
        let unit = unit.ok_or_else(|| Error::invalid("/base_unit", "unit_not_found", format!("there is no unit `{code}`")))?;
        (item.base_unit, base_unit_id) = (unit.code, unit.id);
    }
    if item == before {
        return Ok(before);
    }
    check_ledger(txn, tenant, &before, &item, task.now).await?;
    item.version += 1;
    item.updated_at = task.now.max(before.updated_at);
    repository::save(txn, tenant, &item, base_unit_id).await?;
    Ok(item)
}

/// Whether the ledger allows the change. The head is locked first, so that what is then read of the stock holds until the
/// change is committed, and postings that were decided before it begin anew.
async fn check_ledger(txn: &Txn, tenant: TenantId, before: &Item, item: &Item, now: Instant) -> Result<(), Error> {
    let (archiving, new_base) = (item.archived != before.archived, item.base_unit != before.base_unit);
    if archiving || new_base {
        bump_rules(txn, tenant).await?;
    }
    if archiving && item.archived && repository::has_stock(txn, tenant, item.id).await? {
        let detail = format!("There is stock of `{}`; an item without stock can be archived.", before.sku);
        return Err(Error::Conflict { code: "item_has_stock", detail });
    }
    if archiving && item.archived {
        in_use::refuse("item_in_use", &before.sku, &in_use::of_item(txn, tenant, item.id, now).await?)?;
    }
    if new_base && (repository::has_entries(txn, tenant, item.id).await? || item_units::repository::has_any(txn, tenant, item.id).await?) {
        let detail = format!("`{}` was moved or has units of its own; its base unit `{}` is fixed.", before.sku, before.base_unit);
        return Err(Error::Conflict { code: "base_unit_fixed", detail });
    }
    Ok(())
}

impl Request {
    /// Writes what needs no question to the database.
    fn apply(&self, item: &mut Item) {
        fn replace<T: Clone>(field: &mut T, value: Option<&T>) {
            if let Some(value) = value {
                field.clone_from(value);
            }
        }
        if let Some(sku) = &self.sku {
            item.sku = sku.to_string();
        }
        replace(&mut item.name, self.name.as_ref());
        replace(&mut item.kind, self.kind.as_ref());
        replace(&mut item.pick, self.pick.as_ref());
        replace(&mut item.track_lots, self.track_lots.as_ref());
        replace(&mut item.track_expiry, self.track_expiry.as_ref());
        replace(&mut item.date_kind, self.date_kind.as_ref());
        replace(&mut item.grace_days, self.grace_days.as_ref());
        self.shelf_life_days.apply(&mut item.shelf_life_days);
        self.opened_shelf_life_days.apply(&mut item.opened_shelf_life_days);
    }
}

/// Changes or archives an item (JSON merge patch).
#[utoipa::path(
    operation_id = "update_item",
    tag = "catalogue",
    request_body = Request,
    params(("id" = Uuid, Path, description = "The item's id."), ("If-Match" = String, Header, description = answers::IF_MATCH)),
    responses(
        (status = 200, description = "The item as it is now.", body = Item, headers(("ETag" = String, description = "The version, for If-Match."))),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = answers::NOT_FOUND, body = ProblemDocument<'_>),
        (status = 409, description = "`already_exists`: there is an item with this sku. `item_has_stock`, `item_in_use` with the transfers, counts and reservations in `in_use`: it cannot be archived. `base_unit_fixed`: it was moved or has units of its own.", body = ProblemDocument<'_>),
        (status = 412, description = answers::MISMATCH, body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, in its `errors` also `unit_not_found`", body = ProblemDocument<'_>),
        (status = 428, description = answers::IF_MATCH_REQUIRED, body = ProblemDocument<'_>),
    )
)]
#[patch("/items/{id}")]
pub async fn handler(state: Data<Inventory>, caller: Caller, id: Path<Uuid>, seen: IfMatch, body: Body<Request>) -> Result<HttpResponse, Error> {
    let item = execute(&state, &caller, *id, seen, body.request).await?;
    Ok(versioned(item.version, &item))
}
