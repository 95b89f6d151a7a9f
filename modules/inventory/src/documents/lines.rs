//! The lines of documents: every table of them is declared once, here. From that they are written, hashed and read back.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveDate};
use inventory_entity::document_detail;
use kernel::{Instant, TenantId};
use sea_orm::{ConnectionTrait, DatabaseBackend, DbErr, FromQueryResult, QueryResult, Statement};
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use crate::arithmetic::{Money, Quantity};
use crate::ledger::DocumentType;
use crate::names::DocumentId;
use crate::rows::{self, Batch, Given, Kind, Relation, given_row};

/// A table of lines, whose key is (tenant_id, document_id, line_no).
#[derive(Debug)]
pub struct LineTable {
    pub name: &'static str,
    /// Those after tenant_id and document_id, `line_no` first, in the order in which they are hashed.
    pub columns: Relation,
}

pub const RECEIPT_LINE: LineTable = LineTable {
    name: "receipt_line",
    columns: Relation(&[
        ("line_no", Kind::Int),
        ("item_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("entered_quantity", Kind::Int),
        ("entered_unit", Kind::Text),
        ("quantity", Kind::Int),
        ("unit_price", Kind::Int),
        ("line_total", Kind::Int),
        ("free", Kind::Text),
        ("discount", Kind::Int),
        ("charges", Kind::Int),
        ("value", Kind::Int),
        ("batch_code", Kind::Text),
        ("expires_on", Kind::Date),
        ("produced_on", Kind::Date),
    ]),
};

pub const RECEIPT_CHARGE: LineTable =
    LineTable { name: "receipt_charge", columns: Relation(&[("line_no", Kind::Int), ("label", Kind::Text), ("amount", Kind::Int), ("basis", Kind::Text)]) };

pub const WASTE_LINE: LineTable = LineTable {
    name: "waste_line",
    columns: Relation(&[
        ("line_no", Kind::Int),
        ("item_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("entered_quantity", Kind::Int),
        ("entered_unit", Kind::Text),
        ("quantity", Kind::Int),
        ("value", Kind::Int),
        ("reason_id", Kind::Uuid),
        ("stage", Kind::Text),
        ("destination", Kind::Text),
    ]),
};

pub const USAGE_LINE: LineTable = LineTable {
    name: "usage_line",
    columns: Relation(&[
        ("line_no", Kind::Int),
        ("item_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("entered_quantity", Kind::Int),
        ("entered_unit", Kind::Text),
        ("quantity", Kind::Int),
        ("value", Kind::Int),
        ("short_quantity", Kind::Int),
        ("reservation_id", Kind::Uuid),
    ]),
};

pub const PLATE_WASTE_LINE: LineTable = LineTable {
    name: "plate_waste_line",
    columns: Relation(&[
        ("line_no", Kind::Int),
        ("description", Kind::Text),
        ("grams", Kind::Int),
        ("reason_id", Kind::Uuid),
        ("stage", Kind::Text),
        ("destination", Kind::Text),
    ]),
};

pub const ADJUSTMENT_LINE: LineTable = LineTable {
    name: "adjustment_line",
    columns: Relation(&[
        ("line_no", Kind::Int),
        ("item_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("entered_quantity", Kind::Int),
        ("entered_unit", Kind::Text),
        ("quantity", Kind::Int),
        ("value", Kind::Int),
        ("unit_cost", Kind::Int),
        ("reason_id", Kind::Uuid),
        ("batch_code", Kind::Text),
        ("expires_on", Kind::Date),
    ]),
};

pub const VENDOR_RETURN_LINE: LineTable = LineTable {
    name: "vendor_return_line",
    columns: Relation(&[
        ("line_no", Kind::Int),
        ("item_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("entered_quantity", Kind::Int),
        ("entered_unit", Kind::Text),
        ("quantity", Kind::Int),
        ("value", Kind::Int),
        ("credit", Kind::Int),
        ("reason_id", Kind::Uuid),
    ]),
};

pub const TRANSFORMATION_LINE: LineTable = LineTable {
    name: "transformation_line",
    columns: Relation(&[
        ("line_no", Kind::Int),
        ("item_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("entered_quantity", Kind::Int),
        ("entered_unit", Kind::Text),
        ("quantity", Kind::Int),
        ("value", Kind::Int),
        ("role", Kind::Text),
        ("weight", Kind::Int),
        ("batch_code", Kind::Text),
        ("expires_on", Kind::Date),
        ("reason_id", Kind::Uuid),
    ]),
};

pub const COST_CHANGE_LINE: LineTable = LineTable {
    name: "cost_change_line",
    columns: Relation(&[
        ("line_no", Kind::Int),
        ("item_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("receipt_line_no", Kind::Int),
        ("kind", Kind::Text),
        ("label", Kind::Text),
        ("amount", Kind::Int),
    ]),
};

pub const CORRECTION_LINE: LineTable = LineTable {
    name: "correction_line",
    columns: Relation(&[
        ("line_no", Kind::Int),
        ("item_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("entered_quantity", Kind::Int),
        ("entered_unit", Kind::Text),
        ("quantity", Kind::Int),
        ("value", Kind::Int),
        ("receipt_line_no", Kind::Int),
        ("line_total", Kind::Int),
    ]),
};

pub const TRANSFER_STEP_LINE: LineTable = LineTable {
    name: "transfer_step_line",
    columns: Relation(&[
        ("line_no", Kind::Int),
        ("item_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("entered_quantity", Kind::Int),
        ("entered_unit", Kind::Text),
        ("quantity", Kind::Int),
        ("value", Kind::Int),
        ("reason_id", Kind::Uuid),
    ]),
};

pub const COUNT_RESULT_LINE: LineTable = LineTable {
    name: "count_result_line",
    columns: Relation(&[
        ("line_no", Kind::Int),
        ("item_id", Kind::Uuid),
        ("location_id", Kind::Uuid),
        ("lot_id", Kind::Uuid),
        ("entered_quantity", Kind::Int),
        ("entered_unit", Kind::Text),
        ("quantity", Kind::Int),
        ("counted_at", Kind::Instant),
        ("counted_by", Kind::Uuid),
        ("expected", Kind::Int),
        ("variance", Kind::Int),
        ("short_quantity", Kind::Int),
        ("value", Kind::Int),
        ("superseded", Kind::Bool),
        ("moved", Kind::Bool),
    ]),
};

/// All of them.
pub const LINE_TABLES: &[&LineTable] = &[
    &RECEIPT_LINE,
    &RECEIPT_CHARGE,
    &WASTE_LINE,
    &USAGE_LINE,
    &PLATE_WASTE_LINE,
    &ADJUSTMENT_LINE,
    &VENDOR_RETURN_LINE,
    &TRANSFORMATION_LINE,
    &COST_CHANGE_LINE,
    &CORRECTION_LINE,
    &TRANSFER_STEP_LINE,
    &COUNT_RESULT_LINE,
];

/// The tables that the lines of a type of document lie in.
pub const fn line_tables(of: DocumentType) -> &'static [&'static LineTable] {
    match of {
        DocumentType::Receipt => &[&RECEIPT_LINE, &RECEIPT_CHARGE],
        DocumentType::OpeningStock => &[&RECEIPT_LINE],
        DocumentType::Waste => &[&WASTE_LINE, &PLATE_WASTE_LINE],
        DocumentType::Usage => &[&USAGE_LINE],
        DocumentType::Adjustment => &[&ADJUSTMENT_LINE],
        DocumentType::VendorReturn => &[&VENDOR_RETURN_LINE],
        DocumentType::Transfer | DocumentType::Dispatch | DocumentType::Arrival | DocumentType::TransitLoss | DocumentType::TransferCancel => {
            &[&TRANSFER_STEP_LINE]
        }
        DocumentType::Count => &[&COUNT_RESULT_LINE],
        // What got lost and is no item was never counted as stock, as what is left on plates.
        DocumentType::Transformation => &[&TRANSFORMATION_LINE, &PLATE_WASTE_LINE],
        DocumentType::Opening => &[&TRANSFORMATION_LINE],
        DocumentType::CostChange => &[&COST_CHANGE_LINE],
        DocumentType::Correction => &[&CORRECTION_LINE],
        // Its lines are those of the document that it undoes.
        DocumentType::Reversal => &[],
    }
}

/// A value of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Uuid(Option<Uuid>),
    Int(Option<i64>),
    Text(Option<String>),
    Date(Option<NaiveDate>),
    Instant(Option<Instant>),
    Bool(Option<bool>),
}

/// Declares from what a cell is made: the plain value, and the optional one.
macro_rules! made_from {
    ($($cell:ident from $plain:ty: $convert:expr),+ $(,)?) => {
        $(
            impl From<$plain> for Cell {
                fn from(value: $plain) -> Self {
                    Self::from(Some(value))
                }
            }

            impl From<Option<$plain>> for Cell {
                fn from(value: Option<$plain>) -> Self {
                    Self::$cell(value.map($convert))
                }
            }
        )+
    };
}

made_from!(
    Uuid from Uuid: |id| id,
    Int from i64: |number| number,
    Int from Quantity: |quantity| quantity.0,
    Int from Money: |money| money.0,
    Text from String: |text| text,
    Text from &str: str::to_owned,
    Date from NaiveDate: |date| date,
    Instant from Instant: |instant| instant,
    Bool from bool: |is| is,
);

/// Builds the cells of one line.
macro_rules! cells {
    ($($value:expr),+ $(,)?) => { vec![$($crate::documents::Cell::from($value)),+] };
}
pub(crate) use cells;

impl Cell {
    fn kind(&self) -> Kind {
        match self {
            Self::Uuid(_) => Kind::Uuid,
            Self::Int(_) => Kind::Int,
            Self::Text(_) => Kind::Text,
            Self::Date(_) => Kind::Date,
            Self::Instant(_) => Kind::Instant,
            Self::Bool(_) => Kind::Bool,
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Uuid(None) | Self::Int(None) | Self::Text(None) | Self::Date(None) | Self::Instant(None) | Self::Bool(None))
    }

    fn read(row: &QueryResult, name: &str, kind: Kind) -> Result<Self, DbErr> {
        Ok(match kind {
            Kind::Uuid => Self::Uuid(row.try_get("", name)?),
            Kind::Int => Self::Int(row.try_get("", name)?),
            Kind::Text => Self::Text(row.try_get("", name)?),
            Kind::Date => Self::Date(row.try_get("", name)?),
            Kind::Instant => Self::Instant(row.try_get::<Option<DateTime<FixedOffset>>>("", name)?.map(Instant::from)),
            Kind::Bool => Self::Bool(row.try_get("", name)?),
        })
    }
}

impl Given for Cell {
    fn given(&self, backend: DatabaseBackend) -> Value {
        match self {
            Self::Uuid(value) => value.given(backend),
            Self::Int(value) => value.given(backend),
            Self::Text(value) => value.given(backend),
            Self::Date(value) => value.given(backend),
            Self::Instant(value) => value.given(backend),
            Self::Bool(value) => value.given(backend),
        }
    }
}

/// The form that is hashed, the same on every engine: an instant is its microseconds, an id is hyphenated.
impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Uuid(value) => value.serialize(serializer),
            Self::Int(value) => value.serialize(serializer),
            Self::Text(value) => value.serialize(serializer),
            Self::Date(value) => value.serialize(serializer),
            Self::Instant(value) => value.map(Instant::micros).serialize(serializer),
            Self::Bool(value) => value.serialize(serializer),
        }
    }
}

/// The lines of one document in one table.
#[derive(Clone, Debug)]
pub struct Lines {
    table: &'static LineTable,
    rows: Vec<Vec<Cell>>,
}

impl Lines {
    /// Each row has a cell for each column of the table.
    pub fn new(table: &'static LineTable, mut rows: Vec<Vec<Cell>>) -> Self {
        // They are hashed in the order in which they are read back.
        rows.sort_by_key(|row| if let Some(Cell::Int(line_no)) = row.first() { *line_no } else { None });
        Self { table, rows }
    }

    /// Whether documents of a type have such lines.
    pub fn belong_to(&self, of: DocumentType) -> bool {
        line_tables(of).iter().any(|table| table.name == self.table.name)
    }

    pub fn is_of(&self, table: &LineTable) -> bool {
        self.table.name == table.name
    }

    /// The ids in a column; none where there is no such column.
    pub fn ids(&self, column: &str) -> impl Iterator<Item = Uuid> {
        let place = self.table.columns.0.iter().position(|(name, _)| *name == column);
        let id = move |row: &Vec<Cell>| if let Some(Cell::Uuid(id)) = place.and_then(|place| row.get(place)) { *id } else { None };
        self.rows.iter().filter_map(id)
    }

    /// The cells of each row, with the names of their columns.
    pub fn named(&self) -> impl Iterator<Item = impl Iterator<Item = (&'static str, &Cell)>> {
        self.rows.iter().map(|row| self.table.columns.0.iter().map(|(name, _)| *name).zip(row))
    }

    /// After the head of the ledger, which is not had where the posting begins anew.
    pub fn write(&self, batch: &mut Batch, tenant: TenantId, document: DocumentId) -> Result<(), DbErr> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let (name, columns) = (self.table.name, self.table.columns);
        let fits = |row: &Vec<Cell>| row.iter().map(Cell::kind).eq(columns.0.iter().map(|(_, kind)| *kind));
        if !self.rows.iter().all(fits) {
            return Err(DbErr::Custom(format!("a line has other cells than {name} has columns")));
        }
        let backend = batch.backend();
        let given = columns.rows(backend, self.rows.iter().map(|row| Value::Array(row.iter().map(|cell| cell.given(backend)).collect())).collect());
        let sql = format!(
            "INSERT INTO {name} (tenant_id, document_id, {}) SELECT $2, $3, line.* FROM ({}) AS line CROSS JOIN head",
            columns.names(),
            given.select(1)
        );
        batch.add(sql, [given.into(), tenant.into(), document.into()]);
        Ok(())
    }
}

/// An array of objects, each with its columns in their order. What is null is left out, so that a column which a later release
/// adds changes no hash of a document before it.
impl Serialize for Lines {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Line<'a>(&'a LineTable, &'a [Cell]);
        impl Serialize for Line<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut line = serializer.serialize_map(None)?;
                for ((name, _), cell) in self.0.columns.0.iter().zip(self.1).filter(|(_, cell)| !cell.is_null()) {
                    line.serialize_entry(name, cell)?;
                }
                line.end()
            }
        }
        let mut lines = serializer.serialize_seq(Some(self.rows.len()))?;
        for row in &self.rows {
            lines.serialize_element(&Line(self.table, row))?;
        }
        lines.end()
    }
}

