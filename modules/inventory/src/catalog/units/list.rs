//! `GET /units`.

use actix_web::get;
use actix_web::web::{Data, Json};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Cursor, Fields, FromFields, Limit, Page, Permission, Query};
use utoipa::IntoParams;

use super::{Unit, repository};
use crate::Inventory;
use crate::catalog::answers;
use crate::error::Error;

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

/// The units of the caller's tenant, by code.
pub async fn execute(state: &Inventory, caller: &Caller, request: Request) -> Result<Page<Unit>, Error> {
    caller.need(Permission::Read)?;
    let after = request.cursor.map(|cursor| cursor.key()).transpose()?;
    state.ensure_known(caller.tenant_id).await?;
    let units = repository::page(state.database().reader(), caller.tenant_id, after, request.limit).await?;
    Ok(Page::cut(units, request.limit, |unit| unit.code.clone()))
}

/// Lists the units of measure, by code. A new tenant has the usual ones.
#[utoipa::path(
    operation_id = "list_units",
    tag = "catalogue",
    params(Request),
    responses(
        (status = 200, description = "A page of units.", body = Page<Unit>),
        (status = 400, description = answers::CURSOR, body = ProblemDocument<'_>),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
    )
)]
#[get("/units")]
pub async fn handler(state: Data<Inventory>, caller: Caller, query: Query<Request>) -> Result<Json<Page<Unit>>, Error> {
    execute(&state, &caller, query.0).await.map(Json)
}
