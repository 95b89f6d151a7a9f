//! The limit of an answer: an actix server that says the same bytes to everybody.

use actix_web::{App, HttpResponse, HttpServer, web};

use crate::Outcome;

/// A server that runs until it is dropped.
pub struct Constant {
    handle: actix_web::dev::ServerHandle,
    pub address: String,
}

impl Constant {
    /// Answers every request with so many bytes.
    pub fn start(bytes: usize) -> Outcome<Self> {
        let body = web::Bytes::from("x".repeat(bytes));
        let server = HttpServer::new(move || {
            let body = body.clone();
            App::new().default_service(web::to(move || std::future::ready(HttpResponse::Ok().content_type("application/json").body(body.clone()))))
        });
        let server = server.bind(("127.0.0.1", 0))?;
        let address = server.addrs().first().map(|address| format!("http://{address}")).ok_or("no address")?;
        let server = server.workers(2).disable_signals().run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self { handle, address })
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}
