//! A root that a person or a secret manager knows: a passphrase, stretched with Argon2id.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{Root, opened};
use crate::keys::error::RootError;
use crate::sealing::{Key32, WrapContext, random, unwrap, wrap};

/// The cost of one Argon2id evaluation ([RFC 9106](https://www.rfc-editor.org/rfc/rfc9106), section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for Cost {
    /// RFC 9106's second recommended option: 64 MiB, 3 passes, 4 lanes.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 }
    }
}

/// The least cost that a stored slot may ask for, so that an altered slot cannot make guessing cheap, and the most, so that it
/// cannot exhaust memory.
const LEAST_KIB: u32 = 8 * 1024;
const MOST_KIB: u32 = 4 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    algorithm: String,
    cost: Cost,
    salt: String,
}

/// A passphrase root.
pub struct Passphrase {
    secret: SecretString,
    cost: Cost,
    salt: [u8; 16],
}

impl Passphrase {
    /// Returns a root for `secret`; a new slot gets a fresh salt and this `cost`.
    pub fn new(secret: SecretString, cost: Cost) -> Self {
        Self { secret, cost, salt: random::bytes() }
    }

    fn stretch(&self, cost: Cost, salt: &[u8]) -> Result<Key32, RootError> {
        if !(LEAST_KIB..=MOST_KIB).contains(&cost.memory_kib) || cost.passes == 0 || cost.passes > 64 {
            return Err(RootError::Params("the Argon2id cost is out of range"));
        }
        let params = argon2::Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32))
            .map_err(|_| RootError::Params("the Argon2id cost is out of range"))?;
        let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let mut result = Ok(());
        let key = Key32::init_with(|out| {
            result = argon.hash_password_into(self.secret.expose_secret().as_bytes(), salt, out);
        });
        result.map_err(|_| RootError::Params("Argon2id refused its input"))?;
        Ok(key)
    }
}

impl Root for Passphrase {
    fn kind(&self) -> &'static str {
        "passphrase"
    }

    fn params(&self) -> String {
        let salt = data_encoding::HEXLOWER.encode(&self.salt);
        let params = Params { algorithm: "argon2id".to_owned(), cost: self.cost, salt };
        serde_json::to_string(&params).unwrap_or_default()
    }

    fn wrap(&self, context: &WrapContext<'_>, key: &Key32) -> Result<Vec<u8>, RootError> {
        Ok(wrap(&self.stretch(self.cost, &self.salt)?, context, key).to_vec())
    }

    fn unwrap(&self, params: &str, context: &WrapContext<'_>, wrapped: &[u8]) -> Result<Key32, RootError> {
        let params: Params = serde_json::from_str(params).map_err(|_| RootError::Params("not as written"))?;
        if params.algorithm != "argon2id" {
            return Err(RootError::Params("the algorithm is not argon2id"));
        }
        let salt = data_encoding::HEXLOWER
            .decode(params.salt.as_bytes())
            .ok()
            .filter(|salt| salt.len() >= 16)
            .ok_or(RootError::Params("the salt is not 16 bytes of hexadecimal"))?;
        opened(unwrap(&self.stretch(params.cost, &salt)?, context, wrapped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealing::KeyKind;

    const CHEAP: Cost = Cost { memory_kib: LEAST_KIB, passes: 1, lanes: 1 };

    fn context() -> WrapContext<'static> {
        WrapContext {
            vault_id: [7; 16],
            tenant: "",
            what: KeyKind::Epoch,
            subject: b"1",
            wrapping_kind: KeyKind::Root,
            wrapping_id: b"passphrase",
            wrapping_version: 1,
        }
    }

    #[test]
    fn opens_with_the_same_passphrase_only() {
        let root = Passphrase::new("correct horse".into(), CHEAP);
        let key = Key32::random();
        let wrapped = root.wrap(&context(), &key).unwrap();
        let again = Passphrase::new("correct horse".into(), Cost::default());
        assert!(again.unwrap(&root.params(), &context(), &wrapped).unwrap().ct_eq(&key));
        let other = Passphrase::new("wrong horse".into(), CHEAP);
        assert!(matches!(other.unwrap(&root.params(), &context(), &wrapped), Err(RootError::Wrong { .. })));
    }

    #[test]
    fn a_slot_altered_to_be_cheap_is_refused() {
        let root = Passphrase::new("x".into(), CHEAP);
        let wrapped = root.wrap(&context(), &Key32::random()).unwrap();
        let cheaper = root.params().replace("8192", "8");
        assert!(matches!(root.unwrap(&cheaper, &context(), &wrapped), Err(RootError::Params(_))));
    }
}
