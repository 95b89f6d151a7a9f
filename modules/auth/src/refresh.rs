//! `POST /refresh`: a refresh token becomes the next tokens of its session.

use actix_web::{HttpResponse, post, web};
use kernel::problem::ProblemDocument;
use kernel::{Body, Fields, FromFields, Instant, Problem, Text, Txn};
use utoipa::ToSchema;

use crate::audit::{Act, Concerned, Event, Witness};
use crate::error::Error;
use crate::sessions::{Standing, Verdict, repository};
use crate::tokens::{Presented, Subject, Tokens};
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, instance, settled};

/// What is exchanged.
#[derive(ToSchema)]
#[schema(as = RefreshRequest)]
pub struct Request {
    /// The refresh token of the last answer.
    #[schema(value_type = String)]
    refresh_token: RefreshToken,
}

/// A refresh token as it is sent. It has no `Debug`: it is a credential.
pub(crate) struct RefreshToken(String);

impl kernel::FromValue for RefreshToken {
    fn from_value(value: &serde_json::Value) -> Result<Self, kernel::Flaw> {
        Text::<1, 200>::from_value(value).map(|text| Self(text.0))
    }
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { refresh_token: fields.required("refresh_token")? })
    }
}

struct Refresh {
    presented: Presented,
    now: Instant,
    witness: Witness,
}

/// What became of a refresh token that was authentic.
enum Outcome {
    Given(Box<Subject>),
    Reused,
    Ahead,
    /// The session had ended.
    Over,
}

/// Gives the next tokens, or the last ones once more, or ends the session: see [`crate::sessions::Rotation`]. A token that this
/// installation did not make writes nothing.
pub(crate) async fn execute(auth: &Auth, request: Request) -> Result<Tokens, Error> {
    let state = auth.0.clone();
    let presented = authentic(auth, &request.refresh_token).await?;
    let now = state.clock.now();
    let refresh = Refresh { presented, now, witness: Witness::new(&state.clock, &state.ids) };
    settled(async move {
        let outcome = state.database.write(refresh, |refresh, txn| Box::pin(turn(refresh, txn))).await;
        state.sessions.forget(presented.session_id);
        match outcome? {
            Outcome::Given(subject) => state.tokens.issue(&subject, state.ids.next(now), now),
            Outcome::Reused => Err(Error::RefreshReused),
            Outcome::Ahead => Err(Error::RefreshInvalid),
            Outcome::Over => Err(Error::SessionRevoked),
        }
    })
    .await
}

/// What a refresh token says, where this installation made it; 401 `refresh_invalid` for any other. Only reads, so that strangers
/// keep nobody waiting.
pub(crate) async fn authentic(auth: &Auth, token: &RefreshToken) -> Result<Presented, Error> {
    let reader = auth.0.database.reader();
    let presented = Presented::read(&token.0).ok_or(Error::RefreshInvalid)?;
    let nonce = repository::nonce(reader, presented.session_id).await?.ok_or(Error::RefreshInvalid)?;
    let epoch = instance::find(reader).await?.ok_or(Error::RefreshInvalid)?.epoch;
    if auth.0.tokens.made(&presented, &nonce, epoch) { Ok(presented) } else { Err(Error::RefreshInvalid) }
}

async fn turn(refresh: &Refresh, txn: &Txn) -> Result<Outcome, Error> {
    let Refresh { presented, now, witness } = refresh;
    repository::hold(txn, presented.session_id).await?;
    let standing = repository::standing(txn, presented.session_id).await?;
    let Some(standing) = standing.filter(|standing| standing.lasts(*now)) else { return Ok(Outcome::Over) };
    match standing.rotation().judge(presented.counter, *now) {
        Verdict::Rotate => {
            let rotated = repository::rotate(txn, standing.session_id, presented.counter, *now).await?;
            Ok(if rotated { Outcome::Given(Box::new(standing.subject(presented.counter + 1))) } else { Outcome::Over })
        }
        Verdict::Repeat => {
            witness.done(Act::RefreshRepeated, concerned(&standing)).record(txn).await?;
            Ok(Outcome::Given(Box::new(standing.subject(standing.counter))))
        }
        Verdict::Reused => {
            end(txn, &standing, *now, &witness.refused(Act::RefreshReused, concerned(&standing))).await?;
            Ok(Outcome::Reused)
        }
        Verdict::Ahead => {
            end(txn, &standing, *now, &witness.refused(Act::RefreshAhead, concerned(&standing))).await?;
            Ok(Outcome::Ahead)
        }
    }
}

async fn end(txn: &Txn, standing: &Standing, now: Instant, event: &Event) -> Result<(), Error> {
    repository::revoke(txn, standing.user_id, standing.session_id, now).await?;
    Ok(event.record(txn).await?)
}

fn concerned(standing: &Standing) -> Concerned {
    Concerned::session(standing.tenant_id, standing.user_id, standing.session_id)
}

/// Gives the next tokens of a session for its refresh token.
///
/// Each refresh token is used once; the answer holds the next one. Where an answer was lost, the same token may be sent again: the
/// same successor is given, as long as nobody has used its access token, and for ten seconds in any case. A token that was used
/// before that ends the session, since somebody may have a copy of it.
#[utoipa::path(
    operation_id = "refresh",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 200, description = "The next tokens.", body = Tokens),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 401, description = "`refresh_invalid`: not a refresh token of this server, or one from after the backup that its database was restored from. `refresh_reused`: it was used before; the session has ended. `session_revoked`: the session had ended.", body = ProblemDocument<'_>),
    )
)]
#[post("/refresh")]
pub(crate) async fn handler(auth: web::Data<Auth>, _: NoIdempotencyKey, body: Body<Request>) -> Result<HttpResponse, Problem> {
    let tokens = execute(&auth, body.request).await?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(tokens))
}
