//! Page tokens: one leads on in its own query alone; a changed one, or any other text, leads nowhere and panics nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use subrosa::domain::{Error, Reason};
use subrosa::vault::{Page, PageRequest};
use subrosa_fuzz::{Input, spoil, told};

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let (query, other) = ((input.text(), input.byte()), (input.text(), input.byte()));
    let place = (input.text().into_owned(), i64::from(input.byte()) << input.byte() % 56);
    let token = token(&query, &place);
    assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
    assert_eq!(resume(&token, &query).expect("a token of this query"), Some(place));
    if query != other {
        refused(resume(&token, &other));
    }
    let mut spoilt = token.clone().into_bytes();
    spoil(&mut spoilt, &mut input);
    if spoilt != token.as_bytes() && !spoilt.is_empty() {
        let spoilt = String::from_utf8_lossy(&spoilt);
        refused(resume(&spoilt, &query));
    }
    let made_up = String::from_utf8_lossy(data);
    if !made_up.is_empty() && made_up != token {
        refused(resume(&made_up, &query));
    }
});

type Query<'a> = (std::borrow::Cow<'a, str>, u8);
type Place = (String, i64);

/// Returns the token of the page that ends at `place`.
fn token(query: &Query<'_>, place: &Place) -> String {
    let first = PageRequest { size: 1, token: String::new() };
    let rows = vec![place.clone(), Place::default()];
    Page::cut(rows, &first, query, Place::clone).expect("texts and numbers become JSON").next
}

fn resume(token: &str, query: &Query<'_>) -> Result<Option<Place>, Error> {
    PageRequest { size: 1, token: token.to_owned() }.resume(query)
}

fn refused(found: Result<Option<Place>, Error>) {
    let error = found.expect_err("a token that was not made for this query led on");
    assert_eq!(error.reason(), Reason::PageTokenInvalid);
    told::refusal(&error);
}
