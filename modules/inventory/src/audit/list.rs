//! `GET /audit`: what was done, the latest first.

use actix_web::{get, web};
use chrono::{DateTime, FixedOffset};
use inventory_entity::audit_event;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Cursor, Fields, FromFields, Instant, Limit, Page, Permission, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Action, Subject};
use crate::Inventory;
use crate::error::Error;
use crate::http::need_all_sites;
use crate::names::Word as _;
use crate::rows::{self, Filter};

/// Which events are asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// One kind of action.
    #[param(inline)]
    action: Option<Action>,
    /// What was done to one thing: its id.
    subject_id: Option<Uuid>,
    /// What one user did: the user's id.
    actor_id: Option<Uuid>,
    /// 1 to 500; 50 where nothing is said.
    #[param(value_type = Option<u16>)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (action, subject_id, actor_id) = (fields.optional("action"), fields.optional("subject_id"), fields.optional("actor_id"));
        let (limit, cursor) = (fields.or("limit", Limit::default()), fields.optional("cursor"));
        Some(Self { action: action?, subject_id: subject_id?, actor_id: actor_id?, limit: limit?, cursor: cursor? })
    }
}

/// Something that was done.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AuditEvent)]
pub struct AuditEventAnswer {
    /// Its id.
    pub id: Uuid,
    /// When.
    pub at: Instant,
    /// The user who did it.
    pub actor_id: Uuid,
    /// What was done.
    pub action: Action,
    /// To what kind of thing.
    pub subject: Subject,
    /// The id of that thing.
    pub subject_id: Uuid,
    /// In a sentence.
    pub summary: String,
    /// What else is known of it, by name.
    #[schema(value_type = Object)]
    pub details: serde_json::Value,
}

impl TryFrom<audit_event::Model> for AuditEventAnswer {
    type Error = sea_orm::DbErr;

    fn try_from(row: audit_event::Model) -> Result<Self, sea_orm::DbErr> {
        Ok(Self {
            id: row.id,
            at: row.at.into(),
            actor_id: row.actor_id,
            action: Action::stored(&row.action)?,
            subject: Subject::stored(&row.subject)?,
            subject_id: row.subject_id,
            summary: row.summary,
            details: serde_json::from_str(&row.details).map_err(|error| sea_orm::DbErr::Json(error.to_string()))?,
        })
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, request: Request) -> Result<Page<AuditEventAnswer>, Error> {
    caller.need(Permission::Close).or_else(|_| caller.need(Permission::Admin))?;
    // An event names no site, and may be about any of them.
    need_all_sites(caller)?;
    let mut filter = Filter::tenant("audit_event.tenant_id", caller.tenant_id);
    filter.and_given("audit_event.action = ?", request.action.map(Action::word));
    filter.and_given("audit_event.subject_id = ?", request.subject_id);
    filter.and_given("audit_event.actor_id = ?", request.actor_id);
    if let Some((at, id)) = request.cursor.as_ref().map(Cursor::key::<(Instant, Uuid)>).transpose()? {
        let (at, id) = (filter.bind(DateTime::<FixedOffset>::from(at)), filter.bind(id));
        filter.and_plain(&format!("(audit_event.at, audit_event.id) < ({at}, {id})"));
    }
    let limit = request.limit.probe();
    let sql = format!("SELECT audit_event.* FROM audit_event {} ORDER BY audit_event.at DESC, audit_event.id DESC LIMIT {limit}", filter.sql());
    let found = rows::all::<audit_event::Model>(state.database().reader(), &sql, filter.into_values()).await?;
    let page = Page::cut(found, request.limit, |row| (Instant::from(row.at), row.id));
    let data: Result<Vec<_>, _> = page.data.into_iter().map(AuditEventAnswer::try_from).collect();
    Ok(Page { data: data?, next_cursor: page.next_cursor })
}

/// Lists what was done that no document tells, the latest first. Needs the permission `close` or `admin`.
#[utoipa::path(
    tag = "periods",
    operation_id = "list_audit",
    params(Request),
    responses(
        (status = 200, description = "Events", body = Page<AuditEventAnswer>),
        (status = 400, description = "`invalid_cursor`", body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`", body = ProblemDocument<'_>),
    )
)]
#[get("/audit")]
pub async fn list_audit(state: web::Data<Inventory>, caller: Caller, query: Query<Request>) -> Result<web::Json<Page<AuditEventAnswer>>, Error> {
    execute(&state, &caller, query.0).await.map(web::Json)
}
