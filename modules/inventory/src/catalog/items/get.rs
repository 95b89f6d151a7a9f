//! `GET /items/{id}`.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Permission};
use uuid::Uuid;

use super::{Item, repository};
use crate::Inventory;
use crate::catalog::answers;
use crate::error::Error;
use crate::http::versioned;
use crate::names::ItemId;

/// One item.
pub async fn execute(state: &Inventory, caller: &Caller, id: ItemId) -> Result<Item, Error> {
    caller.need(Permission::Read)?;
    let found = repository::find(state.database().reader(), caller.tenant_id, id).await?;
    found.map(|(item, _)| item).ok_or(Error::NotFound("item"))
}

/// Answers an item.
#[utoipa::path(
    operation_id = "get_item",
    tag = "catalogue",
    params(("id" = Uuid, Path, description = "The item's id.")),
    responses(
        (status = 200, description = "The item.", body = Item, headers(("ETag" = String, description = "The version, for If-Match."))),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = answers::NOT_FOUND, body = ProblemDocument<'_>),
    )
)]
#[get("/items/{id}")]
pub async fn handler(state: Data<Inventory>, caller: Caller, id: Path<Uuid>) -> Result<HttpResponse, Error> {
    let item = execute(&state, &caller, *id).await?;
    Ok(versioned(item.version, &item))
}
