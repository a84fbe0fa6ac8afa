//! A strict reader of JSON tokens (RFC 8259) that knows where each one stands in the source.

use std::borrow::Cow;
use std::ops::Range;

use super::JsonError;

/// Reads tokens one after the other; white space before a token is skipped.
pub(super) struct Lexer<'j> {
    source: &'j str,
    at: usize,
}

impl<'j> Lexer<'j> {
    pub(super) fn new(source: &'j str) -> Self {
        Lexer { source, at: 0 }
    }

    pub(super) fn source(&self) -> &'j str {
        self.source
    }

    /// Returns the first byte of the next token.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.rest().iter().take_while(blank).count();
        self.rest().first().copied()
    }

    /// Takes the next token if it is `byte`.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.take(byte) { Ok(()) } else { Err(self.fail()) }
    }

    /// Takes `true`, `false` or `null`.
    pub(super) fn literal(&mut self) -> Result<(), JsonError> {
        self.peek();
        let known = [&b"true"[..], b"false", b"null"].into_iter().find(|known| self.rest().starts_with(known));
        self.at += known.ok_or_else(|| self.fail())?.len();
        Ok(())
    }

    /// Takes a number and returns it as written.
    pub(super) fn number(&mut self) -> Result<(Range<usize>, &'j str), JsonError> {
        self.peek();
        let start = self.at;
        self.skip(b'-');
        if !self.skip(b'0') {
            self.digits()?;
        }
        if self.skip(b'.') {
            self.digits()?;
        }
        if self.skip(b'e') || self.skip(b'E') {
            let _ = self.skip(b'+') || self.skip(b'-');
            self.digits()?;
        }
        Ok((start..self.at, &self.source[start..self.at]))
    }

    /// Takes a string and returns it decoded, with its place, quotation marks included.
    pub(super) fn string(&mut self) -> Result<(Range<usize>, Cow<'j, str>), JsonError> {
        self.expect(b'"')?;
        let start = self.at - 1;
        let mut escaped = false;
        loop {
            let special = self
                .rest()
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1F))
                .ok_or_else(|| self.fail())?;
            self.at += special + 1;
            match self.source.as_bytes()[self.at - 1] {
                b'"' => break,
                b'\\' if self.at < self.source.len() => (escaped, self.at) = (true, self.at + 1),
                _ => return Err(self.fail()),
            }
        }
        let span = start..self.at;
        if !escaped {
            return Ok((span.clone(), Cow::Borrowed(&self.source[start + 1..self.at - 1])));
        }
        let token = self.source.get(span.clone()).ok_or_else(|| self.fail())?;
        let decoded = serde_json::from_str::<String>(token).map_err(|_| self.fail())?;
        Ok((span, Cow::Owned(decoded)))
    }

    /// Checks that nothing but white space is left.
    pub(super) fn finish(&mut self) -> Result<(), JsonError> {
        if self.peek().is_none() { Ok(()) } else { Err(self.fail()) }
    }

    fn rest(&self) -> &'j [u8] {
        &self.source.as_bytes()[self.at..]
    }

    fn skip(&mut self, byte: u8) -> bool {
        let is = self.rest().first() == Some(&byte);
        self.at += usize::from(is);
        is
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(self.fail()) } else { Ok(()) }
    }

    fn fail(&self) -> JsonError {
        JsonError::Syntax { offset: self.at }
    }
}
