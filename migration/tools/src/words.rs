//! SQL as words, as far as telling two definitions apart needs it: comments and the way a text is broken into lines do not
//! count, nor do case and quotes of names; what stands in a string counts to the letter.

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A keyword or a name, in lower case, or a number.
    Plain(String),
    /// A name in quotes, without them: never a keyword.
    Name(String),
    /// A string, with its quotes and to the letter.
    Text(String),
    /// Signs that stand together: `>=`, or one parenthesis, comma, dot or semicolon.
    Sign(String),
}

impl Word {
    pub fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Plain(word) if word == keyword)
    }

    pub fn is_sign(&self, sign: &str) -> bool {
        matches!(self, Self::Sign(word) if word == sign)
    }

    pub fn text(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Name(text) | Self::Text(text) | Self::Sign(text) => text,
        }
    }
}

/// A text in words.
pub fn words(sql: &str) -> Vec<Word> {
    let (mut found, mut rest) = (Vec::new(), sql);
    while let Some((length, word)) = next(rest) {
        found.extend(word);
        rest = rest.get(length..).unwrap_or("");
    }
    found
}

/// The length of what a text begins with, and the word that it is; none for white space and comments.
fn next(rest: &str) -> Option<(usize, Option<Word>)> {
    let first = rest.chars().next()?;
    let until = |end: Option<usize>| end.unwrap_or(rest.len());
    let piece = |length: usize| rest.get(..length).unwrap_or(rest);
    let while_is = |is: fn(char) -> bool| until(rest.find(|character| !is(character)));
    Some(if first.is_whitespace() {
        (while_is(char::is_whitespace), None)
    } else if rest.starts_with("--") {
        (until(rest.find('\n')), None)
    } else if rest.starts_with("/*") {
        (until(rest.get(2..).and_then(|body| body.find("*/")).map(|end| end + 4)), None)
    } else if let Some(closing) = closing(first) {
        let (length, name) = quoted(rest, first, closing);
        (length, Some(if first == '\'' { Word::Text(piece(length).into()) } else { Word::Name(name.to_lowercase()) }))
    } else if is_of_name(first) {
        let length = while_is(is_of_name);
        (length, Some(Word::Plain(piece(length).to_lowercase())))
    } else {
        let length = if "(),.;".contains(first) { first.len_utf8() } else { while_is(is_of_operator).max(first.len_utf8()) };
        (length, Some(Word::Sign(piece(length).into())))
    })
}

fn is_of_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '$'
}

fn is_of_operator(character: char) -> bool {
    "<>=!|&~+*/%^:?@#-".contains(character)
}

fn closing(first: char) -> Option<char> {
    match first {
        '\'' | '"' | '`' => Some(first),
        '[' => Some(']'),
        _ => None,
    }
}

/// The length of a quotation with its quotes, and what stands in it. A doubled quote is one of its letters.
fn quoted(text: &str, opening: char, closing: char) -> (usize, String) {
    let (mut content, mut letters) = (String::new(), text.char_indices().skip(1).peekable());
    while let Some((at, letter)) = letters.next() {
        if letter == closing {
            if opening != closing || letters.peek().is_none_or(|(_, next)| *next != closing) {
                return (at + closing.len_utf8(), content);
            }
            letters.next();
        }
        content.push(letter);
    }
    (text.len(), content)
}

/// Words as a text again.
pub fn text(words: &[Word]) -> String {
    let mut text = String::new();
    for word in words {
        let clings = [",", ")", ".", ";"].iter().any(|sign| word.is_sign(sign));
        if !text.is_empty() && !clings && !text.ends_with(['(', '.']) {
            text.push(' ');
        }
        text.push_str(word.text());
    }
    text
}

/// The words from an opening parenthesis to the one that closes it, without both; and what comes after.
pub fn group(words: &[Word]) -> Option<(&[Word], &[Word])> {
    let (first, rest) = words.split_first()?;
    let mut depth = 1_usize;
    first.is_sign("(").then_some(())?;
    for (at, word) in rest.iter().enumerate() {
        if word.is_sign("(") {
            depth += 1;
        } else if word.is_sign(")") {
            depth -= 1;
            if depth == 0 {
                return Some((rest.get(..at)?, rest.get(at + 1..)?));
            }
        }
    }
    None
}

/// A list cut at its commas, those in parentheses left out.
pub fn items(words: &[Word]) -> Vec<&[Word]> {
    let mut depth = 0_usize;
    let is_cut = |word: &Word| {
        if word.is_sign("(") {
            depth += 1;
        } else if word.is_sign(")") {
            depth = depth.saturating_sub(1);
        }
        depth == 0 && word.is_sign(",")
    };
    words.split(is_cut).collect()
}

/// A statement without a keyword, wherever it stands outside of quotes.
pub fn without(sql: &str, keyword: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(sql.len()), sql);
    while let Some((length, word)) = next(rest) {
        if !word.is_some_and(|word| word.is(&keyword.to_lowercase())) {
            kept.push_str(rest.get(..length).unwrap_or(""));
        }
        rest = rest.get(length..).unwrap_or("");
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ways_to_write_one_thing_are_the_same_words() {
        for same in ["\"Quantity\">=0 /* never less */", "quantity >= 0", "[quantity]\n  >=\t0 -- never less", "`QUANTITY` >= 0"] {
            assert_eq!(text(&words(same)), "quantity >= 0", "{same}");
        }
    }

    #[test]
    fn strings_count_to_the_letter() {
        for sql in ["'a  b'", "'It''s -- so'", "'/* x */'", "'A'"] {
            assert_eq!(text(&words(sql)), sql);
        }
        assert_eq!(words("'it''s' x").len(), 2);
    }

    #[test]
    fn a_name_in_quotes_is_no_keyword() {
        assert_eq!(words("\"check\" check"), [Word::Name("check".into()), Word::Plain("check".into())]);
        assert_eq!(words("\"a\"\"b\""), [Word::Name("a\"b".into())]);
    }

    #[test]
    fn lists_are_cut_at_their_own_commas() {
        let all = words("(a, f(b, c), 'd,e') rest");
        let (list, rest) = group(&all).expect("a group");
        assert_eq!(items(list).into_iter().map(text).collect::<Vec<_>>(), ["a", "f (b, c)", "'d,e'"]);
        assert_eq!(text(rest), "rest");
    }

    #[test]
    fn a_keyword_goes_where_it_is_one() {
        assert_eq!(
            without("CREATE INDEX concurrently \"concurrently\" ON a (b) WHERE c = 'CONCURRENTLY'", "CONCURRENTLY"),
            "CREATE INDEX  \"concurrently\" ON a (b) WHERE c = 'CONCURRENTLY'"
        );
    }
}
