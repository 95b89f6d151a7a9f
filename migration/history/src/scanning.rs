//! Just enough of SQL's lexical rules to leave alone what is quoted.

/// How long the comment is that a text begins with.
pub fn comment(text: &str) -> Option<usize> {
    if text.starts_with("--") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let body = text.strip_prefix("/*")?;
    Some(body.find("*/").map_or(text.len(), |end| end + 4))
}

/// How long the quotation is that a text begins with: a string, a name, or a body between dollar signs.
pub fn quoted(text: &str) -> Option<usize> {
    let delimiter = match text.chars().next()? {
        '\'' => "'",
        '"' => "\"",
        '$' => dollars(text)?,
        _ => return None,
    };
    let body = text.get(delimiter.len()..)?;
    Some(body.find(delimiter).map_or(text.len(), |end| end + 2 * delimiter.len()))
}

/// `$$` or `$tag$`.
fn dollars(text: &str) -> Option<&str> {
    let tag = text.get(1..)?;
    let end = tag.find('$')?;
    let is_name = tag.get(..end)?.chars().all(|character| character.is_alphanumeric() || character == '_');
    let is_parameter = tag.starts_with(|first: char| first.is_ascii_digit());
    if is_name && !is_parameter { text.get(..end + 2) } else { None }
}

/// A statement with each part of its outermost parentheses on a line of its own, where it creates a table: one line of a
/// dozen columns is read by nobody.
pub fn laid_out(statement: &str) -> String {
    if !statement.starts_with("CREATE TABLE") {
        return statement.to_owned();
    }
    let (mut text, mut rest, mut depth) = (String::with_capacity(statement.len() + 64), statement, 0_usize);
    while let Some(next) = rest.chars().next() {
        let (piece, after) = rest.split_at_checked(quoted(rest).unwrap_or_else(|| next.len_utf8())).unwrap_or((rest, ""));
        rest = after;
        match piece {
            "(" => {
                depth += 1;
                text.push('(');
            }
            ")" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    text.truncate(text.trim_end().len());
                    text.push('\n');
                }
                text.push(')');
            }
            "," if depth == 1 => text.push(','),
            _ => text.push_str(piece),
        }
        if (piece == "(" || piece == ",") && depth == 1 {
            text.push_str("\n    ");
            rest = rest.trim_start();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_laid_out_and_nothing_else_changes() {
        let table = "CREATE TABLE \"a\" ( \"b\" varchar(3) NOT NULL, \"c, d\" text DEFAULT 'x, (y', PRIMARY KEY (\"b\", \"c, d\") )";
        let expected = "CREATE TABLE \"a\" (\n    \"b\" varchar(3) NOT NULL,\n    \"c, d\" text DEFAULT 'x, (y',\n    PRIMARY KEY (\"b\", \"c, d\")\n)";
        assert_eq!(laid_out(table), expected);
        let index = "CREATE INDEX i ON a (b, c)";
        assert_eq!(laid_out(index), index);
        assert_eq!(crate::checksum::checksum(&[table.to_owned()]), crate::checksum::checksum(&[laid_out(table)]));
    }
}
