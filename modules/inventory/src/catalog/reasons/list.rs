//! `GET /reasons`.

use actix_web::get;
use actix_web::web::{Data, Json};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Cursor, Fields, FromFields, Limit, Page, Permission, Query};
use utoipa::IntoParams;

use super::repository::Wanted;
use super::{Reason, ReasonKind, repository};
use crate::Inventory;
use crate::catalog::{Archived, answers};
use crate::error::Error;
use crate::names::Word as _;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// Only reasons of this kind.
    #[param(value_type = Option<ReasonKind>, inline)]
    pub kind: Option<ReasonKind>,
    /// `false` (also where nothing is said): those in use; `true`: those that are archived; `all`.
    #[param(value_type = Option<Archived>, inline)]
    pub archived: Archived,
    /// How many reasons, 1 to 500; 50 where nothing is said.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 500)]
    pub limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    pub cursor: Option<Cursor>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (kind, archived) = (fields.optional("kind"), fields.or("archived", Archived::No));
        let (limit, cursor) = (fields.or("limit", Limit::default()), fields.optional("cursor"));
        Some(Self { kind: kind?, archived: archived?, limit: limit?, cursor: cursor? })
    }
}

/// The reasons of the caller's tenant, by kind and code.
pub async fn execute(state: &Inventory, caller: &Caller, request: Request) -> Result<Page<Reason>, Error> {
    caller.need(Permission::Read)?;
    let after = request.cursor.map(|cursor| cursor.key()).transpose()?;
    state.ensure_known(caller.tenant_id).await?;
    let wanted = Wanted { kind: request.kind, archived: request.archived, after, limit: request.limit };
    let reasons = repository::page(state.database().reader(), caller.tenant_id, wanted).await?;
    Ok(Page::cut(reasons, request.limit, |reason| (reason.kind.word(), reason.code.clone())))
}

/// Lists the reasons, by kind and code. A new tenant has the usual ones for waste.
#[utoipa::path(
    operation_id = "list_reasons",
    tag = "catalogue",
    params(Request),
    responses(
        (status = 200, description = "A page of reasons.", body = Page<Reason>),
        (status = 400, description = answers::CURSOR, body = ProblemDocument<'_>),
        (status = 403, description = answers::FORBIDDEN, body = ProblemDocument<'_>),
    )
)]
#[get("/reasons")]
pub async fn handler(state: Data<Inventory>, caller: Caller, query: Query<Request>) -> Result<Json<Page<Reason>>, Error> {
    execute(&state, &caller, query.0).await.map(Json)
}
