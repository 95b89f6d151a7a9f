//! A place to stand between the program and Postgres: everything passes through, and whoever listens decides of each statement
//! what becomes of it.
//!
//! `Wire::in_front_of(url)` listens on a port of its own and understands just enough of Postgres' protocol: the start without TLS,
//! the client's messages up to Sync or Query, which are one round trip, and the server's up to ReadyForQuery, which end it. A round
//! trip that executes something is a [`Step`]; one that only prepares a statement, or asks whether the server is there, passes
//! unseen. While nobody listens, all of them pass.
//!
//! A rewriting changes the text of statements on their way, under the same parameters. So a test takes a rule out of the program's
//! SQL and shows that it would be missed, and the program needs no switch for it.

use std::collections::HashMap;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use sea_orm::sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

/// What a statement is sent as instead; `None` where it is not meant.
pub type Rewriting = fn(&str) -> Option<String>;

#[derive(Clone)]
pub struct Wire {
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    server: String,
    rewriting: Option<Rewriting>,
    /// How many statements were sent under another text.
    rewritten: AtomicU64,
    listener: Mutex<Option<mpsc::UnboundedSender<Event>>>,
}

/// What happens on a connection between the program and Postgres.
pub enum Event {
    Step(Step),
    /// A step was answered, with this SQLSTATE where it failed.
    Answered {
        pid: i32,
        /// Whether the connection is in a transaction now.
        in_transaction: bool,
        sqlstate: Option<String>,
    },
    Closed {
        pid: i32,
    },
}

/// A statement that waits to be let go. Dropped undecided, it passes.
#[derive(Debug)]
pub struct Step {
    /// The server's process for this connection: its name here and in Postgres' own views.
    pub pid: i32,
    pub sql: String,
    /// Its statements one by one, and the types that their parameters are sent as.
    pub statements: Vec<Text>,
    decide: oneshot::Sender<Verdict>,
}

/// A statement, and the types (as Postgres numbers them) that its parameters are sent as.
#[derive(Clone, Debug, Default)]
pub struct Text {
    pub sql: String,
    pub types: Vec<u32>,
}

/// What becomes of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    /// Postgres executes this instead, and its answer is passed on: it fails with what it raises.
    Instead(String),
    /// Both sides are closed, and it is not executed.
    Drop,
    /// It is executed, and both sides are closed instead of the answer.
    DropAnswer,
}

impl Step {
    pub fn decide(self, verdict: Verdict) {
        // Nobody waits where the connection is closed already.
        let _ = self.decide.send(verdict);
    }
}

impl Wire {
    pub async fn in_front_of(url: &str, rewriting: Option<Rewriting>) -> Self {
        let at = PgConnectOptions::from_str(url).expect("a URL");
        let server = format!("{}:{}", at.get_host(), at.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let here = listener.local_addr().expect("an address").to_string();
        let (who, rest) = url.rsplit_once('@').expect("a user");
        let (_, database) = rest.split_once('/').expect("a database");
        let shared = Arc::new(Shared { server, rewriting, rewritten: AtomicU64::new(0), listener: Mutex::new(None) });
        tokio::spawn(accept(listener, shared.clone()));
        Self { url: format!("{who}@{here}/{database}"), shared }
    }

    /// What a program is given that connects through here.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same for the inventory module.
    pub fn variables(&self) -> [(&str, &str); 1] {
        [("INVENTORY_DATABASE_URL", self.url.as_str())]
    }

    /// Asks to be told of everything from now on, until the receiver is dropped.
    pub fn listen(&self) -> mpsc::UnboundedReceiver<Event> {
        let (send, receive) = mpsc::unbounded_channel();
        *self.shared.listener.lock().expect("a listener") = Some(send);
        receive
    }

    pub fn rewritten(&self) -> u64 {
        self.shared.rewritten.load(Ordering::SeqCst)
    }
}

impl Shared {
    /// Whether somebody was told.
    fn tell(&self, event: Event) -> bool {
        let mut listener = self.listener.lock().expect("a listener");
        let told = listener.as_ref().is_some_and(|listener| listener.send(event).is_ok());
        if !told {
            *listener = None;
        }
        told
    }

