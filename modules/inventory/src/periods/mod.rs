//! Periods: days that are over and on which nothing is posted any more.

mod close;
mod create;
mod read;
mod reopen;
mod repository;

use chrono::NaiveDate;
use inventory_entity::period;
use kernel::{Fields, FromFields, Instant, Routes, Text};
use sea_orm::DbErr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::{HideCosts, Recheck};
use crate::names::Word as _;

pub fn routes(routes: &mut impl Routes) {
    routes.service(create::create_period).service(read::list_periods).service(read::get_period);
    routes.service(close::close_period).service(reopen::reopen_period);
}

crate::names::words!(
    /// Whether something can still be posted on its days.
    PeriodStatus {
        /// It can.
        Open = "open",
        /// It cannot.
        Closed = "closed",
    }
);

/// Why a period is closed or opened again.
#[derive(Clone, Debug, ToSchema)]
#[schema(as = ChangePeriod)]
pub struct Remark {
    /// 1 to 2,000 characters, kept in the audit.
    #[schema(min_length = 1, max_length = 2000)]
    pub note: Option<String>,
}

impl FromFields for Remark {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { note: fields.optional::<Text<1, 2000>>("note")?.map(|note| note.0) })
    }
}

/// Days that are closed together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Period {
    /// Its id.
    pub id: Uuid,
    /// Its first business date, the day after the period before it; none where it is the first.
    pub first_day: Option<NaiveDate>,
    /// Its last business date, at every site.
    pub last_day: NaiveDate,
    /// Whether something can still be posted on its days.
    pub status: PeriodStatus,
    /// When it was closed.
    pub closed_at: Option<Instant>,
    /// The user who closed it.
    pub closed_by: Option<Uuid>,
    /// Grows with every change.
    pub version: i64,
    /// When it was made.
    pub created_at: Instant,
    /// When it was last changed.
    pub updated_at: Instant,
}

impl HideCosts for Period {}
impl Recheck for Period {}

impl TryFrom<period::Model> for Period {
    type Error = DbErr;

    fn try_from(row: period::Model) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.id,
            first_day: row.first_day,
            last_day: row.last_day,
            status: PeriodStatus::stored(&row.status)?,
            closed_at: row.closed_at.map(Instant::from),
            closed_by: row.closed_by,
            version: row.version,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shape_is_what_is_read() {
        crate::http::assert_shape::<Remark, Remark>();
    }
}
