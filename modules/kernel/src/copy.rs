//! Copying tables from one database to another, and proving that both hold the same.
//!
//! A module lists its tables, because only it may name its entities; what is done with each of them is here. Rows are read by
//! their keys, a batch at a time, so that a table of any size needs the memory of a batch. Both sides are transactions: the one
//! that is read must not change while it is read, and the one that is written is committed by whoever began it.

use std::fmt;

use futures::future::LocalBoxFuture;
use futures::try_join;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DbBackend, DbErr, EntityTrait, ExprTrait as _, IdenStatic as _, IntoActiveModel, Iterable as _, ModelTrait as _,
    PaginatorTrait as _, PrimaryKeyToColumn as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Value,
};

use crate::database::Txn;

/// How many rows are read, written or compared at a time, where the engine takes so many parameters in one statement.
const BATCH: usize = 2_000;
/// The same of rows that may have megabytes each.
const BATCH_OF_LARGE_ROWS: usize = 16;

/// Told after every batch how many rows of the table are done.
pub type Done<'a> = &'a mut dyn FnMut(u64);

/// One table of a module, whatever its entity.
pub trait Table {
    fn name(&self) -> &'static str;

    /// The columns that are copied.
    fn columns(&self) -> Vec<&'static str>;

    /// How many rows it has.
    fn count<'a>(&'a self, txn: &'a Txn) -> LocalBoxFuture<'a, Result<u64, DbErr>>;

    /// Writes every row of `from` to `to`, and answers how many those were.
    fn copy<'a>(&'a self, from: &'a Txn, to: &'a Txn, done: Done<'a>) -> LocalBoxFuture<'a, Result<u64, DbErr>>;

    /// Holds every row of one side against the other's, and answers how many are equal; the first that is not is an error.
    fn compare<'a>(&'a self, one: &'a Txn, other: &'a Txn, done: Done<'a>) -> LocalBoxFuture<'a, Result<u64, Unequal>>;
}

/// Why two tables are not equal, or cannot be compared.
#[derive(Debug)]
pub enum Unequal {
    /// Of a row that both have, other values in these columns. The values themselves may be secrets.
    Columns {
        table: &'static str,
        key: String,
        columns: Vec<String>,
    },
    /// A row of the one side stands where the other has another row, or none.
    Row {
        table: &'static str,
        key: String,
    },
    Database(DbErr),
}

impl fmt::Display for Unequal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Columns { table, key, columns } => write!(out, "the row {key} of {table} differs in {}", columns.join(", ")),
            Self::Row { table, key } => write!(out, "the row {key} of {table} is there on one side only"),
            Self::Database(error) => error.fmt(out),
        }
    }
}

impl From<DbErr> for Unequal {
    fn from(error: DbErr) -> Self {
        Self::Database(error)
    }
}

/// The table of an entity, copied in the order of its primary key.
pub fn table<E: EntityTrait>() -> Box<dyn Table>
where
    E::Model: PartialEq + IntoActiveModel<E::ActiveModel> + Send + Sync,
{
    Box::new(Of::<E> { key: primary_key::<E>(), batch: BATCH })
}

/// The same of an entity whose rows may have megabytes each.
pub fn table_of_large_rows<E: EntityTrait>() -> Box<dyn Table>
where
    E::Model: PartialEq + IntoActiveModel<E::ActiveModel> + Send + Sync,
{
    Box::new(Of::<E> { key: primary_key::<E>(), batch: BATCH_OF_LARGE_ROWS })
}

/// The same in the order of a unique key, for a table whose rows refer to each other: what is referred to must come first.
pub fn table_by<E: EntityTrait>(unique_key: Vec<E::Column>) -> Box<dyn Table>
where
    E::Model: PartialEq + IntoActiveModel<E::ActiveModel> + Send + Sync,
{
    Box::new(Of::<E> { key: unique_key, batch: BATCH })
}

fn primary_key<E: EntityTrait>() -> Vec<E::Column> {
    E::PrimaryKey::iter().map(|key| key.into_column()).collect()
}

struct Of<E: EntityTrait> {
    key: Vec<E::Column>,
    /// How many rows at a time, at the most.
    batch: usize,
}

