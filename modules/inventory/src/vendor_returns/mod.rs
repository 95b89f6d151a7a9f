//! Goods that go back to who sold them.

pub mod post_vendor_return;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(post_vendor_return::post_vendor_return);
}
