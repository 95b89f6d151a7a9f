//! The rows of inbound lines: the same for receipts and for opening stock.

use crate::arithmetic::Quantity;
use crate::documents::{Lines, RECEIPT_LINE, cells};
use crate::ledger::{Effects, LineOutcome, Price, ReceiveLine};

/// What a line said in the words of its sender.
#[derive(Clone, Debug)]
pub struct Entered {
    pub quantity: Quantity,
    pub unit: String,
    pub free: Option<&'static str>,
}

/// The lines of a decided document, as they are stored, hashed and answered.
pub fn stored_lines(lines: &[ReceiveLine], entered: &[Entered], effects: &Effects) -> Lines {
    let cells = |(line_no, ((line, entered), outcome)): (i64, ((&ReceiveLine, &Entered), &LineOutcome))| {
        cells![
            line_no,
            line.item.id,
            line.lot,
            entered.quantity,
            entered.unit.clone(),
            line.quantity,
            if let Price::Unit { price, .. } = line.price { Some(price) } else { None },
            if let Price::Total(total) = line.price { Some(total) } else { None },
            entered.free,
            line.discount,
            outcome.charges,
            outcome.value,
            line.batch_code.clone().map(String::from),
            outcome.expires_on,
            line.produced_on,
        ]
    };
    Lines::new(&RECEIPT_LINE, (1..).zip(lines.iter().zip(entered).zip(&effects.lines)).map(cells).collect())
}
