//! Pages of lists, and tokens that fit only the query they were made for.

use ring::digest::{SHA256, digest};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::{Error, Reason, Result};

const DEFAULT_SIZE: usize = 50;
/// The most rows on one page.
pub(super) const MOST: usize = 500;
const CHECK: usize = 16;

/// What a client asks of a list: how many, and where to go on.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// The most rows; 0 is 50, more than 500 is 500.
    pub size: usize,
    /// The token of the page before; empty for the first page.
    pub token: String,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The token of the next page; empty when this is the last.
    pub next: String,
}

impl PageRequest {
    /// Returns how many rows to fetch.
    pub fn limit(&self) -> usize {
        if self.size == 0 { DEFAULT_SIZE } else { self.size.min(MOST) }
    }

    /// Returns where to go on, or nothing for the first page.
    ///
    /// # Errors
    ///
    /// `PAGE_TOKEN_INVALID` when the token was made for another query. It is no secret and grants nothing: what it leads to is
    /// authorized anew.
    pub fn resume<K: DeserializeOwned>(&self, query: &impl Serialize) -> Result<Option<K>> {
        if self.token.is_empty() {
            return Ok(None);
        }
        let wrong = || Error::new(Reason::PageTokenInvalid).at("page_token");
        let bytes = data_encoding::BASE64URL_NOPAD.decode(self.token.as_bytes()).map_err(|_| wrong())?;
        let (check, place) = bytes.split_at_checked(CHECK).ok_or_else(wrong)?;
        if check != checksum(query, place)? {
            return Err(wrong());
        }
        serde_json::from_slice(place).map(Some).map_err(|_| wrong())
    }
}

impl<T> Page<T> {
    /// Cuts `items`, of which one more than the limit was fetched, to a page; `place` says where its last row stands.
    pub fn cut<K: Serialize>(
        mut items: Vec<T>,
        request: &PageRequest,
        query: &impl Serialize,
        place: impl FnOnce(&T) -> K,
    ) -> Result<Self> {
        let limit = request.limit();
        let more = items.len() > limit;
        items.truncate(limit);
        let next = match items.last().filter(|_| more) {
            Some(last) => token(query, &place(last))?,
            None => String::new(),
        };
        Ok(Self { items, next })
    }
}

/// Returns the token that leads to `place` in the list for `query`.
pub(super) fn token(query: &impl Serialize, place: &impl Serialize) -> Result<String> {
    let place = serde_json::to_vec(place).map_err(|error| Error::new(Reason::Internal).because(error))?;
    let mut bytes = checksum(query, &place)?;
    bytes.extend_from_slice(&place);
    Ok(data_encoding::BASE64URL_NOPAD.encode(&bytes))
}

fn checksum(query: &impl Serialize, place: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(query).map_err(|error| Error::new(Reason::Internal).because(error))?;
    bytes.push(b'\n');
    bytes.extend_from_slice(place);
    Ok(digest(&SHA256, &bytes).as_ref()[..CHECK].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_its_own_query_only() {
        let first = PageRequest { size: 2, token: String::new() };
        let page = Page::cut(vec![1, 2, 3], &first, &"query", |last| *last).unwrap();
        assert_eq!(page.items, [1, 2]);
        let next = PageRequest { size: 2, token: page.next };
        assert_eq!(next.resume::<i32>(&"query").unwrap(), Some(2));
        assert_eq!(next.resume::<i32>(&"other").unwrap_err().reason(), Reason::PageTokenInvalid);
        for bad in ["x", "!", "AAAA", &"A".repeat(40)] {
            let request = PageRequest { size: 2, token: bad.to_owned() };
            assert!(request.resume::<i32>(&"query").is_err());
        }
    }
}
