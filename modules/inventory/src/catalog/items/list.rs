//! `GET /items`.

use actix_web::get;
use actix_web::web::{Data, Json};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Cursor, Fields, FromFields, Instant, Limit, Page, Permission, Query, Text};
use utoipa::IntoParams;

use super::repository::{Order, Wanted};
use super::{Item, repository};
use crate::Inventory;
use crate::catalog::{Archived, answers};
use crate::error::Error;
use crate::names::ItemId;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// Only items whose name or sku contains this text of 1 to 200 characters, in upper or lower case.
    pub q: Option<String>,
    /// `false` (also where nothing is said): those in use; `true`: those that are archived; `all`.
    #[param(value_type = Option<Archived>, inline)]
    pub archived: Archived,
    /// Only items that were changed at this time or later, in the order of their changes: for keeping a copy. Ask with
    /// `archived=all`, and again from a minute before the latest `updated_at` that you have seen, because a change becomes
    /// visible a moment after its time.
    #[param(value_type = Option<String>, format = DateTime)]
    pub updated_since: Option<Instant>,
    /// How many items, 1 to 500; 50 where nothing is said.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500)]
    pub limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (q, archived) = (fields.optional::<Text<1, 200>>("q"), fields.or("archived", Archived::No));
        let updated_since = fields.optional("updated_since");
        let (limit, cursor) = (fields.or("limit", Limit::default()), fields.optional("cursor"));
        Some(Self { q: q?.map(|text| text.0), archived: archived?, updated_since: updated_since?, limit: limit?, cursor: cursor? })
    }
}

/// The items of the caller's tenant, by sku, or in the order of their changes.
pub async fn execute(state: &Inventory, caller: &Caller, request: Request) -> Result<Page<Item>, Error> {
    caller.need(Permission::Read)?;
    let order = match (request.updated_since, request.cursor) {
        (None, cursor) => Order::Sku { after: cursor.map(|cursor| cursor.key()).transpose()? },
        (Some(since), cursor) => Order::Change { since, after: cursor.map(|cursor| cursor.key::<(Instant, ItemId)>()).transpose()? },
    };
    state.ensure_known(caller.tenant_id).await?;
    let wanted = Wanted { text: request.q, archived: request.archived, order, limit: request.limit };
    let items = repository::page(state.database().reader(), caller.tenant_id, wanted).await?;
    Ok(match request.updated_since {
        None => Page::cut(items, request.limit, |item| item.sku.clone()),
        Some(_) => Page::cut(items, request.limit, |item| (item.updated_at, item.id)),
    })
}

/// Lists the items, by sku; with `updated_since` in the order of their changes.
#[utoipa::path(
    operation_id = "list_items",
    tag = "catalogue",
    params(Request),
    responses(
        (status = 200, description = "A page of items.", body = Page<Item>),
        (status = 400, description = answers::CURSOR, body = ProblemDocument<'_>),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
    )
)]
#[get("/items")]
pub async fn handler(state: Data<Inventory>, caller: Caller, query: Query<Request>) -> Result<Json<Page<Item>>, Error> {
    execute(&state, &caller, query.0).await.map(Json)
}
