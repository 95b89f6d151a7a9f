//! From the names in a request to what they stand for: for all lines of a document at once, in a constant number of statements.
//!
//! What is asked for alone is a function of its name; `ask_…` adds the same to other reads, which are sent together.

mod ground;
mod items;
mod measure;
mod reasons;

pub use ground::{Area, Ground, area, area_called, area_of, area_or_site, ask_area, ask_area_called, clocks_differ, site_days, site_of, sites_of, transit};
pub use items::{Item, Items, NewItem, Units, ask_items, create_missing, items};
pub use measure::{measure, measure_at_least_zero};
pub use reasons::{Reason, Reasons, Why, ask_reasons, reasons};
