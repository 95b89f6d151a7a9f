//! The mail server: the one place that speaks SMTP.

use std::pin::Pin;
use std::time::{Duration, SystemTime};

use auth::{Carrier, Letter, Undelivered};
use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls as SmtpTls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use serde::Deserialize;

use crate::secret::Secret;

/// So long the mail server may take for each answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// The section `mail` of the settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The mail server; empty where no mail is sent.
    pub host: String,
    pub port: u16,
    /// Empty where the mail server asks for none.
    pub user: String,
    pub password: Secret,
    pub tls: Tls,
    /// Whom letters come from: `stock@example.com`, or `Stock room <stock@example.com>`.
    pub from: String,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Not at all: for a mail server on the same machine or in the same private network.
    None,
    /// From the command STARTTLS on; without it no letter is sent. Usually on port 587.
    Starttls,
    /// From the start. Usually on port 465.
    Tls,
}

impl Config {
    pub fn is_on(&self) -> bool {
        !self.host.is_empty()
    }

    /// What is wrong with it: the name of the key, and what is expected.
    pub fn validate(&self) -> Result<(), (&'static str, String)> {
        if !self.is_on() {
            return Ok(());
        }
        if self.port == 0 {
            return Err(("port", "a port from 1 to 65535 is expected".into()));
        }
        if self.from.parse::<Mailbox>().is_err() {
            return Err(("from", format!("found `{}`, an address such as stock@example.com is expected: letters come from it", self.from)));
        }
        if self.user.is_empty() != self.password.given().is_none() {
            return Err(("user", "a user and a password are given together or not at all".into()));
        }
        if self.tls == Tls::None && !self.user.is_empty() && !is_here(&self.host) {
            return Err(("tls", "found `none`, `starttls` or `tls` is expected: else the password would be sent for everybody to read".into()));
        }
        Ok(())
    }
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Why there is no way to the mail server.
#[derive(Debug)]
pub struct Unusable(pub String);

/// Hands letters to a mail server, each on a connection of its own: there are few.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// `None` where no mail server is configured. Connects to nothing yet.
    pub fn new(config: &Config) -> Result<Option<Self>, Unusable> {
        if !config.is_on() {
            return Ok(None);
        }
        let from: Mailbox = config.from.parse().map_err(|_| Unusable("`mail.from` is no address".into()))?;
        let parameters = || TlsParameters::new(config.host.clone()).map_err(|error| Unusable(format!("TLS for the mail server `mail.host`: {error}")));
        let tls = match config.tls {
            Tls::None => SmtpTls::None,
            Tls::Starttls => SmtpTls::Required(parameters()?),
            Tls::Tls => SmtpTls::Wrapper(parameters()?),
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host.clone())
            .port(config.port)
            .tls(tls)
            .timeout(Some(ANSWER_TIMEOUT))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()));
        if !config.user.is_empty() {
            transport = transport.credentials(Credentials::new(config.user.clone(), config.password.reveal().to_owned()));
        }
        Ok(Some(Self { transport: transport.build(), from }))
    }

    /// Connects, and is let in; hands nothing over.
    pub async fn reach(&self) -> Result<(), Undelivered> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Undelivered::Unreachable("the mail server ends the connection")),
            Err(error) => Err(undelivered(&error)),
        }
    }

    fn message(&self, letter: Letter) -> Result<Message, Undelivered> {
        let to = letter.to.parse().map_err(|_| Undelivered::Unwritable("its address is none that mail can be sent to"))?;
        let written = u64::try_from(letter.written_at.micros()).unwrap_or(0);
        Message::builder()
            .from(self.from.clone())
            // An address alone: a name would be a user's words in a header.
            .to(Mailbox::new(None, to))
            .subject(letter.subject)
            .date(SystemTime::UNIX_EPOCH + Duration::from_micros(written))
            // The same for every try, so that a letter that comes twice is known to be one.
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text)
            .map_err(|_| Undelivered::Unwritable("it cannot be written as mail"))
    }
}

fn undelivered(error: &lettre::transport::smtp::Error) -> Undelivered {
    match error.status() {
        Some(code) => Undelivered::Refused(code.into()),
        None if error.is_tls() => Undelivered::Unreachable("no TLS connection to the mail server could be made"),
        None if error.is_client() => Undelivered::Unwritable("the mail server does not take such letters, or asks for what is not configured"),
        None => Undelivered::Unreachable("no connection to the mail server, or it ended"),
    }
}

impl Carrier for Smtp {
    fn carry(&self, letter: Letter) -> Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send + '_>> {
        Box::pin(async move {
            let message = self.message(letter)?;
            self.transport.send(message).await.map(|_| ()).map_err(|error| undelivered(&error))
        })
    }
}

#[cfg(test)]
mod tests {
    use kernel::Instant;

    use super::*;

    fn config() -> Config {
        Config {
            host: "mail.example.com".into(),
            port: 587,
            user: "stock".into(),
            password: Secret::new("hunter2"),
            tls: Tls::Starttls,
            from: "Stock room <stock@example.com>".into(),
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_its_key() {
        let key = |config: Config| config.validate().err().map(|(key, _)| key);
        assert_eq!(key(config()), None);
        assert_eq!(key(Config { host: String::new(), from: String::new(), ..config() }), None, "no mail is sent");
        assert_eq!(key(Config { port: 0, ..config() }), Some("port"));
        assert_eq!(key(Config { from: String::new(), ..config() }), Some("from"));
        assert_eq!(key(Config { user: String::new(), ..config() }), Some("user"));
        assert_eq!(key(Config { password: Secret::default(), ..config() }), Some("user"));
        assert_eq!(key(Config { tls: Tls::None, ..config() }), Some("tls"));
        assert_eq!(key(Config { tls: Tls::None, host: "127.0.0.1".into(), ..config() }), None);
        assert_eq!(key(Config { tls: Tls::None, user: String::new(), password: Secret::default(), ..config() }), None);
        assert!(!format!("{:?}", config()).contains("hunter2"));
    }

    #[tokio::test]
    async fn a_letter_has_its_own_id_and_time_and_nobody_writes_into_its_headers() {
        let smtp = Smtp::new(&config()).expect("usable").expect("configured");
        let letter = |to: &str| Letter {
            id: uuid::Uuid::from_u128(7),
            written_at: Instant::parse("2026-11-25T12:00:00Z").expect("a time"),
            to: to.into(),
            subject: "A new password".into(),
            text: "Küche\n".into(),
        };
        let written = String::from_utf8(smtp.message(letter("mia@example.com")).expect("a letter").formatted()).expect("text");
        assert!(written.contains("Message-ID: <00000000-0000-0000-0000-000000000007@example.com>\r\n"), "{written}");
        assert!(written.contains("Date: Wed, 25 Nov 2026 12:00:00 +0000\r\n") && written.contains("To: mia@example.com\r\n"), "{written}");
        for wrong in ["mia@example.com\r\nBcc: all@example.com", "mia", "<mia@example.com>, bob@example.com"] {
            assert!(smtp.message(letter(wrong)).is_err(), "{wrong}");
        }
    }
}
