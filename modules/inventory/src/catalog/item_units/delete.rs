//! `DELETE /items/{id}/units/{unit}`.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, delete};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Permission, Txn};
use uuid::Uuid;

use super::repository;
use crate::Inventory;
use crate::catalog::{answers, units};
use crate::error::Error;
use crate::idempotency::Task;
use crate::names::ItemId;

/// Deletes a unit of an item. Documents keep the quantity and the unit that were entered, and what they came to.
pub async fn execute(state: &Inventory, caller: &Caller, id: ItemId, unit: String) -> Result<(), Error> {
    caller.need(Permission::ManageCatalogue)?;
    state.write(caller, (id, unit), |task, txn| Box::pin(delete(task, txn))).await
}

async fn delete(task: &Task<(ItemId, String)>, txn: &Txn) -> Result<(), Error> {
    let (tenant, (item, unit)) = (task.caller.tenant_id, &task.input);
    units::repository::lock_conversions(txn, tenant).await?;
    if repository::delete(txn, tenant, *item, unit).await? { Ok(()) } else { Err(Error::NotFound("unit of the item")) }
}

/// Deletes a unit of an item's own. What was posted in it stays as it is.
#[utoipa::path(
    operation_id = "delete_item_unit",
    tag = "catalogue",
    params(("id" = Uuid, Path, description = "The item's id."), ("unit" = String, Path, description = "The unit's code.")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = answers::NOT_FOUND, body = ProblemDocument<'_>),
    )
)]
#[delete("/items/{id}/units/{unit}")]
pub async fn handler(state: Data<Inventory>, caller: Caller, path: Path<(Uuid, String)>) -> Result<HttpResponse, Error> {
    let (id, unit) = path.into_inner();
    execute(&state, &caller, id, unit).await?;
    Ok(HttpResponse::NoContent().finish())
}
