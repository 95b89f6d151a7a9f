//! Random steps. A step names lots, documents and transfers by a number that is taken modulo what there is, so that a script
//! stays one when steps are taken out of it.

use rand::RngExt as _;
use rand::rngs::StdRng;

/// Hours from the beginning of a world that lasts ten days.
pub const HOURS: i64 = 240;
pub const ITEMS: u8 = 3;
/// Two areas of one site and one of another.
pub const AREAS: u8 = 3;

/// An hour of the world; `None` is now.
pub type At = Option<i64>;

/// An item, a quantity, and the nth lot of the item by name.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub item: u8,
    pub quantity: i64,
    pub lot: Option<usize>,
}

#[derive(Clone, Debug)]
pub enum Step {
    /// Lines with a price each and the days to expiry, and a charge.
    Receive {
        at: At,
        area: u8,
        lines: Vec<(Line, i64, Option<i64>)>,
        charge: i64,
    },
    Waste {
        at: At,
        area: u8,
        lines: Vec<Line>,
    },
    Use {
        at: At,
        area: u8,
        lines: Vec<Line>,
        record: bool,
        reservation: Option<usize>,
    },
    Return {
        at: At,
        area: u8,
        lines: Vec<Line>,
        credit: Option<i64>,
    },
    /// A quantity below zero goes down; a cost makes a lot.
    Adjust {
        at: At,
        area: u8,
        lines: Vec<(Line, Option<i64>)>,
    },
    Move {
        at: At,
        area: u8,
        to: u8,
        lines: Vec<Line>,
    },
    Dispatch {
        at: At,
        area: u8,
        to: u8,
        lines: Vec<Line>,
    },
    /// All that is under way, or one lot of it; it arrives, is lost or comes back.
    Arrive {
        at: At,
        transfer: usize,
        part: Option<i64>,
        end: End,
    },
    /// Areas, items, quantities, each at a time of its own.
    Count {
        lines: Vec<(u8, Line, i64)>,
    },
    Reverse {
        document: usize,
        today: bool,
    },
    Revalue {
        at: At,
        lot: usize,
        amount: i64,
    },
    Correct {
        at: At,
        receipt: usize,
        line: usize,
        quantity: i64,
        value: i64,
    },
    Transform {
        at: At,
        area: u8,
        inputs: Vec<Line>,
        outputs: Vec<(Line, i64, Option<i64>)>,
    },
    Open {
        at: At,
        area: u8,
        line: Line,
    },
    Hold {
        lot: usize,
        on: bool,
    },
    Reserve {
        area: u8,
        line: Line,
    },
    Release {
        reservation: usize,
    },
    Close {
        day: i64,
    },
    Reopen,
    /// The next posting says that the count did not see it.
    NotIncluded(Box<Step>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Arrives,
    Lost,
    Back,
}

/// Some hour of the world, or, once in a while, one that lies ahead.
fn hour(random: &mut StdRng) -> i64 {
    random.random_range(0..HOURS + 2)
}

fn at(random: &mut StdRng) -> At {
    random.random_bool(0.5).then(|| hour(random))
}

/// Goods mostly come in early.
fn early(random: &mut StdRng) -> At {
    random.random_bool(0.9).then(|| if random.random_bool(0.7) { random.random_range(0..HOURS / 4) } else { hour(random) })
}

/// Half of them small, so that splitting leaves crumbs.
fn quantity(random: &mut StdRng) -> i64 {
    if random.random_bool(0.6) { random.random_range(1..=9) } else { random.random_range(1..=2_000_000) }
}

/// `named` of a hundred lines name a lot.
fn line(random: &mut StdRng, items: &[u8], named: u32) -> Line {
    Line {
        item: items[random.random_range(0..items.len())],
        quantity: quantity(random),
        lot: random.random_ratio(named, 100).then(|| random.random_range(0..6)),
    }
}

fn lines(random: &mut StdRng, items: &[u8], named: u32) -> Vec<Line> {
    (0..random.random_range(1..3)).map(|_| line(random, items, named)).collect()
}

fn area(random: &mut StdRng) -> u8 {
    [0, 0, 0, 1, 1, 2][random.random_range(0..6)]
}

fn value(random: &mut StdRng) -> i64 {
    if random.random_bool(0.6) { random.random_range(0..12) } else { random.random_range(0..3_000_000) }
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Receive,
    Waste,
    Use,
    Return,
    Adjust,
    Move,
    Dispatch,
    Arrive,
    Count,
    Reverse,
    Revalue,
    Correct,
    Transform,
    Open,
    Hold,
    Reserve,
    Release,
    Close,
    Reopen,
}

impl Kind {
    /// All of them, with how often each comes in a thousand steps.
    pub const ALL: [(Self, u32); 19] = [
        (Self::Receive, 230),
        (Self::Waste, 100),
        (Self::Use, 110),
        (Self::Return, 30),
        (Self::Adjust, 90),
        (Self::Move, 60),
        (Self::Dispatch, 40),
        (Self::Arrive, 60),
        (Self::Count, 60),
        (Self::Reverse, 80),
        (Self::Revalue, 30),
        (Self::Correct, 20),
        (Self::Transform, 20),
        (Self::Open, 20),
        (Self::Hold, 15),
        (Self::Reserve, 15),
        (Self::Release, 8),
        (Self::Close, 9),
        (Self::Reopen, 3),
    ];
}

/// What steps are made of.
#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    /// Their kinds, with how often each comes.
    pub kinds: &'a [(Kind, u32)],
    /// The items that they are about.
    pub items: &'a [u8],
}

