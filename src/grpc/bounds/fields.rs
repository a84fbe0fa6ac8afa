//! Counts the fields of a message as its bytes arrive.
//!
//! Four MiB of empty records are two million structs of hundreds of bytes each: how large a message becomes when it is decoded
//! depends on its fields, not on its length. So they are counted first, in one pass over tags and lengths.
//!
//! [Protocol Buffers: encoding](https://protobuf.dev/programming-guides/encoding/).

/// A message in which fields are counted: the numbers of its fields that are such messages themselves.
#[derive(Debug)]
pub(in crate::grpc) struct Node(pub(in crate::grpc) &'static [(u32, &'static Node)]);

/// The bytes are no message, or of a form that this protocol does not have (groups).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Counts one message.
#[derive(Debug)]
pub(super) struct Fields {
    /// The messages that the place lies in, outermost first, with where they end.
    within: Vec<(u64, &'static Node)>,
    at: u64,
    next: Next,
    outer: u32,
    inner: u32,
}

/// What the next byte belongs to.
#[derive(Debug)]
enum Next {
    Tag(Varint),
    Value(Varint),
    Length(u32, Varint),
    Content(u64),
}

#[derive(Debug, Default)]
struct Varint {
    value: u64,
    bytes: u32,
}

impl Varint {
    /// Takes one byte; returns the number when that was its last.
    fn push(&mut self, byte: u8) -> Result<Option<u64>, Malformed> {
        if self.bytes == 10 {
            return Err(Malformed);
        }
        self.value |= u64::from(byte & 0x7f).wrapping_shl(self.bytes * 7);
        self.bytes += 1;
        Ok((byte < 0x80).then_some(self.value))
    }
}

impl Fields {
    /// Begins to count a message of `length` bytes.
    pub(super) fn new(node: &'static Node, length: usize) -> Self {
        let next = Next::Tag(Varint::default());
        Self { within: vec![(length as u64, node)], at: 0, next, outer: 0, inner: 0 }
    }

    /// Returns how many fields the message itself has, so far.
    pub(super) fn outer(&self) -> u32 {
        self.outer
    }

    /// Returns how many fields the counted messages in it have, so far.
    pub(super) fn inner(&self) -> u32 {
        self.inner
    }

    /// Takes the bytes that come next.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Malformed> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if let Next::Content(left) = &mut self.next {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= taken as u64;
                self.at += taken as u64;
                bytes = &bytes[taken..];
                if *left == 0 {
                    self.rise();
                }
                continue;
            }
            self.at += 1;
            bytes = rest;
            self.step(byte)?;
        }
        Ok(())
    }

    fn step(&mut self, byte: u8) -> Result<(), Malformed> {
        match &mut self.next {
            Next::Tag(tag) => {
                if let Some(tag) = tag.push(byte)? {
                    self.begin(tag)?;
                }
            }
            Next::Value(value) => {
                if value.push(byte)?.is_some() {
                    self.rise();
                }
            }
            Next::Length(field, length) => {
                if let Some(length) = length.push(byte)? {
                    let field = *field;
                    self.enter(field, length);
                }
            }
            Next::Content(_) => {}
        }
        Ok(())
    }

    /// A field begins.
    fn begin(&mut self, tag: u64) -> Result<(), Malformed> {
        let count = if self.within.len() == 1 { &mut self.outer } else { &mut self.inner };
        *count = count.saturating_add(1);
        let field = u32::try_from(tag >> 3).map_err(|_| Malformed)?;
        self.next = match tag & 7 {
            0 => Next::Value(Varint::default()),
            1 => Next::Content(8),
            2 => Next::Length(field, Varint::default()),
            5 => Next::Content(4),
            _ => return Err(Malformed),
        };
        Ok(())
    }

    /// The content of a field of `length` bytes begins.
    fn enter(&mut self, field: u32, length: u64) {
        let node = self.within.last().and_then(|(_, node)| node.0.iter().find(|(of, _)| *of == field));
        match node {
            Some((_, node)) => {
                self.within.push((self.at.saturating_add(length), node));
                self.rise();
            }
            None if length == 0 => self.rise(),
            None => self.next = Next::Content(length),
        }
    }

    /// A field is over, and with it perhaps the messages that it ends.
    fn rise(&mut self) {
        while self.within.len() > 1 && self.within.last().is_some_and(|(end, _)| self.at >= *end) {
            self.within.pop();
        }
        self.next = Next::Tag(Varint::default());
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use subrosa_proto::v1;

    use super::*;

    const RECORDS: Node = Node(&[(5, &Node(&[]))]);

    fn counted(message: &[u8], step: usize) -> Result<(u32, u32), Malformed> {
        let mut fields = Fields::new(&RECORDS, message.len());
        for chunk in message.chunks(step) {
            fields.feed(chunk)?;
        }
        Ok((fields.outer(), fields.inner()))
    }

    #[test]
    fn fields_are_counted_however_the_bytes_come() {
        let record = v1::Record {
            author_role: 1,
            model: "m".to_owned(),
            supersedes: 1 << 60,
            metadata: [("a".to_owned(), "b".to_owned()), ("c".to_owned(), String::new())].into(),
            ..Default::default()
        };
        let records = vec![record, v1::Record::default(), v1::Record::default()];
        let request = v1::AppendRecordsRequest { parent: "p".repeat(300), records, ..Default::default() };
        let message = request.encode_to_vec();
        for step in [1, 2, 3, 7, message.len()] {
            assert_eq!(counted(&message, step), Ok((4, 5)), "{step} at a time");
        }
        assert_eq!(counted(&[0x2a, 0].repeat(1_000), 64), Ok((1_000, 0)));
    }

    #[test]
    fn what_is_no_message_is_said_to_be_none() {
        // Groups hide what stands in them, and nothing here has any.
        for malformed in
            [&[0x0b][..], &[0x0c], &[0x0e], &[0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80]]
        {
            assert_eq!(counted(malformed, 1), Err(Malformed), "{malformed:?}");
        }
        assert_eq!(counted(&[0xff; 40], 40), Err(Malformed));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_taken_alike_however_they_come(bytes: Vec<u8>, step in 1_usize..9) {
            assert_eq!(counted(&bytes, step), counted(&bytes, bytes.len().max(1)));
        }
    }
}
