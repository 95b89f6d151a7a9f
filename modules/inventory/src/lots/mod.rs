//! Lots: what came in together, and what is left of it where.

mod read;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(read::list_lots).service(read::get_lot);
}