/// The lines of a document by the name of their table, in the order of the names, without tables that it has no lines in: so
/// their hash depends neither on the order in which somebody wrote them down nor on tables that came later.
pub fn by_table(of: DocumentType, lines: &[Lines]) -> Result<BTreeMap<&'static str, &Lines>, DbErr> {
    let mut tables = BTreeMap::new();
    for lines in lines {
        let name = lines.table.name;
        if !lines.belong_to(of) || tables.insert(name, lines).is_some() {
            return Err(DbErr::Custom(format!("lines of {name} do not belong to the document, or are there twice")));
        }
    }
    tables.retain(|_, lines| !lines.rows.is_empty());
    Ok(tables)
}

/// Joins to it are written as CROSS JOIN, which is for SQLite the order in which to go: from the few to the many.
const WANTED: Relation = Relation(&[("id", Kind::Uuid)]);

fn wanted(connection: &impl ConnectionTrait, documents: &[DocumentId]) -> sea_orm::Value {
    let backend = connection.get_database_backend();
    rows::parameter(documents.iter().map(|document| given_row!(backend, *document)).collect())
}

/// Reads back what was written into one table for some documents.
pub async fn stored(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    documents: &[DocumentId],
    table: &LineTable,
) -> Result<BTreeMap<DocumentId, Vec<Vec<Cell>>>, DbErr> {
    let backend = connection.get_database_backend();
    let columns: Vec<String> = table.columns.0.iter().map(|(column, _)| format!("line.{column}")).collect();
    let sql = format!(
        "SELECT line.document_id, {} FROM ({}) AS wanted CROSS JOIN {} AS line WHERE line.tenant_id = $2 AND line.document_id = wanted.id \
         ORDER BY line.document_id, line.line_no",
        columns.join(", "),
        WANTED.select(backend, 1),
        table.name,
    );
    let mut found: BTreeMap<DocumentId, Vec<Vec<Cell>>> = BTreeMap::new();
    for row in connection.query_all_raw(Statement::from_sql_and_values(backend, &sql, [wanted(connection, documents), tenant.into()])).await? {
        let cells: Result<Vec<Cell>, DbErr> = table.columns.0.iter().map(|(column, kind)| Cell::read(&row, column, *kind)).collect();
        found.entry(row.try_get("", "document_id")?).or_default().push(cells?);
    }
    Ok(found)
}

