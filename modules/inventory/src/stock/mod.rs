//! What is there.

mod list_stock;
mod repository;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_stock::list_stock);
}
