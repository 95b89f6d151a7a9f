//! Stock that is set right, and why.

pub mod post_adjustment;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(post_adjustment::post_adjustment);
}
