//! Documents as they are read back: one shape for every kind.

mod answer;
mod heading;
mod line_answer;
mod lines;
mod read;
mod resolving;
mod reverse;
mod undone;

use kernel::Routes;

pub use answer::{BalanceAnswer, DetailAnswer, DocumentAnswer, PostedAnswer, answer};
pub use heading::{Found, Heading, LINES, need_lines};
pub(crate) use lines::cells;
pub use lines::{
    ADJUSTMENT_LINE, CORRECTION_LINE, COST_CHANGE_LINE, COUNT_RESULT_LINE, Cell, LINE_TABLES, LineTable, Lines, PLATE_WASTE_LINE, RECEIPT_CHARGE, RECEIPT_LINE,
    TRANSFER_STEP_LINE, TRANSFORMATION_LINE, USAGE_LINE, VENDOR_RETURN_LINE, WASTE_LINE, by_table, count_lines, details, line_tables, stored,
};
pub use resolving::{both, every_line};
pub(crate) use reverse::{Undo, Undoing, When, reverse};
pub(crate) use undone::lock_document;

pub fn routes(routes: &mut impl Routes) {
    routes.service(read::list_documents).service(read::get_document).service(reverse::reverse_document);
    routes.service(read::list_receipts).service(read::get_receipt).service(read::list_waste).service(read::get_waste);
    routes.service(read::list_transformations).service(read::get_transformation);
    routes.service(read::list_usage).service(read::get_usage);
    routes.service(read::list_adjustments).service(read::get_adjustment);
    routes.service(read::list_vendor_returns).service(read::get_vendor_return);
}
