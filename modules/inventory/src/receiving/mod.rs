//! Goods that come in.

pub mod charge_receipt;
pub mod correct_receipt;
mod lines;
pub mod post_receipt;
mod received;
mod shortages;

use kernel::Routes;

pub use lines::{Entered, stored_lines};

pub fn routes(routes: &mut impl Routes) {
    routes.service(post_receipt::post_receipt).service(charge_receipt::charge_receipt).service(correct_receipt::correct_receipt);
}
