//! Reading periods, one by one or as a list, the latest first.

use actix_web::{HttpResponse, get, web};
use chrono::NaiveDate;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Cursor, Fields, FromFields, Limit, Page, Permission, Query};
use utoipa::IntoParams;
use uuid::Uuid;

use super::{Period, repository};
use crate::Inventory;
use crate::catalog::answers;
use crate::error::Error;
use crate::http::{Id, versioned};

/// Which periods are asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// 1 to 500; 50 where nothing is said.
    #[param(value_type = Option<u16>)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (limit, cursor) = (fields.or("limit", Limit::default()), fields.optional("cursor"));
        Some(Self { limit: limit?, cursor: cursor? })
    }
}

pub async fn list(state: &Inventory, caller: &Caller, request: Request) -> Result<Page<Period>, Error> {
    caller.need(Permission::Read)?;
    let before = request.cursor.as_ref().map(Cursor::key::<NaiveDate>).transpose()?;
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
    params(Request),
    responses(
        (status = 200, description = "Periods", body = Page<Period>),
        (status = 400, description = answers::CURSOR, body = ProblemDocument<'_>),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
    )
)]
#[get("/periods")]
pub async fn list_periods(state: web::Data<Inventory>, caller: Caller, query: Query<Request>) -> Result<web::Json<Page<Period>>, Error> {
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
