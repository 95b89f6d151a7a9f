//! Reports: pure functions of the ledger.

mod actual;
mod costed;
mod costing;
mod paid;
mod undone;
pub mod valuation;
pub mod waste;
mod wasted;

use kernel::Routes;

pub fn routes(routes: &mut impl Routes) {
    routes.service(valuation::valuation_report).service(waste::waste_report);
}
