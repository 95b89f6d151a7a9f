//! Larder as one program: settings, databases, and the modules mounted over HTTP.

pub mod application;
pub mod auth;
pub mod bridge;
pub mod databases;
pub mod db;
pub mod demo;
pub mod doctor;
pub mod failure;
pub mod health;
pub mod http;
pub mod ledger;
pub mod mail;
pub mod module;
pub mod openapi;
pub mod secret;
pub mod settings;
pub mod target;
pub mod telemetry;

pub use application::{Application, Surroundings};
pub use settings::Settings;
