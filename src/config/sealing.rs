//! `[sealing]`: which library seals records.

use super::section::{nothing_more, section};
use super::value::choice;

choice! {
    /// A library that seals records. Both write the same bytes.
    Backend, "\"ring\" or \"rustcrypto\"" {
        /// `ring`.
        Ring = "ring";
        /// `aes-gcm` of RustCrypto.
        RustCrypto = "rustcrypto";
    }
}

section! {
    /// How records are sealed.
    Sealing as "sealing", checked by nothing_more {
        /// Library that seals records. Both write the same bytes and open each other's.
        backend: Backend = Backend::Ring;
    }
}