impl Range<'static> {
    pub const ALL: Self = Self { kinds: &Kind::ALL, items: &[0, 1, 2] };
}

pub fn step(random: &mut StdRng, range: Range<'_>) -> Step {
    let mut left = random.random_range(0..range.kinds.iter().map(|(_, weight)| weight).sum());
    let chosen = range.kinds.iter().find(|(_, weight)| {
        let here = left < *weight;
        left = left.saturating_sub(*weight);
        here
    });
    let step = of_kind(random, chosen.map_or(Kind::Receive, |(kind, _)| *kind), range.items);
    if random.random_bool(0.15) { Step::NotIncluded(Box::new(step)) } else { step }
}

fn of_kind(random: &mut StdRng, kind: Kind, items: &[u8]) -> Step {
    let expiry = |random: &mut StdRng| random.random_bool(0.6).then(|| random.random_range(0..8));
    match kind {
        Kind::Receive => {
            let lines = (0..random.random_range(1..3)).map(|_| (line(random, items, 0), value(random), expiry(random))).collect();
            Step::Receive { at: early(random), area: area(random), lines, charge: random.random_range(-1..3) * 7 }
        }
        Kind::Waste => Step::Waste { at: at(random), area: area(random), lines: lines(random, items, 40) },
        Kind::Use => {
            let reservation = random.random_bool(0.3).then(|| random.random_range(0..4));
            Step::Use { at: at(random), area: area(random), lines: lines(random, items, 40), record: random.random_bool(0.3), reservation }
        }
        Kind::Return => {
            Step::Return { at: at(random), area: area(random), lines: lines(random, items, 50), credit: random.random_bool(0.5).then(|| value(random)) }
        }
        Kind::Adjust => {
            let line = |random: &mut StdRng| {
                let line = line(random, items, 40);
                let up = random.random_bool(0.6);
                (Line { quantity: if up { line.quantity } else { -line.quantity }, ..line }, (up && random.random_bool(0.3)).then(|| random.random_range(0..9)))
            };
            Step::Adjust { at: at(random), area: area(random), lines: (0..random.random_range(1..3)).map(|_| line(random)).collect() }
        }
        Kind::Move => Step::Move { at: at(random), area: area(random), to: area(random), lines: lines(random, items, 40) },
        Kind::Dispatch => Step::Dispatch { at: at(random), area: area(random), to: area(random), lines: lines(random, items, 40) },
        Kind::Arrive => {
            let end = [End::Arrives, End::Arrives, End::Lost, End::Back][random.random_range(0..4)];
            Step::Arrive { at: at(random), transfer: random.random_range(0..4), part: random.random_bool(0.5).then(|| quantity(random)), end }
        }
        Kind::Count => {
            let line = |random: &mut StdRng| (area(random), line(random, items, 30), hour(random));
            Step::Count { lines: (0..random.random_range(1..4)).map(|_| line(random)).collect() }
        }
        Kind::Reverse => Step::Reverse { document: random.random_range(0..12), today: random.random_bool(0.3) },
        Kind::Revalue => Step::Revalue { at: at(random), lot: random.random_range(0..8), amount: value(random) - value(random) },
        Kind::Correct => Step::Correct {
            at: at(random),
            receipt: random.random_range(0..6),
            line: random.random_range(0..2),
            quantity: quantity(random),
            value: value(random),
        },
        Kind::Transform => {
            let outputs = (0..random.random_range(1..3)).map(|_| (line(random, items, 0), random.random_range(0..9), expiry(random))).collect();
            Step::Transform { at: at(random), area: area(random), inputs: lines(random, items, 50), outputs }
        }
        Kind::Open => Step::Open { at: at(random), area: area(random), line: line(random, items, 100) },
        Kind::Hold => Step::Hold { lot: random.random_range(0..8), on: random.random_bool(0.6) },
        Kind::Reserve => Step::Reserve { area: area(random), line: line(random, items, 0) },
        Kind::Release => Step::Release { reservation: random.random_range(0..4) },
        Kind::Close => Step::Close { day: random.random_range(0..HOURS / 48) },
        Kind::Reopen => Step::Reopen,
    }
}

