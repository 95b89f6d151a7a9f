//! Where rows lie: the area that the request names, or the one that a row names itself.

use std::collections::{BTreeSet, HashMap};

use kernel::Txn;

use super::report::RowReport;
use super::rows::Row;
use super::upload::File;
use crate::catalog::lookup::{self, Ground};
use crate::error::Error;
use crate::idempotency::Task;
use crate::names::{LocationPath, LocationRef};

/// The areas that rows may lie in, by the path that a row gives; the default under `None`.
pub type Grounds = HashMap<Option<String>, Ground>;

/// Finds them all. Rows whose own area is none are wrong.
pub async fn grounds<M>(task: &Task<File<M>>, txn: &Txn, wrong: &mut Vec<RowReport>) -> Result<Grounds, Error> {
    let file = &task.input;
    let tenant = task.caller.tenant_id;
    let mut grounds = Grounds::new();
    if let Some(named) = &file.asked.location {
        grounds.insert(None, lookup::area(txn, tenant, named, task.now).await?);
    } else if file.read.good.iter().any(|row| row.location.is_none()) {
        return Err(Error::invalid("?location", "required", "say where the stock lies: rows have no location of their own"));
    }
    let paths: BTreeSet<&LocationPath> = file.read.good.iter().filter_map(|row| row.location.as_ref()).collect();
    for path in paths {
        match lookup::area(txn, tenant, &LocationRef::Path { location: path.clone() }, task.now).await {
            Ok(ground) => {
                grounds.insert(Some(path.as_str().to_owned()), ground);
            }
            Err(Error::Invalid(violations)) => {
                let Some(violation) = violations.first() else { continue };
                let lines = file.read.good.iter().filter(|row| row.location.as_ref() == Some(path));
                let report = |row: &Row| RowReport::about(row.line, &file.columns, "location", &violation.code, format!("{path}: {}", violation.detail));
                wrong.extend(lines.map(report));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(grounds)
}

/// What an area's rows are told where the caller may not post there.
pub fn forbidden<M>(file: &File<M>, line: u64) -> RowReport {
    RowReport::about(line, &file.columns, "location", "forbidden", "you may not post this there at that time")
}
