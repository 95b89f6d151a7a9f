//! From lines as they were sent to lines by resolved names: all of them, or everything that is wrong with any.

use kernel::Violation;

use crate::error::Error;

/// All lines, or 422 with the violations of every one that has any.
pub fn every_line<T>(lines: impl Iterator<Item = Result<T, Vec<Violation>>>) -> Result<Vec<T>, Error> {
    let (mut resolved, mut violations) = (Vec::new(), Vec::new());
    for line in lines {
        match line {
            Ok(line) => resolved.push(line),
            Err(flaws) => violations.extend(flaws),
        }
    }
    if violations.is_empty() { Ok(resolved) } else { Err(Error::Invalid(violations)) }
}

/// Two parts of a line, or what is wrong with either.
pub fn both<A, B>(first: Result<A, Violation>, second: Result<B, Violation>) -> Result<(A, B), Vec<Violation>> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (first, second) => Err([first.err(), second.err()].into_iter().flatten().collect()),
    }
}
