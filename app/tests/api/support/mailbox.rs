//! A mail server on this machine that keeps what it is sent, or refuses it, or hangs up.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Two tests of one, as `both_engines!` makes them, with a mail server.
#[macro_export]
macro_rules! with_mail {
    ($(async fn $name:ident($api:ident: Api, $mailbox:ident: Mailbox) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn test($api: Api, $mailbox: Mailbox) $body

            async fn of(engine: $crate::support::Engine) {
                let mailbox = $crate::support::mailbox::Mailbox::open().await;
                let variables = mailbox.variables();
                let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
                $crate::support::on(engine, &variables, async |api| test(api, mailbox).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                of($crate::support::Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                of($crate::support::Engine::Postgres).await;
            }
        }
    )*};
}

/// What the server does with a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Takes,
    /// 451 to its receiver.
    Refuses,
    /// The connection ends in the middle of it.
    HangsUp,
    /// Nothing, until it is told a mood again: then the connection ends. A program sends no other letter meanwhile.
    Holds,
}

/// A letter that was taken.
#[derive(Clone, Debug)]
pub struct Received {
    /// Whom the server was told that it is for.
    pub to: String,
    pub headers: String,
    /// Decoded, with plain line ends.
    pub text: String,
}

impl Received {
    pub fn subject(&self) -> &str {
        self.headers.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or("")
    }

    /// The link in it.
    pub fn link(&self) -> String {
        self.text.lines().find(|line| line.starts_with("https://")).unwrap_or_else(|| panic!("no link: {}", self.text)).to_owned()
    }

    /// The token behind the `#` of the link.
    pub fn token(&self) -> String {
        self.link().split_once('#').expect("a token").1.to_owned()
    }
}

#[derive(Clone)]
pub struct Mailbox {
    shared: Arc<Shared>,
    port: u16,
    accepting: Arc<JoinHandle<()>>,
}

struct Shared {
    mood: Mutex<Mood>,
    received: Mutex<VecDeque<Received>>,
    /// What the last client has shown to be let in.
    shown: Mutex<String>,
    /// How many letters were begun, taken or not.
    begun: Mutex<usize>,
    /// How often it was told a mood.
    moods: Mutex<usize>,
    /// How many letters it has held since.
    held: Mutex<usize>,
    happened: Notify,
}

impl Mailbox {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            mood: Mutex::new(Mood::Takes),
            received: Mutex::default(),
            shown: Mutex::default(),
            begun: Mutex::new(0),
            moods: Mutex::new(0),
            held: Mutex::new(0),
            happened: Notify::new(),
        });
        let accepting = Arc::new(tokio::spawn(accept(listener, shared.clone())));
        Self { shared, port, accepting }
    }

    /// By these a program sends its mail here.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("LARDER_MAIL_HOST", "127.0.0.1".into()),
            ("LARDER_MAIL_PORT", self.port.to_string()),
            ("LARDER_MAIL_TLS", "none".into()),
            ("LARDER_MAIL_FROM", "Stock room <stock@example.com>".into()),
            ("LARDER_AUTH_PUBLIC_URL", "https://stock.example.com".into()),
        ]
    }

    /// What came after `AUTH PLAIN`: user and password, as they go over the wire.
    pub fn shown(&self) -> String {
        self.shared.shown.lock().expect("what was shown").clone()
    }

    pub fn becomes(&self, mood: Mood) {
        *self.shared.held.lock().expect("a number") = 0;
        *self.shared.moods.lock().expect("a number") += 1;
        *self.shared.mood.lock().expect("a mood") = mood;
        self.shared.happened.notify_waiters();
    }

    /// Waits until it holds a letter.
    pub async fn holds(&self) {
        self.shared.until(|shared| (*shared.held.lock().expect("a number") > 0).then_some(())).await;
    }

    /// The next letter that is taken, whenever it comes.
    pub async fn next(&self) -> Received {
        self.shared.until(|shared| shared.received.lock().expect("letters").pop_front()).await
    }

    /// The next letter to an address. Those to others stay.
    pub async fn next_to(&self, address: &str) -> Received {
        self.shared
            .until(|shared| {
                let mut received = shared.received.lock().expect("letters");
                let place = received.iter().position(|letter| letter.to == address)?;
                received.remove(place)
            })
            .await
    }

    /// Waits until so many letters were begun since it was opened.
    pub async fn begun(&self, number: usize) {
        self.shared.until(|shared| (*shared.begun.lock().expect("a number") >= number).then_some(())).await;
    }

    pub fn tried(&self) -> usize {
        *self.shared.begun.lock().expect("a number")
    }

    /// What was taken and not asked for.
    pub fn rest(&self) -> Vec<Received> {
        self.shared.received.lock().expect("letters").drain(..).collect()
    }

    /// From now on nobody listens.
    pub fn close(&self) {
        self.accepting.abort();
    }
}

