//! Whether the server runs, and whether it can work.

use std::time::Duration;

use actix_web::get;
use actix_web::web::{Data, Json};
use kernel::Problem;
use serde::Serialize;
use utoipa::ToSchema;

/// How long a database may take to answer before it counts as away.
const PATIENCE: Duration = Duration::from_secs(2);

/// The databases as health sees them: something to ping.
#[derive(Clone)]
pub struct Probes {
    pub auth: kernel::Database,
    pub inventory: kernel::Database,
}

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
}

/// Each database: `up`, or `away`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reached {
    /// `ok` or `unavailable`.
    pub auth: &'static str,
    /// `ok` or `unavailable`.
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
pub async fn ready(probes: Data<Probes>) -> Result<Json<Ready>, Problem> {
    let (auth, inventory) = futures::join!(reach(&probes.auth), reach(&probes.inventory));
    let databases = Reached { auth, inventory };
    if databases.auth == "up" && databases.inventory == "up" {
        return Ok(Json(Ready { status: "ready", databases }));
    }
    Err(Problem::new(503, "database_unavailable", "A database does not answer.").fact("databases", databases).retry_after(1))
}

async fn reach(database: &kernel::Database) -> &'static str {
    match tokio::time::timeout(PATIENCE, database.reader().ping()).await {
        Ok(Ok(())) => "up",
        Ok(Err(error)) => {
            tracing::warn!(%error, "a database does not answer");
            "away"
        }
        Err(_) => "away",
    }
}