/// When a step happens, where it can say that.
fn time(step: &mut Step) -> Option<&mut At> {
    match step {
        Step::Receive { at, .. }
        | Step::Waste { at, .. }
        | Step::Use { at, .. }
        | Step::Return { at, .. }
        | Step::Adjust { at, .. }
        | Step::Move { at, .. }
        | Step::Dispatch { at, .. }
        | Step::Arrive { at, .. }
        | Step::Revalue { at, .. }
        | Step::Correct { at, .. }
        | Step::Transform { at, .. }
        | Step::Open { at, .. } => Some(at),
        Step::NotIncluded(step) => time(step),
        _ => None,
    }
}

/// The number by which a step names what it is about.
fn number(step: &mut Step) -> Option<&mut usize> {
    match step {
        Step::Reverse { document: number, .. }
        | Step::Arrive { transfer: number, .. }
        | Step::Revalue { lot: number, .. }
        | Step::Hold { lot: number, .. }
        | Step::Correct { receipt: number, .. }
        | Step::Release { reservation: number } => Some(number),
        Step::NotIncluded(step) => number(step),
        _ => None,
    }
}

/// The same step about the one before: where a script lost what came before that.
pub fn about_the_one_before(step: &Step) -> Step {
    let mut step = step.clone();
    if let Some(number) = number(&mut step) {
        *number = number.saturating_sub(1);
    }
    step
}

/// The same step with less in it, for a script that is cut down: with fewer lines, smaller amounts, now, or about another.
pub fn simpler(step: &Step) -> Vec<Step> {
    let mut all = with_less(step);
    let mut now = step.clone();
    if time(&mut now).and_then(|at| at.take()).is_some() {
        all.push(now);
    }
    let mut about = step.clone();
    let last = number(&mut about).map_or(0, |number| *number);
    for smaller in 0..last {
        let mut about = step.clone();
        if let Some(number) = number(&mut about) {
            *number = smaller;
        }
        all.push(about);
    }
    all
}

fn with_less(step: &Step) -> Vec<Step> {
    let fewer = |lines: &Vec<Line>| -> Vec<Vec<Line>> {
        let mut all: Vec<Vec<Line>> = if lines.len() > 1 { (0..lines.len()).map(|at| without(lines, at)).collect() } else { Vec::new() };
        all.extend((0..lines.len()).filter_map(|at| {
            let mut smaller = lines.clone();
            smaller[at].quantity = smaller[at].quantity.signum() * (smaller[at].quantity.abs() / 2).max(1);
            (smaller[at].quantity != lines[at].quantity).then_some(smaller)
        }));
        all
    };
    match step.clone() {
        Step::NotIncluded(inner) => vec![*inner],
        Step::Receive { at, area, lines, charge } => {
            let mut all = Vec::new();
            if charge != 0 {
                all.push(Step::Receive { at, area, lines: lines.clone(), charge: 0 });
            }
            for place in 0..lines.len() {
                if lines.len() > 1 {
                    all.push(Step::Receive { at, area, lines: without(&lines, place), charge });
                }
                let (line, value, expiry) = lines[place];
                for smaller in [(Line { quantity: (line.quantity / 2).max(1), ..line }, value, expiry), (line, value / 2, expiry), (line, value, None)] {
                    let mut changed = lines.clone();
                    changed[place] = smaller;
                    if format!("{changed:?}") != format!("{lines:?}") {
                        all.push(Step::Receive { at, area, lines: changed, charge });
                    }
                }
            }
            all
        }
        Step::Waste { at, area, lines } => fewer(&lines).into_iter().map(|lines| Step::Waste { at, area, lines }).collect(),
        Step::Use { at, area, lines, record, reservation } => {
            fewer(&lines).into_iter().map(|lines| Step::Use { at, area, lines, record, reservation }).collect()
        }
        Step::Move { at, area, to, lines } => fewer(&lines).into_iter().map(|lines| Step::Move { at, area, to, lines }).collect(),
        Step::Dispatch { at, area, to, lines } => fewer(&lines).into_iter().map(|lines| Step::Dispatch { at, area, to, lines }).collect(),
        Step::Adjust { at, area, lines } if lines.len() > 1 => (0..lines.len()).map(|place| Step::Adjust { at, area, lines: without(&lines, place) }).collect(),
        Step::Count { lines } if lines.len() > 1 => (0..lines.len()).map(|place| Step::Count { lines: without(&lines, place) }).collect(),
        _ => Vec::new(),
    }
}

fn without<T: Clone>(list: &[T], place: usize) -> Vec<T> {
    list.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, it)| it.clone()).collect()
}
