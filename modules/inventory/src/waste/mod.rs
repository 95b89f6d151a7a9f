//! Goods that are thrown away, and why.

pub mod post_waste;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(post_waste::post_waste);
}
