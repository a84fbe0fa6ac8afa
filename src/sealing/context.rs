//! The encoding shared by every context: what a sealed thing is bound to.
//!
//! One format version byte, one byte for the type of the context, then every field in order, each preceded by its
//! length in bytes as 8 bytes big-endian. Injective by construction: no two different contexts encode alike.

/// The version of every context encoding in this module's callers.
const FORMAT_VERSION: u8 = 1;

/// The second byte of an encoded context.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum ContextType {
    Record = 1,
    Blob = 2,
    Wrap = 3,
}

/// Writes a context field by field.
pub(super) struct Encoder(Vec<u8>);

impl Encoder {
    pub(super) fn new(kind: ContextType) -> Self {
        let mut encoded = Vec::with_capacity(256);
        encoded.extend([FORMAT_VERSION, kind as u8]);
        Self(encoded)
    }

    pub(super) fn bytes(mut self, field: &[u8]) -> Self {
        self.0.extend_from_slice(&(field.len() as u64).to_be_bytes());
        self.0.extend_from_slice(field);
        self
    }

    pub(super) fn text(self, field: &str) -> Self {
        self.bytes(field.as_bytes())
    }

    pub(super) fn u8(self, field: u8) -> Self {
        self.bytes(&[field])
    }

    pub(super) fn u32(self, field: u32) -> Self {
        self.bytes(&field.to_be_bytes())
    }

    pub(super) fn u64(self, field: u64) -> Self {
        self.bytes(&field.to_be_bytes())
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}
