//! What is there already, for a program that adds only what is missing.

use kernel::{Caller, Permission};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::Inventory;
use crate::error::Error;
use crate::rows;

/// What can be asked for by its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    Location,
    Item,
    ItemUnit,
    Document,
}

impl Thing {
    fn table(self) -> &'static str {
        match self {
            Self::Location => "location",
            Self::Item => "item",
            Self::ItemUnit => "item_unit",
            Self::Document => "document",
        }
    }
}

#[derive(FromQueryResult)]
struct Found {
    number: i64,
}

/// Whether the caller's tenant has a thing of this id, archived ones included.
pub async fn execute(state: &Inventory, caller: &Caller, thing: Thing, id: Uuid) -> Result<bool, Error> {
    caller.need(Permission::Read)?;
    let sql = format!("SELECT COUNT(*) AS number FROM {} WHERE tenant_id = $1 AND id = $2", thing.table());
    let found = rows::one::<Found>(state.database().reader(), &sql, [caller.tenant_id.into(), id.into()]).await?;
    Ok(found.is_some_and(|found| found.number > 0))
}