    fn rewrite(&self, sql: &str) -> Option<String> {
        let rewritten = self.rewriting.and_then(|rewriting| rewriting(sql))?;
        self.rewritten.fetch_add(1, Ordering::SeqCst);
        Some(rewritten)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            let server = TcpStream::connect(&shared.server).await.expect("the server");
            let pid = Connection::carry(client, server, shared.clone()).await;
            shared.tell(Event::Closed { pid });
        });
    }
}

/// One message, whole, with its type in front.
type Message = Vec<u8>;

async fn read_message(from: &mut OwnedReadHalf) -> Option<Message> {
    let kind = from.read_u8().await.ok()?;
    let length = from.read_u32().await.ok()?;
    let mut message = vec![0; length as usize + 1];
    message[0] = kind;
    message[1..5].copy_from_slice(&length.to_be_bytes());
    from.read_exact(&mut message[5..]).await.ok()?;
    Some(message)
}

fn message(kind: u8, body: &[u8]) -> Message {
    let length = u32::try_from(body.len() + 4).expect("a message");
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

/// Texts of a message's body, each ended by a zero.
fn texts(body: &[u8]) -> impl Iterator<Item = String> {
    body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned())
}

/// The types of parameters: their number, and each of them.
fn types(body: &[u8]) -> Vec<u32> {
    body[2..].chunks_exact(4).map(|bytes| u32::from_be_bytes(bytes.try_into().expect("a type"))).collect()
}

/// Reads whole messages into a channel, so that waiting for them can be given up without losing half of one.
fn reading(mut from: OwnedReadHalf) -> (mpsc::Receiver<Message>, tokio::task::JoinHandle<()>) {
    let (send, receive) = mpsc::channel(64);
    let task = tokio::spawn(async move {
        while let Some(message) = read_message(&mut from).await {
            if send.send(message).await.is_err() {
                return;
            }
        }
    });
    (receive, task)
}

/// The first messages of a client have no type: TLS is refused, and what follows is passed on.
async fn start(client: &mut TcpStream, server: &mut TcpStream) -> Option<()> {
    const TLS_REQUEST: u32 = 80_877_103;
    loop {
        let length = client.read_u32().await.ok()?;
        let mut body = vec![0; length as usize - 4];
        client.read_exact(&mut body).await.ok()?;
        if body.get(..4) == Some(&TLS_REQUEST.to_be_bytes()) {
            client.write_all(b"N").await.ok()?;
            continue;
        }
        server.write_all(&[&length.to_be_bytes()[..], &body].concat()).await.ok()?;
        return Some(());
    }
}

/// One connection of the program, and where it is in the protocol.
struct Connection {
    shared: Arc<Shared>,
    to_client: OwnedWriteHalf,
    to_server: OwnedWriteHalf,
    pid: i32,
    /// Whether the client is logged in.
    ready: bool,
    /// The texts of prepared statements by their names, as the program wrote them.
    statements: HashMap<String, Text>,
    /// What the client has said of the round trip that it is about to make.
    batch: Batch,
    /// Whether the round trip that is under way was told of.
    told: bool,
    drop_answer: bool,
    sqlstate: Option<String>,
}

#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    statements: Vec<Text>,
    executes: bool,
}

impl Connection {
    /// Carries everything between the two until one of them is gone; answers the server's process.
    async fn carry(mut client: TcpStream, mut server: TcpStream, shared: Arc<Shared>) -> i32 {
        for side in [&client, &server] {
            side.set_nodelay(true).expect("no delay");
        }
        if start(&mut client, &mut server).await.is_none() {
            return 0;
        }
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let ((mut client, reading_client), (mut server, reading_server)) = (reading(from_client), reading(from_server));
        let mut connection = Self {
            shared,
            to_client,
            to_server,
            pid: 0,
            ready: false,
            statements: HashMap::new(),
            batch: Batch::default(),
            told: false,
            drop_answer: false,
            sqlstate: None,
        };
        connection.pump(&mut client, &mut server).await;
        reading_client.abort();
        reading_server.abort();
        connection.pid
    }

