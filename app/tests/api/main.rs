//! The tests of the program through HTTP, on real databases made by the real migrations.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that cannot go on fails; clippy excuses only the test functions themselves")]

#[macro_use]
mod support;

mod adjustments;
mod api_keys;
mod archiving;
mod auth;
mod catalog;
mod costing;
mod counts;
mod crashes;
mod crowd;
mod days;
mod db;
mod demo;
mod documentation;
mod engines;
mod faults;
mod imports;
mod imports_of_counts;
mod imports_of_receipts;
mod interleavings;
mod invariants;
mod later_costs;
mod ledger_document;
mod lots;
mod mail;
mod members;
mod operations;
mod periods;
mod permissions;
mod reading;
mod readme;
mod receipts;
mod recovery;
mod refusals;
mod registration;
mod replay;
mod reservations;
mod reversals;
mod round_trips;
mod runbook;
mod scripts;
mod sessions;
mod shortages;
mod tenants;
mod throttling;
mod transfers;
mod transformations;
mod usage;
mod vendor_returns;
mod verify;
mod walls;
mod waste;
mod waste_report;
