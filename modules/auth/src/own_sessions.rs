//! `/sessions`: where the caller is logged in, and how that is ended.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, delete, get, post, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Instant, Listing, Page, Problem, Query, Txn};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::{Act, Concerned, Witness};
use crate::error::Error;
use crate::members::repository::hold_user;
use crate::sessions::repository;
use crate::signed_in::signed_in_to_enrol;
use crate::{Auth, pages, settled};

/// What cursors of this list begin with.
const LIST: &str = "sessions";

/// A session of the caller that has not ended.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub struct Response {
    /// Its id.
    pub id: Uuid,
    /// Whether it is the one that asks.
    pub current: bool,
    /// The tenant that it works in.
    pub tenant_id: Uuid,
    /// That tenant's name.
    pub tenant_name: String,
    /// What the program called itself that logged in, cut to 300 characters; null where it said nothing.
    pub user_agent: Option<String>,
    /// When it began.
    pub created_at: Instant,
    /// When it was refreshed last, or began.
    pub last_used_at: Instant,
    /// When it ends, whatever happens; two weeks after its last refresh, if that is sooner.
    pub expires_at: Instant,
}

pub(crate) async fn execute_list(auth: &Auth, caller: &Caller, request: Listing) -> Result<Page<Response>, Problem> {
    let state = &auth.0;
    let after = pages::after(LIST, request.cursor.as_ref())?;
    let found = repository::live(state.database.reader(), caller.user_id, state.clock.now(), after, request.limit.probe()).await.map_err(Error::from)?;
    let page = pages::cut(LIST, found, request.limit, |(session, _)| (Instant::from(session.created_at), session.id));
    Ok(page.map(|(session, tenant)| Response {
        id: session.id,
        current: caller.session_id == Some(session.id),
        tenant_id: session.tenant_id,
        tenant_name: tenant.map(|tenant| tenant.name).unwrap_or_default(),
        user_agent: session.user_agent,
        created_at: session.created_at.into(),
        last_used_at: session.last_used_at.into(),
        expires_at: session.expires_at.into(),
    }))
}

/// What is ended, by whom.
struct Ending {
    user_id: Uuid,
    tenant_id: Uuid,
    session_id: Uuid,
    now: Instant,
    witness: Witness,
}

impl Ending {
    fn new(auth: &Auth, caller: &Caller, session_id: Uuid) -> Self {
        let (clock, ids) = (&auth.0.clock, &auth.0.ids);
        Self { user_id: caller.user_id, tenant_id: caller.tenant_id, session_id, now: clock.now(), witness: Witness::new(clock, ids) }
    }

    fn concerned(&self) -> Concerned {
        Concerned::session(self.tenant_id, self.user_id, self.session_id)
    }
}

/// Ends one session. It is over here when this answers, and everywhere within five seconds.
pub(crate) async fn execute_end(auth: &Auth, caller: &Caller, session_id: Uuid) -> Result<(), Error> {
    let (state, ending) = (auth.0.clone(), Ending::new(auth, caller, session_id));
    settled(async move {
        let ended = state.database.write(ending, |ending, txn| Box::pin(end_one(ending, txn))).await;
        state.sessions.forget(session_id);
        ended
    })
    .await
}

async fn end_one(ending: &Ending, txn: &Txn) -> Result<(), Error> {
    if !repository::revoke(txn, ending.user_id, ending.session_id, ending.now).await? {
        return Err(Error::NotFound("session"));
    }
    Ok(ending.witness.done(Act::EndSession, ending.concerned()).record(txn).await?)
}

/// How many sessions were ended.
#[derive(Serialize, ToSchema)]
#[schema(as = EndedSessions)]
pub struct Ended {
    /// How many those were.
    pub ended: u64,
}

/// Ends all sessions of the caller but the one that asks.
pub(crate) async fn execute_end_others(auth: &Auth, caller: &Caller) -> Result<Ended, Error> {
    let kept = caller.session_id.ok_or(Error::SessionRevoked)?;
    let (state, ending) = (auth.0.clone(), Ending::new(auth, caller, kept));
    settled(async move {
        let ended = state.database.write(ending, |ending, txn| Box::pin(end_others_of(ending, txn))).await?;
        state.sessions.forget_everybody();
        Ok(Ended { ended })
    })
    .await
}

async fn end_others_of(ending: &Ending, txn: &Txn) -> Result<u64, Error> {
    // Against one that begins out of another at this moment.
    hold_user(txn, ending.user_id).await?;
    let ended = repository::revoke_others(txn, ending.user_id, ending.session_id, ending.now).await?;
    if ended > 0 {
        ending.witness.done(Act::EndOtherSessions, ending.concerned()).record(txn).await?;
    }
    Ok(ended)
}

/// Lists where the caller is logged in, in every tenant; the session that began last comes first.
#[utoipa::path(
    operation_id = "list_sessions",
    tag = "auth",
    params(Listing),
    responses(
        (status = 200, description = "Sessions that have not ended.", body = Page<Response>),
        (status = 400, description = "`invalid_cursor`.", body = ProblemDocument<'_>),
    )
)]
#[get("/sessions", wrap = "from_fn(signed_in_to_enrol)")]
pub(crate) async fn list(auth: web::Data<Auth>, caller: Caller, query: Query<Listing>) -> Result<web::Json<Page<Response>>, Problem> {
    Ok(web::Json(execute_list(&auth, &caller, query.0).await?))
}

/// Ends one of the caller's sessions: it is over at once.
#[utoipa::path(
    operation_id = "end_session",
    tag = "auth",
    params(("id" = Uuid, Path, description = "The session's id")),
    responses(
        (status = 204, description = "It has ended."),
        (status = 404, description = "`not_found`: absent, ended before, or somebody else's.", body = ProblemDocument<'_>),
    )
)]
#[delete("/sessions/{id}", wrap = "from_fn(signed_in_to_enrol)")]
pub(crate) async fn end(auth: web::Data<Auth>, caller: Caller, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    // What is no UUID names nothing.
    let id = Uuid::try_parse(&id).map_err(|_| Error::NotFound("session"))?;
    execute_end(&auth, &caller, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Ends all sessions of the caller but the one that asks, in every tenant.
#[utoipa::path(
    operation_id = "end_other_sessions",
    tag = "auth",
    responses(
        (status = 200, description = "They have ended.", body = Ended),
    )
)]
#[post("/sessions/revoke-others", wrap = "from_fn(signed_in_to_enrol)")]
pub(crate) async fn end_others(auth: web::Data<Auth>, caller: Caller) -> Result<web::Json<Ended>, Problem> {
    Ok(web::Json(execute_end_others(&auth, &caller).await?))
}
