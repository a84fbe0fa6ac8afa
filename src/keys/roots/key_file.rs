//! A root that lies in a file: 32 random bytes in hexadecimal, readable by its owner only. For development, and for hosts
//! whose secret manager delivers files.

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Root, opened};
use crate::keys::error::RootError;
use crate::sealing::{Key32, WrapContext, unwrap, wrap};

/// A key-file root.
pub struct KeyFile {
    key: Key32,
}

impl KeyFile {
    /// Makes a new file at `path`, which must not exist, and returns the root in it.
    pub fn create(path: &Path) -> Result<Self, RootError> {
        let key = Key32::random();
        let text = Zeroizing::new(data_encoding::HEXLOWER.encode(key.expose()));
        let unreadable = |cause| RootError::Unreadable { path: path.display().to_string(), cause };
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(unreadable)?;
        writeln!(file, "{}", *text).and_then(|()| file.sync_all()).map_err(unreadable)?;
        Ok(Self { key })
    }

    /// Reads the root at `path`.
    pub fn open(path: &Path) -> Result<Self, RootError> {
        let name = || path.display().to_string();
        let unreadable = |cause| RootError::Unreadable { path: name(), cause };
        let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(RootError::Unfit { path: name(), problem: "others may read it: chmod 600" });
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(unreadable)?);
        let bytes = data_encoding::HEXLOWER.decode(text.trim().as_bytes()).ok().map(Zeroizing::new);
        let key = bytes.and_then(|bytes| Key32::from_slice(&bytes));
        Ok(Self { key: key.ok_or(RootError::Unfit { path: name(), problem: "not 64 hexadecimal digits" })? })
    }

    /// Opens the file at `path`, or makes it when there is none.
    pub fn open_or_create(path: &PathBuf) -> Result<Self, RootError> {
        if path.exists() { Self::open(path) } else { Self::create(path) }
    }
}

impl Root for KeyFile {
    fn kind(&self) -> &'static str {
        "key-file"
    }

    fn params(&self) -> String {
        "{}".to_owned()
    }

    fn wrap(&self, context: &WrapContext<'_>, key: &Key32) -> Result<Vec<u8>, RootError> {
        Ok(wrap(&self.key, context, key).to_vec())
    }

    fn unwrap(&self, _params: &str, context: &WrapContext<'_>, wrapped: &[u8]) -> Result<Key32, RootError> {
        opened(unwrap(&self.key, context, wrapped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root.key");
        let made = KeyFile::create(&path).unwrap();
        assert!(KeyFile::open(&path).unwrap().key.ct_eq(&made.key));
        assert!(KeyFile::create(&path).is_err(), "an existing root is never overwritten");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(KeyFile::open(&path), Err(RootError::Unfit { .. })));
    }
}
