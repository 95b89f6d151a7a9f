//! Reports: pure functions of the ledger.

mod actual;
mod costed;
mod costing;
mod paid;
mod undone;
pub mod valuation;
pub mod waste;
mod wasted;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(valuation::valuation_report).service(waste::waste_report);
}
