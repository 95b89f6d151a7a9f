//! `GET /tenants/{tenant}/audit`: what happened in a tenant.

use actix_web::middleware::from_fn;
use actix_web::{get, web};
use auth_entity::{audit_address, audit_event};
use kernel::instant::stored;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Cursor, Fields, FromFields, Instant, Limit, Page, Permission, Problem, Query};
use sea_orm::{ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::audit::Act;
use crate::error::Error;
use crate::members::in_own_tenant;
use crate::signed_in::signed_in;
use crate::{Auth, pages};

/// What cursors of this list begin with.
const LIST: &str = "auth_events";

/// Something that happened, done or refused.
#[derive(Serialize, ToSchema)]
#[schema(as = AuthEvent)]
pub struct Response {
    /// Its id.
    pub id: Uuid,
    /// When.
    pub occurred_at: Instant,
    /// What: `login`, `change_member`, `create_api_key` and so on.
    pub act: String,
    /// `done` or `refused`.
    pub outcome: String,
    /// How often it happened, where several are told as one.
    pub times: i64,
    /// Who did it. The user may have been deleted since.
    pub user_id: Option<Uuid>,
    /// In which session.
    pub session_id: Option<Uuid>,
    /// What it was done to: a membership, an invite, a key, a user, a tenant.
    pub object_id: Option<Uuid>,
    /// The request that did it, as in its answer's `X-Request-Id` and the server's log.
    pub request_id: Option<String>,
    /// From which IP address; null where none is known, and after 90 days.
    pub address: Option<String>,
}

impl From<(audit_event::Model, Option<audit_address::Model>)> for Response {
    fn from((event, address): (audit_event::Model, Option<audit_address::Model>)) -> Self {
        Self {
            id: event.id,
            occurred_at: event.occurred_at.into(),
            act: event.act,
            outcome: event.outcome,
            times: event.times,
            user_id: event.user_id,
            session_id: event.session_id,
            object_id: event.object_id,
            request_id: event.request_id,
            address: address.map(|address| address.address),
        }
    }
}

/// Which events are asked for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// Only this act, as events say it.
    #[param(value_type = Option<String>)]
    act: Option<Act>,
    /// Only what this user did.
    user_id: Option<Uuid>,
    /// Not before this time.
    from: Option<Instant>,
    /// Before this time.
    to: Option<Instant>,
    /// 1 to 500; 50 where nothing is said.
    #[param(value_type = Option<u16>)]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (act, user_id, from, to) = (fields.optional("act"), fields.optional("user_id"), fields.optional("from"), fields.optional("to"));
        let (limit, cursor) = (fields.or("limit", Limit::default()), fields.optional("cursor"));
        Some(Self { act: act?, user_id: user_id?, from: from?, to: to?, limit: limit?, cursor: cursor? })
    }
}

impl Request {
    fn filter(&self) -> Condition {
        Condition::all()
            .add_option(self.act.map(|act| audit_event::Column::Act.eq(act.name())))
            .add_option(self.user_id.map(|user_id| audit_event::Column::UserId.eq(user_id)))
            .add_option(self.from.map(|from| audit_event::Column::OccurredAt.gte(stored(from))))
            .add_option(self.to.map(|to| audit_event::Column::OccurredAt.lt(stored(to))))
    }
}

pub(crate) async fn execute(auth: &Auth, caller: &Caller, request: &Request) -> Result<Page<Response>, Problem> {
    let after = pages::after(LIST, request.cursor.as_ref())?;
    let here = request.filter().add(audit_event::Column::TenantId.eq(caller.tenant_id));
    let found = newest(auth.0.database.reader(), here, after, request.limit.probe()).await.map_err(Error::from)?;
    let page = pages::cut(LIST, found, request.limit, |(event, _)| (Instant::from(event.occurred_at), event.id));
    Ok(page.map(Response::from))
}

/// The last events that a condition holds for, the last one first; from behind `after` on.
pub(crate) async fn newest(
    connection: &impl ConnectionTrait,
    which: Condition,
    after: Option<(Instant, Uuid)>,
    most: u64,
) -> Result<Vec<(audit_event::Model, Option<audit_address::Model>)>, DbErr> {
    let mut events = audit_event::Entity::find()
        .find_also_related(audit_address::Entity)
        .filter(which)
        .order_by_desc(audit_event::Column::OccurredAt)
        .order_by_desc(audit_event::Column::Id)
        .limit(most);
    if let Some((occurred_at, id)) = after {
        let same = audit_event::Column::OccurredAt.eq(stored(occurred_at)).and(audit_event::Column::Id.lt(id));
        events = events.filter(Condition::any().add(audit_event::Column::OccurredAt.lt(stored(occurred_at))).add(same));
    }
    events.all(connection).await
}

/// Lists what happened in the tenant, the last of it first: log-ins, changes of members, invites, keys, what was refused.
///
/// Failed log-ins are not among it: who fails has shown no tenant.
#[utoipa::path(
    operation_id = "list_auth_events",
    tag = "auth",
    params(("tenant" = Uuid, Path, description = "The tenant's id"), Request),
    responses(
        (status = 200, description = "Events.", body = Page<Response>),
        (status = 400, description = "`invalid_cursor`.", body = ProblemDocument<'_>),
        (status = 403, description = "`forbidden`: this needs the permission `admin`.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: not the tenant of this session.", body = ProblemDocument<'_>),
    )
)]
#[get("/tenants/{tenant}/audit", wrap = "from_fn(signed_in)")]
pub(crate) async fn list(
    auth: web::Data<Auth>,
    caller: Caller,
    tenant: web::Path<String>,
    query: Query<Request>,
) -> Result<web::Json<Page<Response>>, Problem> {
    in_own_tenant(&caller, &tenant)?;
    caller.need(Permission::Admin)?;
    Ok(web::Json(execute(&auth, &caller, &query.0).await?))
}
