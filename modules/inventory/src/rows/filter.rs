//! The conditions of a list.

use sea_orm::DatabaseBackend;
use uuid::Uuid;

use super::{Kind, Relation, given_row, parameter};
use crate::names::{LocationRef, Sku};

/// The WHERE of a statement that is put together from the filters of a request.
pub struct Filter {
    sql: String,
    values: Vec<sea_orm::Value>,
}

impl Filter {
    /// Every statement takes the tenant first.
    pub fn tenant(column: &str, tenant: Uuid) -> Self {
        Self { sql: format!("WHERE {column} = $1"), values: vec![tenant.into()] }
    }

    /// Binds a value and answers its placeholder.
    pub fn bind(&mut self, value: impl Into<sea_orm::Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    /// Adds a condition; `?` in it stands for the value.
    pub fn and(&mut self, condition: &str, value: impl Into<sea_orm::Value>) {
        let placeholder = self.bind(value);
        self.sql.push_str(" AND ");
        self.sql.push_str(&condition.replace('?', &placeholder));
    }

    /// Adds a condition where there is a value.
    pub fn and_given(&mut self, condition: &str, value: Option<impl Into<sea_orm::Value>>) {
        if let Some(value) = value {
            self.and(condition, value);
        }
    }

    /// Keeps the rows of one item, where its sku is given. A column and no join is held to it: so the planner knows that it is one, and that an
    /// index has its rows in their order.
    pub fn and_item(&mut self, column: &str, sku: Option<&Sku>) {
        let condition = format!("{column} = (SELECT named.id FROM item AS named WHERE named.tenant_id = $1 AND named.sku = ?)");
        self.and_given(&condition, sku.map(Sku::as_str));
    }

    /// Adds a condition without a value.
    pub fn and_plain(&mut self, condition: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
    }

    /// Keeps the rows of the caller's sites.
    pub fn and_sites(&mut self, backend: DatabaseBackend, column: &str, sites: &kernel::Sites) {
        if let kernel::Sites::Only(sites) = sites {
            let ids = parameter(sites.iter().map(|site| given_row!(backend, *site)).collect());
            self.values.push(ids);
            let ids = Relation(&[("id", Kind::Uuid)]).select(backend, self.values.len());
            self.and_plain(&format!("{column} IN ({ids})"));
        }
    }

    /// Keeps the rows of which one of several columns is one of the caller's sites.
    pub fn and_any_site(&mut self, backend: DatabaseBackend, columns: &[&str], sites: &kernel::Sites) {
        if let kernel::Sites::Only(sites) = sites {
            let ids = parameter(sites.iter().map(|site| given_row!(backend, *site)).collect());
            self.values.push(ids);
            let ids = Relation(&[("id", Kind::Uuid)]).select(backend, self.values.len());
            let any: Vec<_> = columns.iter().map(|column| format!("{column} IN ({ids})")).collect();
            self.and_plain(&format!("({})", any.join(" OR ")));
        }
    }

    /// Keeps the rows whose lot came to one of the caller's sites, whether or not something of it is left there.
    pub fn and_lot_sites(&mut self, backend: DatabaseBackend, tenant: &str, lot: &str, sites: &kernel::Sites) {
        if let kernel::Sites::Only(sites) = sites {
            let ids = parameter(sites.iter().map(|site| given_row!(backend, *site)).collect());
            self.values.push(ids);
            let ids = Relation(&[("id", Kind::Uuid)]).select(backend, self.values.len());
            self.and_plain(&format!(
                "EXISTS (SELECT 1 FROM balance JOIN location AS place ON place.tenant_id = balance.tenant_id AND place.id = balance.location_id \
                 WHERE balance.tenant_id = {tenant} AND balance.lot_id = {lot} AND place.site_id IN ({ids}))"
            ));
        }
    }

    /// Keeps the rows whose joined `location` is the named one or lies below it.
    pub fn and_location(&mut self, named: Option<&LocationRef>) {
        match named {
            None => {}
            Some(LocationRef::Id { location_id }) => {
                let id = self.bind(*location_id);
                self.and_plain(&format!(
                    "EXISTS (SELECT 1 FROM location AS top WHERE top.tenant_id = location.tenant_id AND top.id = {id} \
                     AND (location.id = top.id OR substr(location.path, 1, length(top.path) + 1) = top.path || '/'))"
                ));
            }
            Some(LocationRef::Path { location }) => {
                let path = self.bind(location.as_str());
                self.and_plain(&format!("(location.path = {path} OR substr(location.path, 1, length({path}) + 1) = {path} || '/')"));
            }
        }
    }

    pub fn sql(&self) -> &str {
        &self.sql
    }

    pub fn into_values(self) -> Vec<sea_orm::Value> {
        self.values
    }
}
