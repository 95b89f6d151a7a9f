//! Reports: pure functions of the ledger.

pub mod valuation;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(valuation::valuation_report);
}
