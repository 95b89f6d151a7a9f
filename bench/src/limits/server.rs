//! The limit of an answer: an actix server that says the same bytes to everybody, at once or after it has done something.

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
        Self::after(bytes, || std::future::ready(true))
    }

    /// Does something first, which says whether it went well.
    pub fn after<F: Future<Output = bool> + 'static>(bytes: usize, work: impl Fn() -> F + Clone + Send + 'static) -> Outcome<Self> {
        let body = web::Bytes::from("x".repeat(bytes));
        let server = HttpServer::new(move || {
            let (body, work) = (body.clone(), work.clone());
            let answer = move || {
                let (body, done) = (body.clone(), work());
                async move { if done.await { HttpResponse::Ok().content_type("application/json").body(body) } else { HttpResponse::InternalServerError().finish() } }
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
