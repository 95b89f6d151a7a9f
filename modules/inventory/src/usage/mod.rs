//! Goods that are used, and what for.

pub mod post_usage;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(post_usage::post_usage);
}
