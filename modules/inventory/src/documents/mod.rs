//! Documents as they are read back: one shape for every kind.

mod answer;
mod heading;
mod lines;
mod read;

use utoipa_actix_web::service_config::ServiceConfig;

pub use answer::{ChargeAnswer, LineAnswer, LineBase, PostedAnswer, answer};
pub use heading::{Heading, LINES, need_lines};
pub(crate) use lines::cells;
pub use lines::{Cell, LINE_TABLES, LineTable, Lines, RECEIPT_CHARGE, RECEIPT_LINE, WASTE_LINE, by_table, count_lines, line_tables, stored};

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(read::list_documents).service(read::get_document);
    config.service(read::list_receipts).service(read::get_receipt).service(read::list_waste).service(read::get_waste);
}
