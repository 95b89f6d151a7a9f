//! Whether the server runs, and whether it can work.

use std::time::Duration;

use actix_web::get;
use actix_web::web::{Data, Json};
use auth::Auth;
use chrono::TimeDelta;
use inventory::Inventory;
use kernel::{Forwarding, Problem};
use sea_orm::DbErr;
use serde::Serialize;
use utoipa::ToSchema;

/// How far the clocks of the program and of the database may be apart.
pub const MOST_SKEW: TimeDelta = TimeDelta::seconds(5);

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
    responses(
        (status = 200, description = "Both databases answer", body = Ready),
        (status = 503, description = "`database_unavailable`: `databases` says which. `clock_skew`: the clocks of this program and of the auth database differ by `skew_seconds`, more than 5: sessions and tokens would end too early or too late"),
    )
)]
#[get("/health/ready")]
pub async fn ready(auth: Data<Auth>, inventory: Data<Inventory>, patience: Data<ReadyTimeout>, forwarding: Data<Forwarding>) -> Result<Json<Ready>, Problem> {
    let nothing = async || inventory.ping().await.map(|()| None);
    let ((auth, skew), (inventory, _)) = futures::join!(reach(auth.reach(), patience.0), reach(nothing(), patience.0));
    let databases = Reached { auth, inventory };
    if databases.auth == "up" && databases.inventory == "up" {
        if let Some(skew) = skew.filter(|skew| skew.abs() > MOST_SKEW) {
            let detail = "The clocks of this server and of its auth database differ by more than five seconds; set them by NTP.";
            return Err(Problem::new(503, "clock_skew", detail).fact("skew_seconds", skew.num_seconds()).retry_after(5));
        }
        let forwarding = if forwarding.is_proxy_untrusted() { "proxy_untrusted" } else { "fine" };
        return Ok(Json(Ready { status: "ready", databases, forwarding }));
    }
    Err(Problem::new(503, "database_unavailable", "A database does not answer.").fact("databases", databases).retry_after(1))
}

async fn reach(ping: impl Future<Output = Result<Option<TimeDelta>, DbErr>>, patience: Duration) -> (&'static str, Option<TimeDelta>) {
    match tokio::time::timeout(patience, ping).await {
        Ok(Ok(skew)) => ("up", skew),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a database does not answer");
            ("away", None)
        }
        Err(_) => ("away", None),
    }
}
