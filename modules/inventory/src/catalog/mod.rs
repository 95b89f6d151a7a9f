//! What stock is counted in, what it is and where it lies.

pub mod answers;
pub mod conversion;
mod definition;
mod in_use;
pub mod item_units;
pub mod items;
pub mod locations;
pub mod lookup;
pub mod patch;
pub mod reasons;
pub mod units;

use kernel::{Routes, database};
use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, DbErr};

use crate::error::Error;

/// All operations of the catalogue.
pub fn routes(routes: &mut impl Routes) {
    units::routes(routes);
    items::routes(routes);
    item_units::routes(routes);
    locations::routes(routes);
    reasons::routes(routes);
}

crate::names::words!(
    /// Which rows a list holds: those in use, those that are archived, or all.
    Archived { No = "false", Only = "true", All = "all" }
);

impl Archived {
    fn condition(self, archived_at: impl ColumnTrait) -> Condition {
        match self {
            Self::No => Condition::all().add(archived_at.is_null()),
            Self::Only => Condition::all().add(archived_at.is_not_null()),
            Self::All => Condition::all(),
        }
    }
}

/// What a write that may violate a unique index failed with: [`Error::Exists`] where it did. Postgres names the index, SQLite
/// its columns.
pub fn taken(error: DbErr, index: &str, columns: &str, what: &'static str, code: &str) -> Error {
    match database::violated_constraint(&error) {
        Some(violated) if violated == index || violated == columns => Error::Exists { what, code: code.to_owned() },
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use kernel::FromFields;
    use kernel::reading::field_names;
    use utoipa::{IntoParams, PartialSchema};

    use super::*;

    fn sorted(mut names: Vec<String>) -> Vec<String> {
        names.sort_unstable();
        names
    }

    fn body<T: FromFields + PartialSchema>() {
        let schema = serde_json::to_value(T::schema()).expect("a schema");
        let names = sorted(schema["properties"].as_object().expect("properties").keys().cloned().collect());
        assert_eq!(names, field_names::<T>(), "{}", std::any::type_name::<T>());
        described::<T>(&schema);
    }

    fn described<T>(schema: &serde_json::Value) {
        for (name, property) in schema["properties"].as_object().expect("properties") {
            // Beside a reference that may be null the description stands with the reference.
            let says = property["description"].is_string() || property["oneOf"][0]["description"].is_string();
            assert!(says, "{name} of {} says nothing of itself: {property}", std::any::type_name::<T>());
        }
    }

    fn query<T: FromFields + IntoParams>() {
        let parameters = T::into_params(|| None);
        let names = sorted(parameters.iter().map(|parameter| parameter.name.clone()).collect());
        assert_eq!(names, field_names::<T>(), "{}", std::any::type_name::<T>());
        let silent: Vec<_> = parameters.iter().filter(|parameter| parameter.description.is_none()).map(|parameter| &parameter.name).collect();
        assert_eq!(silent, Vec::<&String>::new(), "{}", std::any::type_name::<T>());
    }

    #[test]
    fn what_a_request_reads_is_what_its_description_has() {
        body::<units::create::Request>();
        body::<units::update::Request>();
        body::<items::create::Request>();
        body::<items::update::Request>();
        body::<item_units::create::Request>();
        body::<locations::create::Request>();
        body::<locations::update::Request>();
        body::<reasons::create::Request>();
        body::<reasons::update::Request>();
        query::<units::list::Request>();
        query::<items::list::Request>();
        query::<items::convert::Request>();
        query::<item_units::list::Request>();
        query::<locations::list::Request>();
        query::<reasons::list::Request>();
    }

    #[test]
    fn every_field_of_an_answer_is_described() {
        fn answer<T: PartialSchema>() {
            described::<T>(&serde_json::to_value(T::schema()).expect("a schema"));
        }
        answer::<units::Unit>();
        answer::<items::Item>();
        answer::<items::convert::Response>();
        answer::<item_units::ItemUnit>();
        answer::<locations::Location>();
        answer::<reasons::Reason>();
    }

    #[test]
    fn published_words_are_those_that_are_read() {
        let published = serde_json::to_value(units::Dimension::schema()).expect("a schema");
        assert_eq!(published["enum"], serde_json::json!(<units::Dimension as crate::names::Word>::WORDS));
    }

    #[test]
    fn another_failure_is_no_conflict() {
        let error = taken(DbErr::Custom("lost".into()), "ix_item_sku", "item.tenant_id, item.sku", "item", "MILK");
        assert!(matches!(error, Error::Database(_)), "{error:?}");
    }
}
