//! Reading periods, one by one or as a list, the latest first.

use actix_web::{HttpResponse, get, web};
use chrono::NaiveDate;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Listing, Page, Permission, Query};
use uuid::Uuid;

use super::{Period, repository};
use crate::Inventory;
use crate::catalog::answers;
use crate::error::Error;
use crate::http::{Id, versioned};

pub async fn list(state: &Inventory, caller: &Caller, request: Listing) -> Result<Page<Period>, Error> {
    caller.need(Permission::Read)?;
    let before: Option<NaiveDate> = request.after()?;
    let found = repository::page(state.database().reader(), caller.tenant_id, before, request.limit.probe()).await?;
    Ok(Page::cut(found, request.limit, |period| period.last_day))
}

pub async fn get(state: &Inventory, caller: &Caller, id: Uuid) -> Result<Period, Error> {
    caller.need(Permission::Read)?;
    repository::find(state.database().reader(), caller.tenant_id, id).await?.ok_or(Error::NotFound("period"))
}

/// Lists periods, the latest first.
#[utoipa::path(
    tag = "periods",
    operation_id = "list_periods",
    params(Listing),
    responses(
        (status = 200, description = "Periods", body = Page<Period>),
        (status = 400, description = answers::CURSOR, body = ProblemDocument<'_>),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
    )
)]
#[get("/periods")]
pub async fn list_periods(state: web::Data<Inventory>, caller: Caller, query: Query<Listing>) -> Result<web::Json<Page<Period>>, Error> {
    list(&state, &caller, query.0).await.map(web::Json)
}

/// Reads a period.
#[utoipa::path(
    tag = "periods",
    operation_id = "get_period",
    params(("id" = Uuid, Path, description = "The period's id")),
    responses(
        (status = 200, description = "The period", body = Period, headers(("ETag" = String, description = "The version."))),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
        (status = 404, description = answers::NOT_FOUND, body = ProblemDocument<'_>),
    )
)]
#[get("/periods/{id}")]
pub async fn get_period(state: web::Data<Inventory>, caller: Caller, id: Id) -> Result<HttpResponse, Error> {
    let period = get(&state, &caller, id.0).await?;
    Ok(versioned(period.version, &period))
}
