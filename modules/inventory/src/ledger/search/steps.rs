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

fn at(random: &mut StdRng) -> At {
    random.random_bool(0.5).then(|| random.random_range(0..HOURS))
}

/// Goods mostly come in early.
fn early(random: &mut StdRng) -> At {
    random.random_bool(0.9).then(|| if random.random_bool(0.7) { random.random_range(0..HOURS / 4) } else { random.random_range(0..HOURS) })
}

/// Half of them small, so that splitting leaves crumbs.
fn quantity(random: &mut StdRng) -> i64 {
    if random.random_bool(0.6) { random.random_range(1..=9) } else { random.random_range(1..=2_000_000) }
}

/// `named` of a hundred lines name a lot.
fn line(random: &mut StdRng, named: u32) -> Line {
    Line { item: random.random_range(0..ITEMS), quantity: quantity(random), lot: random.random_ratio(named, 100).then(|| random.random_range(0..6)) }
}

fn lines(random: &mut StdRng, named: u32) -> Vec<Line> {
    (0..random.random_range(1..3)).map(|_| line(random, named)).collect()
}

fn area(random: &mut StdRng) -> u8 {
    [0, 0, 0, 1, 1, 2][random.random_range(0..6)]
}

fn value(random: &mut StdRng) -> i64 {
    if random.random_bool(0.6) { random.random_range(0..12) } else { random.random_range(0..3_000_000) }
}

pub fn step(random: &mut StdRng) -> Step {
    let step = plain(random);
    if random.random_bool(0.15) { Step::NotIncluded(Box::new(step)) } else { step }
}

fn plain(random: &mut StdRng) -> Step {
    let expiry = |random: &mut StdRng| random.random_bool(0.6).then(|| random.random_range(0..8));
    match random.random_range(0..1000) {
        0..230 => {
            let lines = (0..random.random_range(1..3)).map(|_| (line(random, 0), value(random), expiry(random))).collect();
            Step::Receive { at: early(random), area: area(random), lines, charge: random.random_range(0..3) * 7 }
        }
        230..330 => Step::Waste { at: at(random), area: area(random), lines: lines(random, 40) },
        330..440 => {
            let reservation = random.random_bool(0.3).then(|| random.random_range(0..4));
            Step::Use { at: at(random), area: area(random), lines: lines(random, 40), record: random.random_bool(0.3), reservation }
        }
        440..470 => Step::Return { at: at(random), area: area(random), lines: lines(random, 50), credit: random.random_bool(0.5).then(|| value(random)) },
        470..560 => {
            let line = |random: &mut StdRng| {
                let line = line(random, 40);
                let up = random.random_bool(0.6);
                (Line { quantity: if up { line.quantity } else { -line.quantity }, ..line }, (up && random.random_bool(0.3)).then(|| random.random_range(0..9)))
            };
            Step::Adjust { at: at(random), area: area(random), lines: (0..random.random_range(1..3)).map(|_| line(random)).collect() }
        }
        560..620 => Step::Move { at: at(random), area: area(random), to: area(random), lines: lines(random, 40) },
        620..660 => Step::Dispatch { at: at(random), area: area(random), to: area(random), lines: lines(random, 40) },
        660..720 => {
            let end = [End::Arrives, End::Arrives, End::Lost, End::Back][random.random_range(0..4)];
            Step::Arrive { at: at(random), transfer: random.random_range(0..4), part: random.random_bool(0.5).then(|| quantity(random)), end }
        }
        720..780 => {
            let line = |random: &mut StdRng| (area(random), line(random, 30), random.random_range(0..HOURS));
            Step::Count { lines: (0..random.random_range(1..3)).map(|_| line(random)).collect() }
        }
        780..860 => Step::Reverse { document: random.random_range(0..12), today: random.random_bool(0.3) },
        860..890 => Step::Revalue { at: at(random), lot: random.random_range(0..8), amount: value(random) - value(random) },
        890..910 => Step::Correct {
            at: at(random),
            receipt: random.random_range(0..6),
            line: random.random_range(0..2),
            quantity: quantity(random),
            value: value(random),
        },
        910..930 => {
            let outputs = (0..random.random_range(1..3)).map(|_| (line(random, 0), random.random_range(0..9), expiry(random))).collect();
            Step::Transform { at: at(random), area: area(random), inputs: lines(random, 50), outputs }
        }
        930..950 => Step::Open { at: at(random), area: area(random), line: line(random, 100) },
        950..965 => Step::Hold { lot: random.random_range(0..8), on: random.random_bool(0.6) },
        965..980 => Step::Reserve { area: area(random), line: line(random, 0) },
        980..988 => Step::Release { reservation: random.random_range(0..4) },
        988..997 => Step::Close { day: random.random_range(0..HOURS / 48) },
        _ => Step::Reopen,
    }
}

/// The same step with less in it, for a script that is cut down.
pub fn simpler(step: &Step) -> Vec<Step> {
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
