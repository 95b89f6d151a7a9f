//! Files that people already have.

mod columns;
mod dates;
mod opening_stock;
mod repository;
mod rows;
mod table;

pub use opening_stock::ImportReport;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(opening_stock::import_opening_stock);
}
