//! Where a module puts its operations.

use actix_web::dev::HttpServiceFactory;
use actix_web::web;
use utoipa_actix_web::{OpenApiFactory, service_config};

/// A server, which answers them, or the document of the API, which tells of them. A server needs no document, and `larder openapi`
/// takes 0.08 s and 54 MiB to collect and write it.
pub trait Routes {
    /// Adds an operation.
    fn service(&mut self, operation: impl HttpServiceFactory + OpenApiFactory + 'static) -> &mut Self;
    /// Adds what the operations of the module find in their requests.
    fn app_data<D: 'static>(&mut self, data: D) -> &mut Self;
}

impl Routes for web::ServiceConfig {
    fn service(&mut self, operation: impl HttpServiceFactory + OpenApiFactory + 'static) -> &mut Self {
        self.service(operation)
    }

    fn app_data<D: 'static>(&mut self, data: D) -> &mut Self {
        self.app_data(data)
    }
}

impl Routes for service_config::ServiceConfig<'_> {
    fn service(&mut self, operation: impl HttpServiceFactory + OpenApiFactory + 'static) -> &mut Self {
        self.service(operation)
    }

    fn app_data<D: 'static>(&mut self, data: D) -> &mut Self {
        self.app_data(data)
    }
}
