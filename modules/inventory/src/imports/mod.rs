//! Files that people already have. What differs from one import to another stands in its own file; how a file is read, taken in
//! once and told of is the same for all.

mod batches;
mod columns;
mod counts;
mod dates;
mod inbound;
mod opening_stock;
mod places;
mod receipts;
mod report;
mod repository;
mod request;
mod rows;
mod table;
mod upload;

pub use report::ImportReport;

use kernel::Routes;

pub fn routes(routes: &mut impl Routes) {
    routes.service(opening_stock::import_opening_stock).service(receipts::import_receipts).service(counts::import_counts);
}
