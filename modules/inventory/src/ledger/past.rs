//! What lay where at a time in the past: what the last closed period before it kept, and the entries since.

use chrono::{DateTime, Days, FixedOffset, NaiveTime};
use kernel::{Instant, TenantId};
use sea_orm::{ConnectionTrait, DbErr};

use super::periods::{Kept, checkpoint_before};
use crate::names::AsOf;
use crate::rows::Filter;

/// How many days after its own midnight of UTC a business date is over everywhere: the next one begins at most a day after its
/// midnight at the site, which lies at most half a day behind that of UTC.
const OVER_AFTER_DAYS: u64 = 3;

/// How to sum up what lay where.
///
/// A checkpoint holds exactly the entries of business dates up to its last day, of all sites: a closed day takes no more of them,
/// also not such as are posted later and dated back. So at the end of a business date the checkpoint of the last period that ends by then is
/// what there was, with the entries of the dates in between. An instant lies in other business dates at other sites; there a
/// checkpoint is taken only where its last day is over at every site that there could be.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    as_of: AsOf,
    kept: Option<Kept>,
}

impl Past {
    pub async fn of(connection: &impl ConnectionTrait, tenant: TenantId, as_of: AsOf) -> Result<Self, DbErr> {
        let last_day = match as_of {
            AsOf::Date(date) => Some(date),
            AsOf::Instant(instant) => instant.utc().date_naive().checked_sub_days(Days::new(OVER_AFTER_DAYS)),
        };
        let kept = match last_day {
            Some(last_day) => checkpoint_before(connection, tenant, last_day).await?,
            None => None,
        };
        Ok(Self { as_of, kept })
    }

    /// The rows (tenant_id, item_id, location_id, lot_id, quantity, value) that sum to what lay where, for the tenant `$1` of a
    /// filter; with `places`, a relation (item_id, location_id), those alone.
    pub fn rows(&self, filter: &mut Filter, places: Option<&str>) -> String {
        let (from, at) = match places {
            None => (String::new(), ""),
            Some(places) => (format!("({places}) AS place CROSS JOIN "), " AND held.item_id = place.item_id AND held.location_id = place.location_id"),
        };
        let until = match self.as_of {
            AsOf::Date(date) => format!("held.business_date <= {}", filter.bind(date)),
            AsOf::Instant(instant) => format!("held.effective_at <= {}", filter.bind(DateTime::<FixedOffset>::from(instant))),
        };
        let what = |quantity: &str, value: &str| {
            format!("SELECT held.tenant_id, held.item_id, held.location_id, held.lot_id, {quantity} AS quantity, {value} AS value")
        };
        let entries = format!("{} FROM {from}ledger_entry AS held WHERE held.tenant_id = $1{at} AND {until}", what("held.quantity_delta", "held.value_delta"));
        let Some(Kept { period, last_day, .. }) = self.kept else { return entries };
        // The next business date begins nowhere before the first midnight (UTC) of this one: it leaves no entry out, and lets the
        // index by time be used.
        let begun = Instant::from(last_day.and_time(NaiveTime::MIN).and_utc());
        let (period, last_day, begun) = (filter.bind(period), filter.bind(last_day), filter.bind(DateTime::<FixedOffset>::from(begun)));
        format!(
            "{} FROM {from}checkpoint AS held WHERE held.tenant_id = $1{at} AND held.period_id = {period} \
             UNION ALL {entries} AND held.business_date > {last_day} AND held.effective_at >= {begun}",
            what("held.quantity", "held.value")
        )
    }
}
