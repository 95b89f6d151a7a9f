//! A CSV file as people send it: UTF-8 with or without BOM, separated by commas or semicolons.

use kernel::{Problem, Violation};

/// A file, read and not yet understood.
#[derive(Debug)]
pub struct Table {
    pub header: Vec<String>,
    /// The rows with the line of the file on which each begins.
    pub rows: Vec<(u64, Vec<String>)>,
}

impl Table {
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let text = text(bytes)?;
        let first = text.lines().next().unwrap_or("");
        // The separator is whichever of the two the header has more of; a header without either is one column.
        let semicolons = first.matches(';').count() > first.matches(',').count();
        if let Some(line) = open_quote(text, if semicolons { ';' } else { ',' }) {
            let detail = format!("the quote that opens on line {line} is never closed");
            return Err(Problem::invalid(vec![Violation { pointer: format!("/lines/{line}"), code: "unreadable_csv".into(), detail }]));
        }
        let mut reader = csv::ReaderBuilder::new().delimiter(if semicolons { b';' } else { b',' }).flexible(true).from_reader(text.as_bytes());
        let header: Vec<String> = reader.headers().map_err(|error| unreadable(&error))?.iter().map(|name| name.trim().to_owned()).collect();
        let mut rows = Vec::new();
        let mut lines = Lines { text, counted: 0, line: 1 };
        for record in reader.records() {
            let record = record.map_err(|error| unreadable(&error))?;
            let line = lines.of(record.position().map_or(0, csv::Position::byte));
            if record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            if record.len() != header.len() {
                let detail = format!("line {line} has {} columns, the header has {}", record.len(), header.len());
                return Err(Problem::invalid(vec![Violation { pointer: format!("/lines/{line}"), code: "wrong_column_count".into(), detail }]));
            }
            rows.push((line, record.iter().map(str::to_owned).collect()));
        }
        if rows.is_empty() {
            return Err(refuse("empty_file", "the file has a header and no rows"));
        }
        Ok(Self { header, rows })
    }

    /// The place of a column by its name, upper and lower case alike; refused where two bear it.
    pub fn column(&self, name: &str) -> Result<Option<usize>, Problem> {
        let same = |(_, have): &(usize, &String)| have.to_lowercase() == name.to_lowercase();
        let mut places = self.header.iter().enumerate().filter(same).map(|(index, _)| index);
        match (places.next(), places.next()) {
            (place, None) => Ok(place),
            _ => Err(refuse("column_given_twice", &format!("the file has two columns named {name}"))),
        }
    }
}

/// The line on which a quoted cell opens that is not closed before the file ends. The reader would take everything behind it
/// for one cell, and rows would be gone in silence.
fn open_quote(text: &str, separator: char) -> Option<usize> {
    let (mut line, mut opened, mut at_start) = (1, None, true);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        line += usize::from(character == '\n');
        match (opened, character) {
            // Two quotes inside of a quoted cell are one quote of its text.
            (Some(_), '"') if characters.next_if_eq(&'"').is_none() => opened = None,
            (None, '"') if at_start => opened = Some(line),
            _ => {}
        }
        at_start = opened.is_none() && (character == separator || character == '\n' || character == '\r');
    }
    opened
}

/// Finds the line on which a record begins. The reader's own count is off by one behind a bare line feed, and it stands before
/// the line end of the record above.
struct Lines<'a> {
    text: &'a str,
    counted: usize,
    line: u64,
}

impl Lines<'_> {
    fn of(&mut self, byte: u64) -> u64 {
        let bytes = self.text.as_bytes();
        let byte = usize::try_from(byte).unwrap_or(bytes.len());
        let blank = bytes.get(byte..).unwrap_or_default().iter().take_while(|byte| **byte == b'\r' || **byte == b'\n').count();
        let passed = bytes.get(self.counted..byte + blank).unwrap_or_default();
        self.line += line_feeds(passed);
        self.counted = byte + blank;
        self.line
    }
}

fn line_feeds(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

fn text(bytes: &[u8]) -> Result<&str, Problem> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(refuse("empty_file", "the file is empty"));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = line_feeds(before) + 1;
        let detail = format!("line {line} is not UTF-8: save the file as UTF-8 and send it again");
        Problem::invalid(vec![Violation { pointer: format!("/lines/{line}"), code: "wrong_encoding".into(), detail }])
    })
}

fn unreadable(error: &csv::Error) -> Problem {
    let line = error.position().map_or(0, csv::Position::line);
    Problem::invalid(vec![Violation {
        pointer: format!("/lines/{line}"),
        code: "unreadable_csv".into(),
        detail: format!("the file can't be read from line {line} on"),
    }])
}

fn refuse(code: &'static str, detail: &str) -> Problem {
    Problem::invalid(vec![Violation { pointer: String::new(), code: code.into(), detail: detail.to_owned() }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(bytes: &[u8]) -> String {
        Table::read(bytes).expect_err("refused").errors[0].code.to_string()
    }

    #[test]
    fn bom_separators_and_quotes_are_understood() {
        for text in ["sku,name\nA,\"x, y\"\n", "\u{feff}sku;name\r\nA;\"x, y\"\r\n\r\n"] {
            let table = Table::read(text.as_bytes()).expect(text);
            assert_eq!(table.header, ["sku", "name"]);
            assert_eq!(table.rows, [(2, vec!["A".to_owned(), "x, y".to_owned()])]);
            assert_eq!(table.column("SKU").expect("one"), Some(0));
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_is_found_with_its_line_and_others_are_left_alone() {
        for (text, open) in [
            ("a,b\n1,\"x\n2,y\n", Some(2)),
            ("a,b\n1,\"x \"\" y\"\n", None),
            ("a,b\n1,\"x\ny\"\n2,\"z", Some(4)),
            ("a,b\n1,5\" pipe\n", None),
            ("a;b\n1;\"x;y\n", Some(2)),
            ("a,b\n\"\",\"\"\n", None),
        ] {
            let separator = if text.contains(';') { ';' } else { ',' };
            assert_eq!(open_quote(text, separator), open, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_table_is_refused_by_its_code() {
        assert_eq!(code(b""), "empty_file");
        assert_eq!(code(b"\xef\xbb\xbf \r\n"), "empty_file");
        assert_eq!(code(b"sku,name\n"), "empty_file");
        assert_eq!(code(b"sku,name\nA,Caf\xe9\n"), "wrong_encoding");
        assert_eq!(code(b"sku,name\nA\n"), "wrong_column_count");
        assert_eq!(code(b"sku,name\nA,\"foo\nB,bar\n"), "unreadable_csv");
        assert_eq!(code("\u{feff}sku".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>().as_slice()), "wrong_encoding");
        assert_eq!(Table::read(b"a,A\n1,2\n").expect("a table").column("a").expect_err("twice").errors[0].code, "column_given_twice");
    }
}