/// What only some kinds of documents say, of those among some that say any of it.
pub async fn details(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    documents: &[DocumentId],
) -> Result<BTreeMap<DocumentId, document_detail::Model>, DbErr> {
    let sql = format!(
        "SELECT detail.* FROM ({}) AS wanted CROSS JOIN document_detail AS detail WHERE detail.tenant_id = $2 AND detail.document_id = wanted.id",
        WANTED.select(connection.get_database_backend(), 1)
    );
    let details = rows::all::<document_detail::Model>(connection, &sql, [wanted(connection, documents), tenant.into()]).await?;
    Ok(details.into_iter().map(|detail| (detail.document_id, detail)).collect())
}

#[derive(FromQueryResult)]
struct CountRow {
    document_id: DocumentId,
    number: i64,
}

/// How many lines some documents have in these tables together.
pub async fn count_lines(
    connection: &impl ConnectionTrait,
    tenant: TenantId,
    documents: &[DocumentId],
    tables: &[&LineTable],
) -> Result<BTreeMap<DocumentId, u64>, DbErr> {
    if tables.is_empty() {
        return Ok(BTreeMap::new());
    }
    let given = WANTED.select(connection.get_database_backend(), 1);
    let count = |table: &&LineTable| {
        let name = table.name;
        format!(
            "SELECT line.document_id, COUNT(*) AS number FROM ({given}) AS wanted CROSS JOIN {name} AS line \
             WHERE line.tenant_id = $2 AND line.document_id = wanted.id GROUP BY line.document_id"
        )
    };
    let sql = tables.iter().map(count).collect::<Vec<_>>().join(" UNION ALL ");
    let mut counts = BTreeMap::new();
    for row in rows::all::<CountRow>(connection, &sql, [wanted(connection, documents), tenant.into()]).await? {
        *counts.entry(row.document_id).or_default() += u64::try_from(row.number).unwrap_or_default();
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use inventory_entity::{
        adjustment_line, correction_line, cost_change_line, count_result_line, plate_waste_line, receipt_charge, receipt_line, transfer_step_line,
        transformation_line, usage_line, vendor_return_line, waste_line,
    };
    use sea_orm::{EntityTrait, Iden as _, Iterable as _};

    use super::*;

    fn assert_declared<E: EntityTrait>(table: &LineTable) {
        let stored: Vec<String> = E::Column::iter().map(|column| column.to_string()).collect();
        let declared = ["tenant_id", "document_id"].into_iter().chain(table.columns.0.iter().map(|(name, _)| *name));
        assert_eq!(stored, declared.collect::<Vec<_>>(), "{}", table.name);
        assert_eq!(E::default().table_name(), table.name);
    }

    #[test]
    fn every_table_is_declared_as_it_is_stored() {
        assert_declared::<receipt_line::Entity>(&RECEIPT_LINE);
        assert_declared::<receipt_charge::Entity>(&RECEIPT_CHARGE);
        assert_declared::<waste_line::Entity>(&WASTE_LINE);
        assert_declared::<usage_line::Entity>(&USAGE_LINE);
        assert_declared::<plate_waste_line::Entity>(&PLATE_WASTE_LINE);
        assert_declared::<adjustment_line::Entity>(&ADJUSTMENT_LINE);
        assert_declared::<vendor_return_line::Entity>(&VENDOR_RETURN_LINE);
        assert_declared::<transformation_line::Entity>(&TRANSFORMATION_LINE);
        assert_declared::<cost_change_line::Entity>(&COST_CHANGE_LINE);
        assert_declared::<correction_line::Entity>(&CORRECTION_LINE);
        assert_declared::<transfer_step_line::Entity>(&TRANSFER_STEP_LINE);
        assert_declared::<count_result_line::Entity>(&COUNT_RESULT_LINE);
    }

    #[test]
    fn lines_are_hashed_by_table_without_what_is_null() {
        let charge = |line_no: i64| cells![line_no, "delivery", Money(5), None::<&str>];
        let lines = [Lines::new(&RECEIPT_LINE, Vec::new()), Lines::new(&RECEIPT_CHARGE, vec![charge(1), charge(2)])];
        let tables = by_table(DocumentType::Receipt, &lines).expect("lines of a receipt");
        let expected = r#"{"receipt_charge":[{"line_no":1,"label":"delivery","amount":5},{"line_no":2,"label":"delivery","amount":5}]}"#;
        assert_eq!(serde_json::to_string(&tables).expect("JSON"), expected);
        by_table(DocumentType::Waste, &lines).expect_err("lines of another kind");
        by_table(DocumentType::Receipt, &[lines[1].clone(), lines[1].clone()]).expect_err("a table twice");
    }

    #[test]
    fn what_is_hashed_does_not_depend_on_the_engine() {
        let id = Uuid::from_u128(1);
        let all = cells![id, 1_i64, "x", NaiveDate::MIN, Instant::from_micros(7), true];
        let expected = r#"["00000000-0000-0000-0000-000000000001",1,"x","-262143-01-01",7,true]"#;
        assert_eq!(serde_json::to_string(&all).expect("JSON"), expected);
    }
}
