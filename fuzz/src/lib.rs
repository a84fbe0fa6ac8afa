//! What the targets share: a reader of the input, ways to spoil bytes, the golden vectors, and what an error may say.
//!
//! | target | what it holds the code to |
//! |---|---|
//! | `proto` | a message that is accepted says the same when it is read back, within its limits; a refusal names fields only |
//! | `names` | a name that is accepted prints as it was written |
//! | `page_token` | a token leads on in its own query alone, and a changed one nowhere |
//! | `record`, `wrap` | what was sealed opens; changed bytes, another key or another place never do |
//! | `canonical` | what parses is in canonical form, by an RFC 8785 encoder of others too |
//! | `import` | a line is a conversation within the limits, or one of ten fixed sentences |
//! | `config` | a configuration that is accepted reads back as it prints; a refusal repeats no value |
//! | `redaction` | what is found is gone, spans lie in order, JSON stays JSON, a conversation's memory survives its bytes |

pub mod golden;
pub mod told;

/// Takes an input apart from its front.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// Returns the next byte; 0 at the end.
    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    /// Returns the next two bytes as a number, big-endian.
    pub fn number(&mut self) -> usize {
        usize::from(self.byte()) << 8 | usize::from(self.byte())
    }

    /// Returns the bytes up to the next `0xff`, which no UTF-8 text holds, or to the end.
    pub fn part(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == 0xff);
        let part = &self.0[..end.unwrap_or(self.0.len())];
        self.0 = &self.0[end.map_or(self.0.len(), |end| end + 1)..];
        part
    }

    /// As [`Input::part`], as text.
    pub fn text(&mut self) -> std::borrow::Cow<'a, str> {
        String::from_utf8_lossy(self.part())
    }
}

/// Spoils `bytes` as the input says: flips bits, cuts off, puts in, swaps. May leave them as they were.
pub fn spoil(bytes: &mut Vec<u8>, input: &mut Input<'_>) {
    for _ in 0..input.byte() % 4 + 1 {
        let (what, at) = (input.byte(), input.number());
        let place = at % (bytes.len() + 1);
        match what % 5 {
            0 | 1 if place < bytes.len() => bytes[place] ^= input.byte(),
            2 => bytes.truncate(place),
            3 => bytes.insert(place, input.byte()),
            4 => bytes.rotate_left(place),
            _ => {}
        }
    }
}