impl Shared {
    async fn until<T>(&self, found: impl Fn(&Self) -> Option<T>) -> T {
        loop {
            let happens = self.happened.notified();
            let mut happens = std::pin::pin!(happens);
            happens.as_mut().enable();
            if let Some(found) = found(self) {
                return found;
            }
            happens.await;
        }
    }

    /// Holds a letter until it is told a mood again.
    async fn hold(&self) {
        let moods = *self.moods.lock().expect("a number");
        *self.held.lock().expect("a number") += 1;
        self.happened.notify_waiters();
        self.until(|shared| (*shared.moods.lock().expect("a number") != moods).then_some(())).await;
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((connection, _)) = listener.accept().await {
        let shared = shared.clone();
        // A client that hangs up is no failure of the server.
        tokio::spawn(async move { drop(serve(connection, &shared).await) });
    }
}

async fn serve(connection: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let (read, mut write) = connection.into_split();
    let mut lines = BufReader::new(read);
    let mut to = String::new();
    say(&mut write, "220 here").await?;
    while let Some(line) = line(&mut lines).await? {
        let verb = line.split([' ', ':']).next().unwrap_or("").to_ascii_uppercase();
        let mood = *shared.mood.lock().expect("a mood");
        match verb.as_str() {
            "EHLO" => say(&mut write, "250-here\r\n250-AUTH PLAIN\r\n250 8BITMIME").await?,
            "AUTH" => {
                line.trim_start_matches("AUTH PLAIN ").clone_into(&mut shared.shown.lock().expect("what was shown"));
                say(&mut write, "235 come in").await?;
            }
            "RCPT" => {
                line.split(['<', '>']).nth(1).unwrap_or("").clone_into(&mut to);
                *shared.begun.lock().expect("a number") += 1;
                shared.happened.notify_waiters();
                match mood {
                    Mood::Takes => say(&mut write, "250 fine").await?,
                    Mood::Refuses => say(&mut write, "451 not now").await?,
                    Mood::HangsUp => return Ok(()),
                    Mood::Holds => {
                        shared.hold().await;
                        return Ok(());
                    }
                }
            }
            "DATA" => {
                say(&mut write, "354 go on").await?;
                let mut data = String::new();
                while let Some(line) = self::line(&mut lines).await?.filter(|line| line != ".") {
                    data.push_str(line.strip_prefix('.').unwrap_or(&line));
                    data.push('\n');
                }
                // Kept before it is answered: whoever is answered may look.
                shared.received.lock().expect("letters").push_back(letter(&to, &data));
                shared.happened.notify_waiters();
                say(&mut write, "250 taken").await?;
            }
            "QUIT" => return say(&mut write, "221 bye").await,
            _ => say(&mut write, "250 fine").await?,
        }
    }
    Ok(())
}

async fn say(write: &mut OwnedWriteHalf, answer: &str) -> std::io::Result<()> {
    write.write_all(format!("{answer}\r\n").as_bytes()).await
}

async fn line(lines: &mut BufReader<OwnedReadHalf>) -> std::io::Result<Option<String>> {
    let mut line = String::new();
    let read = lines.read_line(&mut line).await?;
    Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn letter(to: &str, data: &str) -> Received {
    let (headers, body) = data.split_once("\n\n").unwrap_or((data, ""));
    let text = if headers.contains("quoted-printable") { unquoted(body) } else { body.to_owned() };
    Received { to: to.to_owned(), headers: headers.to_owned(), text }
}

fn unquoted(text: &str) -> String {
    let joined = text.replace("=\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'=' {
            let code: Vec<u8> = rest.by_ref().take(2).collect();
            let code = std::str::from_utf8(&code).ok().and_then(|code| u8::from_str_radix(code, 16).ok());
            bytes.push(code.expect("a quoted byte"));
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).expect("text")
}