    /// Ends when one side is closed or is to be.
    async fn pump(&mut self, client: &mut mpsc::Receiver<Message>, server: &mut mpsc::Receiver<Message>) -> Option<()> {
        let mut held: Option<oneshot::Receiver<Verdict>> = None;
        loop {
            tokio::select! {
                message = server.recv() => self.pass_back(&message?).await?,
                message = client.recv(), if held.is_none() => held = self.take(message?).await?,
                verdict = async { held.as_mut().expect("a step").await }, if held.is_some() => {
                    held = None;
                    self.decided(verdict.unwrap_or(Verdict::Pass)).await?;
                }
            }
        }
    }

    async fn pass_back(&mut self, message: &Message) -> Option<()> {
        let body = &message[5..];
        match message[0] {
            b'K' => self.pid = i32::from_be_bytes(body[..4].try_into().expect("a process")),
            b'E' => self.sqlstate = texts(body).find_map(|field| field.strip_prefix('C').map(str::to_owned)),
            _ => {}
        }
        let ends = message[0] == b'Z';
        if ends {
            self.ready = true;
            let sqlstate = self.sqlstate.take();
            // Told first: what the program makes of the answer comes after it.
            if std::mem::take(&mut self.told) {
                self.shared.tell(Event::Answered { pid: self.pid, in_transaction: body[0] != b'I', sqlstate });
            }
        }
        if self.drop_answer {
            return (!ends).then_some(());
        }
        self.to_client.write_all(message).await.ok()
    }

    /// Gathers a round trip. `None` where the connection is over; inside, what is waited for where it is whole and somebody decides
    /// of it.
    async fn take(&mut self, message: Message) -> Option<Option<oneshot::Receiver<Verdict>>> {
        if !self.ready {
            self.to_server.write_all(&message).await.ok()?;
            return Some(None);
        }
        let kind = message[0];
        self.gather(message);
        if !matches!(kind, b'S' | b'Q' | b'X') {
            return Some(None);
        }
        if self.batch.executes {
            let (decide, decided) = oneshot::channel();
            let statements = self.batch.statements.clone();
            let sql = statements.iter().map(|text| text.sql.as_str()).collect::<Vec<_>>().join("; ");
            let step = Step { pid: self.pid, sql, statements, decide };
            if self.shared.tell(Event::Step(step)) {
                self.told = true;
                return Some(Some(decided));
            }
        }
        self.decided(Verdict::Pass).await.map(|()| None)
    }

    fn gather(&mut self, mut message: Message) {
        let mut said = texts(&message[5..]);
        let (first, second) = (said.next().unwrap_or_default(), said.next().unwrap_or_default());
        drop(said);
        match message[0] {
            b'P' => {
                let types = types(&message[5 + first.len() + second.len() + 2..]);
                if let Some(other) = self.shared.rewrite(&second) {
                    let parameters = &message[5 + first.len() + second.len() + 2..];
                    message = self::message(b'P', &[first.as_bytes(), &[0], other.as_bytes(), &[0], parameters].concat());
                }
                self.statements.insert(first, Text { sql: second, types });
            }
            b'B' => self.batch.statements.push(self.statements.get(&second).cloned().unwrap_or_default()),
            b'E' => self.batch.executes = true,
            b'Q' => {
                if let Some(other) = self.shared.rewrite(&first) {
                    message = self::message(b'Q', &[other.as_bytes(), &[0]].concat());
                }
                self.batch.executes = !first.is_empty();
                self.batch.statements.push(Text { sql: first, types: Vec::new() });
            }
            _ => {}
        }
        self.batch.bytes.extend(message);
    }

    async fn decided(&mut self, verdict: Verdict) -> Option<()> {
        let batch = std::mem::take(&mut self.batch);
        match verdict {
            Verdict::Pass => self.to_server.write_all(&batch.bytes).await.ok(),
            Verdict::Instead(sql) => self.to_server.write_all(&message(b'Q', &[sql.as_bytes(), &[0]].concat())).await.ok(),
            Verdict::Drop => None,
            Verdict::DropAnswer => {
                self.drop_answer = true;
                self.to_server.write_all(&batch.bytes).await.ok()
            }
        }
    }
}
