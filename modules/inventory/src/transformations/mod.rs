//! Goods that become other goods: frozen, thawed, portioned, trimmed, repacked, cooked.

pub mod post_transformation;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(post_transformation::post_transformation);
}
