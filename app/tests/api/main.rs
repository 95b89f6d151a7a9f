//! The tests of the program through HTTP, on real databases made by the real migrations.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that cannot go on fails; clippy excuses only the test functions themselves")]

#[macro_use]
mod support;

mod auth;
mod catalog;
mod crashes;
mod db;
mod demo;
mod documentation;
mod engines;
mod imports;
mod invariants;
mod operations;
mod reading;
mod readme;
mod receipts;
mod round_trips;
mod runbook;
mod tenants;
mod transfers;
mod transformations;
mod walls;
mod waste;