impl<E: EntityTrait> Of<E>
where
    E::Model: PartialEq + IntoActiveModel<E::ActiveModel> + Send + Sync,
{
    /// The next rows after a key. Text is part of a key only where both engines sort it by bytes; else the comparison would
    /// find rows in another order, and say so.
    async fn read(&self, txn: &Txn, after: Option<Vec<Value>>, rows: usize) -> Result<Vec<E::Model>, DbErr> {
        let mut select = E::find();
        if let Some(after) = after {
            let key = Expr::tuple(self.key.iter().map(|column| column.into_expr()));
            select = select.filter(key.gt(Expr::tuple(after.into_iter().map(Expr::val))));
        }
        for column in &self.key {
            select = select.order_by_asc(*column);
        }
        select.limit(u64::try_from(rows).unwrap_or(u64::MAX)).all(txn).await
    }

    fn key_of(&self, row: &E::Model) -> Vec<Value> {
        self.key.iter().map(|column| row.get(*column)).collect()
    }

    fn shown_key(&self, row: &E::Model) -> String {
        let values: Vec<_> = self.key_of(row).iter().map(|value| value.to_string()).collect();
        format!("({})", values.join(", "))
    }

    async fn copy_all(&self, from: &Txn, to: &Txn, done: Done<'_>) -> Result<u64, DbErr> {
        let rows = rows_of_a_statement(to.get_database_backend(), E::Column::iter().count()).min(self.batch);
        let (mut after, mut copied) = (None, 0);
        loop {
            let batch = self.read(from, after, rows).await?;
            let (read, last) = (batch.len(), batch.last().map(|row| self.key_of(row)));
            if read > 0 {
                E::insert_many(batch.into_iter().map(IntoActiveModel::into_active_model)).exec_without_returning(to).await?;
                copied += u64::try_from(read).unwrap_or(u64::MAX);
                done(copied);
            }
            if read < rows {
                return Ok(copied);
            }
            after = last;
        }
    }

    async fn compare_all(&self, one: &Txn, other: &Txn, done: Done<'_>) -> Result<u64, Unequal> {
        let (mut after, mut equal) = (None::<Vec<Value>>, 0);
        loop {
            let (ours, theirs) = try_join!(self.read(one, after.clone(), self.batch), self.read(other, after, self.batch))?;
            self.hold(&ours, &theirs)?;
            equal += u64::try_from(ours.len()).unwrap_or(u64::MAX);
            done(equal);
            if ours.len() < self.batch {
                return Ok(equal);
            }
            after = ours.last().map(|row| self.key_of(row));
        }
    }

    /// Row against row, and then what only one side has.
    fn hold(&self, ours: &[E::Model], theirs: &[E::Model]) -> Result<(), Unequal> {
        if let Some((our, their)) = ours.iter().zip(theirs).find(|(our, their)| our != their) {
            return Err(self.difference(our, their));
        }
        let shorter = ours.len().min(theirs.len());
        match ours.get(shorter).or(theirs.get(shorter)) {
            Some(alone) => Err(Unequal::Row { table: self.name(), key: self.shown_key(alone) }),
            None => Ok(()),
        }
    }

    fn difference(&self, our: &E::Model, their: &E::Model) -> Unequal {
        let (table, key) = (self.name(), self.shown_key(our));
        if self.key_of(our) != self.key_of(their) {
            return Unequal::Row { table, key };
        }
        let differs = |column: &E::Column| our.get(*column) != their.get(*column);
        let columns = E::Column::iter().filter(differs).map(|column| column.as_str().to_owned()).collect();
        Unequal::Columns { table, key, columns }
    }
}

impl<E: EntityTrait> Table for Of<E>
where
    E::Model: PartialEq + IntoActiveModel<E::ActiveModel> + Send + Sync,
{
    fn name(&self) -> &'static str {
        E::default().table_name()
    }

    fn columns(&self) -> Vec<&'static str> {
        E::Column::iter().map(|column| column.as_str()).collect()
    }

    fn count<'a>(&'a self, txn: &'a Txn) -> LocalBoxFuture<'a, Result<u64, DbErr>> {
        Box::pin(E::find().count(txn))
    }

    fn copy<'a>(&'a self, from: &'a Txn, to: &'a Txn, done: Done<'a>) -> LocalBoxFuture<'a, Result<u64, DbErr>> {
        Box::pin(self.copy_all(from, to, done))
    }

    fn compare<'a>(&'a self, one: &'a Txn, other: &'a Txn, done: Done<'a>) -> LocalBoxFuture<'a, Result<u64, Unequal>> {
        Box::pin(self.compare_all(one, other, done))
    }
}

/// How many rows one INSERT may have: an engine counts the parameters of a statement (SQLite's `SQLITE_MAX_VARIABLE_NUMBER`, the
/// 16 bits of Postgres' protocol).
fn rows_of_a_statement(backend: DbBackend, columns: usize) -> usize {
    let parameters = if backend == DbBackend::Sqlite { 32_766 } else { 65_535 };
    (parameters / columns.max(1)).clamp(1, BATCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_statement_has_more_parameters_than_its_engine_takes() {
        for columns in 1..200 {
            assert!(rows_of_a_statement(DbBackend::Sqlite, columns) * columns <= 32_766);
            assert!(rows_of_a_statement(DbBackend::Postgres, columns) * columns <= 65_535);
        }
        assert_eq!(rows_of_a_statement(DbBackend::Postgres, 6), BATCH);
    }
}
