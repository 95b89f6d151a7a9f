//! Whether the server runs, and whether it can work.

use std::time::Duration;

use actix_web::get;
use actix_web::web::{Data, Json};
use auth::Auth;
use inventory::Inventory;
use kernel::{Forwarding, Problem};
use sea_orm::DbErr;
use serde::Serialize;
use utoipa::ToSchema;

/// How long a database may take to answer before it counts as away.
#[derive(Clone, Copy, Debug)]
pub struct ReadyTimeout(pub Duration);

#[derive(Debug, Serialize, ToSchema)]
pub struct Live {
    /// Always `live`.
    pub status: &'static str,
    /// The version of this program.
    pub version: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Ready {
    /// Always `ready`; anything else is a problem document.
    pub status: &'static str,
    /// Each database by its module.
    pub databases: Reached,
    /// `fine`, or `proxy_untrusted`: a private address that is not among the trusted proxies has sent `X-Forwarded-For` since the start. It is
    /// ignored, so everybody who comes through that proxy is taken for one.
    pub forwarding: &'static str,
}

/// Each database by its module. In the problem document of a 503 one or both are `away`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reached {
    /// `up` or `away`.
    pub auth: &'static str,
    /// `up` or `away`.
    pub inventory: &'static str,
}

/// The process runs and answers; says nothing of its databases.
#[utoipa::path(operation_id = "health_live", tag = "operations", responses((status = 200, description = "It runs", body = Live)))]
#[get("/health/live")]
pub async fn live() -> Json<Live> {
    Json(Live { status: "live", version: env!("CARGO_PKG_VERSION") })
}

/// Both databases answer, so requests can be sent here.
#[utoipa::path(
    operation_id = "health_ready",
    tag = "operations",
    responses((status = 200, description = "Both databases answer", body = Ready), (status = 503, description = "`database_unavailable`: `databases` says which"))
)]
#[get("/health/ready")]
pub async fn ready(auth: Data<Auth>, inventory: Data<Inventory>, patience: Data<ReadyTimeout>, forwarding: Data<Forwarding>) -> Result<Json<Ready>, Problem> {
    let (auth, inventory) = futures::join!(reach(auth.ping(), patience.0), reach(inventory.ping(), patience.0));
    let databases = Reached { auth, inventory };
    if databases.auth == "up" && databases.inventory == "up" {
        let forwarding = if forwarding.is_proxy_untrusted() { "proxy_untrusted" } else { "fine" };
        return Ok(Json(Ready { status: "ready", databases, forwarding }));
    }
    Err(Problem::new(503, "database_unavailable", "A database does not answer.").fact("databases", databases).retry_after(1))
}

async fn reach(ping: impl Future<Output = Result<(), DbErr>>, patience: Duration) -> &'static str {
    match tokio::time::timeout(patience, ping).await {
        Ok(Ok(())) => "up",
        Ok(Err(error)) => {
            tracing::warn!(%error, "a database does not answer");
            "away"
        }
        Err(_) => "away",
    }
}
