//! `GET /items/{id}/units`.

use actix_web::get;
use actix_web::web::{Data, Json, Path};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Cursor, Fields, FromFields, Limit, Page, Permission, Query};
use utoipa::IntoParams;
use uuid::Uuid;

use super::{ItemUnit, repository};
use crate::Inventory;
use crate::catalog::{answers, items};
use crate::error::Error;
use crate::names::ItemId;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// How many units, 1 to 500; 50 where nothing is said.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500)]
    pub limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (limit, cursor) = (fields.or("limit", Limit::default()), fields.optional("cursor"));
        Some(Self { limit: limit?, cursor: cursor? })
    }
}

/// The units of an item, by code.
pub async fn execute(state: &Inventory, caller: &Caller, id: ItemId, request: Request) -> Result<Page<ItemUnit>, Error> {
    caller.need(Permission::Read)?;
    let after = request.cursor.map(|cursor| cursor.key()).transpose()?;
    state.ensure_known(caller.tenant_id).await?;
    let connection = state.database().reader();
    let (item, _) = items::repository::find(connection, caller.tenant_id, id).await?.ok_or(Error::NotFound("item"))?;
    let units = repository::page(connection, caller.tenant_id, &item, after, request.limit).await?;
    Ok(Page::cut(units, request.limit, |unit| unit.unit.clone()))
}

/// Lists the units of an item's own, by code.
#[utoipa::path(
    operation_id = "list_item_units",
    tag = "catalogue",
    params(("id" = Uuid, Path, description = "The item's id."), Request),
    responses(
        (status = 200, description = "A page of units.", body = Page<ItemUnit>),
        (status = 400, description = answers::CURSOR, body = ProblemDocument<'_>),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = answers::NOT_FOUND, body = ProblemDocument<'_>),
    )
)]
#[get("/items/{id}/units")]
pub async fn handler(state: Data<Inventory>, caller: Caller, id: Path<Uuid>, query: Query<Request>) -> Result<Json<Page<ItemUnit>>, Error> {
    execute(&state, &caller, *id, query.0).await.map(Json)
}
