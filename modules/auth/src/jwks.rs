//! `GET /jwks.json`: the keys that access tokens are verified with.

use actix_web::{get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Auth;
use crate::keys::PublicKey;

/// A JSON Web Key Set (RFC 7517).
#[derive(Serialize, ToSchema)]
#[schema(as = JsonWebKeySet)]
pub struct Response {
    /// The key that signs, the one that will sign next, and those that have signed until lately.
    pub keys: Vec<PublicKey>,
}

pub fn execute(auth: &Auth) -> Response {
    Response { keys: auth.0.tokens.published() }
}

/// The public keys that access tokens are signed with.
#[utoipa::path(
    operation_id = "get_jwks",
    tag = "auth",
    responses((status = 200, description = "The keys in use.", body = Response))
)]
#[get("/jwks.json")]
pub(crate) async fn handler(auth: web::Data<Auth>) -> web::Json<Response> {
    web::Json(execute(&auth))
}
