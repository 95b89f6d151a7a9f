//! Lots: what came in together, what is left of it where, whether it may be used, and what became of it.

mod open;
mod read;
mod recall;
mod reseal;
mod trace;
mod update;

use kernel::Routes;
use sea_orm::DbErr;

use crate::ledger::Hold;
use crate::names::Word as _;

pub fn routes(routes: &mut impl Routes) {
    routes.service(read::list_lots).service(read::get_lot).service(update::update_lot);
    routes.service(trace::trace_lot).service(recall::recall_lot).service(open::open_lot).service(reseal::reseal_lot);
}

crate::names::words!(
    /// Whether a lot may be used.
    LotStatus {
        Ok = "ok",
        /// Past its date, and the item's grace days where that is a best-before date.
        Expired = "expired",
        /// Until somebody has looked at it.
        Hold = "hold",
        /// The supplier or an authority has called it back.
        Recall = "recall",
    }
);

impl LotStatus {
    /// From what is stored of a hold, and whether the lot is expired.
    pub fn of_lot(hold: Option<&str>, expired: bool) -> Result<Self, DbErr> {
        Ok(match hold.map(Hold::stored).transpose()? {
            Some(Hold::Recall) => Self::Recall,
            Some(Hold::Hold) => Self::Hold,
            None if expired => Self::Expired,
            None => Self::Ok,
        })
    }
}
