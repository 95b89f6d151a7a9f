use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};

/// How many characters of it are kept.
const MOST_CHARACTERS: usize = 300;

/// What the program of a user calls itself: by that they recognise their sessions in a list, and nothing depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserAgent(pub(crate) Option<String>);

impl UserAgent {
    fn read(header: &[u8]) -> Self {
        let text = String::from_utf8_lossy(header);
        let text: String = text.chars().filter(|character| !character.is_control()).take(MOST_CHARACTERS).collect();
        Self(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
    }
}

impl FromRequest for UserAgent {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Ok(request.headers().get(header::USER_AGENT).map_or_else(Self::default, |value| Self::read(value.as_bytes()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_kept_short_and_on_one_line() {
        assert_eq!(UserAgent::read(b"  Firefox\t128 "), UserAgent(Some("Firefox128".into())));
        assert_eq!(UserAgent::read(b" "), UserAgent(None));
        assert_eq!(UserAgent::read(&[0xff; 1000]).0.map(|text| text.chars().count()), Some(300));
    }
}
