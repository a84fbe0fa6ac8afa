//! The hashes of the tagger: FNV-1a for strings, a multiply-shift mix for features. Trained weights rest on them.

/// FNV-1a, 32 bits, fed piece by piece. See <http://www.isthe.com/chongo/tech/comp/fnv/>.
#[derive(Clone, Copy)]
pub struct Fnv(u32);

impl Default for Fnv {
    fn default() -> Self {
        Self::new()
    }
}

impl Fnv {
    /// Starts.
    pub fn new() -> Self {
        Fnv(0x811C_9DC5)
    }

    /// Feeds one byte.
    pub fn push(&mut self, byte: u8) {
        self.0 = (self.0 ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }

    /// Feeds four bytes at once.
    pub fn push_u32(&mut self, value: u32) {
        self.0 = (self.0 ^ value).wrapping_mul(0x0100_0193);
        self.0 ^= self.0 >> 15;
    }

    /// Feeds a character.
    pub fn push_char(&mut self, char: char) {
        self.push_u32(char as u32);
    }

    /// Returns what was fed so far as one number.
    pub fn get(self) -> u32 {
        self.0
    }
}

/// Hashes a string in lower case, as the tokens do.
pub fn of_lower(text: &str) -> u32 {
    let mut fnv = Fnv::new();
    text.chars().flat_map(char::to_lowercase).for_each(|char| fnv.push_char(char));
    fnv.get()
}

/// Mixes the number of a feature's kind with two values into one well-spread number.
#[inline]
pub fn mix(kind: u32, first: u32, second: u32) -> u32 {
    let value = u64::from(first) | (u64::from(second) << 32);
    let mixed = (value ^ (u64::from(kind) << 27)).wrapping_add(u64::from(kind)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 32) as u32
}

/// The checksum of the weights file: FNV-1a over 64 bits of input at a time.
pub fn checksum(bytes: &[u8]) -> u64 {
    let mut sum = 0xCBF2_9CE4_8422_2325_u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        sum = (sum ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01B3);
        sum ^= sum >> 32;
    }
    sum
}
