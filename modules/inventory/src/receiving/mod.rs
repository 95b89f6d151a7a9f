//! Goods that come in.

mod lines;
pub mod post_receipt;
mod shortages;

use utoipa_actix_web::service_config::ServiceConfig;

pub use lines::{Entered, stored_lines};

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(post_receipt::post_receipt);
}
