//! The limit of an answer: an actix server that says the same bytes to everybody, at once or after it has read.

use actix_web::{App, HttpResponse, HttpServer, web};

use crate::Outcome;

/// A server that runs until it is stopped.
pub struct Server {
    handle: actix_web::dev::ServerHandle,
    pub address: String,
}

impl Server {
    /// Answers every request with so many bytes.
    pub fn constant(bytes: usize) -> Outcome<Self> {
        Self::reading(bytes, || std::future::ready(true))
    }

    /// Reads first, which says whether it went well, and does not look at what was read.
    pub fn reading<F: Future<Output = bool> + 'static>(bytes: usize, read: impl Fn() -> F + Clone + Send + 'static) -> Outcome<Self> {
        let body = web::Bytes::from("x".repeat(bytes));
        let server = HttpServer::new(move || {
            let (body, read) = (body.clone(), read.clone());
            let answer = move || {
                let (body, read) = (body.clone(), read());
                async move { if read.await { HttpResponse::Ok().content_type("application/json").body(body) } else { HttpResponse::InternalServerError().finish() } }
            };
            App::new().default_service(web::to(answer))
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
