//! I10: what was kept at the end of each closed period is what the one before it kept and the entries of the days between. So each
//! is what all entries until then sum to, and every entry is read once, however many periods there are. Later ones then lead to
//! the balances, which are the sum of all.

use chrono::NaiveDate;
use kernel::{TenantId, Txn};
use sea_orm::{DbErr, FromQueryResult};
use uuid::Uuid;

use super::difference::{Check, Difference, Findings};
use super::references::Statement;
use super::stored::Head;
use crate::rows;

#[derive(FromQueryResult)]
struct Closed {
    id: Uuid,
    last_day: NaiveDate,
}

pub async fn check(txn: &Txn, tenant: TenantId, head: Option<&Head>, findings: &mut Findings) -> Result<(), DbErr> {
    let sql = "SELECT id, last_day FROM period WHERE tenant_id = $1 AND status = 'closed' ORDER BY last_day";
    let mut before: Option<Closed> = None;
    for period in rows::all::<Closed>(txn, sql, [tenant.into()]).await? {
        let mut parameters: Vec<sea_orm::Value> = vec![period.id.into(), period.last_day.into()];
        if let Some(before) = &before {
            parameters.extend([before.id.into(), before.last_day.into()]);
        }
        kept_at_end(&period, before.as_ref()).run(txn, tenant, &parameters, findings).await?;
        before = Some(period);
    }
    // Postings ask only the head: where it says less, they get into what is closed.
    let (says, closed) = (head.and_then(|head| head.closed_through), before.map(|last| last.last_day));
    if head.is_some() && says != closed {
        let day = |day: Option<NaiveDate>| day.map_or_else(|| "none".to_owned(), |day| day.to_string());
        let expected = format!("{}, the last day of the last closed period", day(closed));
        findings.add(Difference::new(Check::Period, tenant, "the head's last closed day", day(says), expected));
    }
    Ok(())
}

/// With the period and its last day, and the same of the one before it where there is one.
fn kept_at_end(period: &Closed, before: Option<&Closed>) -> Statement {
    let kept = "SELECT item_id, location_id, lot_id, quantity AS kept, value AS kept_value, 0 AS summed, 0 AS summed_value FROM checkpoint \
                WHERE tenant_id = $1 AND period_id = $2";
    let (earlier, since) = match before {
        None => ("", ""),
        Some(_) => (
            "UNION ALL SELECT item_id, location_id, lot_id, 0, 0, quantity, value FROM checkpoint WHERE tenant_id = $1 AND period_id = $4 ",
            " AND business_date > $5",
        ),
    };
    Statement {
        check: Check::Checkpoint,
        about: format!("what the period through {} kept of the lot", period.last_day),
        found: "another value",
        expected: "what the one before it kept and the entries since",
        sql: format!(
            "SELECT CAST(NULL AS BIGINT) AS seq, lot_id AS id, CAST(SUM(kept) AS BIGINT) AS found, CAST(SUM(summed) AS BIGINT) AS expected FROM ({kept} {earlier}\
             UNION ALL SELECT item_id, location_id, lot_id, 0, 0, quantity_delta, value_delta FROM ledger_entry \
             WHERE tenant_id = $1 AND business_date <= $3{since}) AS sides GROUP BY item_id, location_id, lot_id \
             HAVING SUM(kept) <> SUM(summed) OR SUM(kept_value) <> SUM(summed_value)"
        ),
    }
}
