//! The tests of the program through HTTP, on real databases made by the real migrations.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that cannot go on fails; clippy excuses only the test functions themselves")]

#[macro_use]
mod support;

mod archiving;
mod auth;
mod catalog;
mod costing;
mod counts;
mod crashes;
mod days;
mod db;
mod demo;
mod documentation;
mod engines;
mod faults;
mod imports;
mod interleavings;
mod invariants;
mod lots;
mod operations;
mod periods;
mod reading;
mod readme;
mod receipts;
mod reversals;
mod round_trips;
mod runbook;
mod tenants;
mod transformations;
mod verify;
mod walls;
mod waste;
