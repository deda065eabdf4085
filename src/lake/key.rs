//! The key behind fingerprints. Outputs carry its id; fingerprints of different keys do not compare.

use super::LakeError;
use super::store::{INTERNAL, LocalStore, Store as _};
use crate::codec::hex;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io::Read as _;
use std::path::Path;

const LEN: usize = 32;

/// 32 secret bytes. Debug shows the id only.
#[derive(Clone)]
pub struct FingerprintKey([u8; LEN]);

impl FingerprintKey {
    /// The lake's own key, made at its first use (0600).
    pub fn of_lake(store: &LocalStore, root: &Path) -> Result<Self, LakeError> {
        let path = format!("{INTERNAL}/fingerprint.key");
        if store.get(&path)?.is_none() {
            let _lock = store.lock()?;
            store.put_if_absent(&path, Self::random(root)?.to_hex().as_bytes())?;
        }
        let text = store.get(&path)?.unwrap_or_default();
        Self::from_hex(&text).ok_or_else(|| LakeError::BadKey { path: root.join(path) })
    }

    /// A key from a file of 64 hex digits.
    pub fn from_file(path: &Path) -> Result<Self, LakeError> {
        let text = std::fs::read(path).map_err(|e| LakeError::io(path, e))?;
        Self::from_hex(&text).ok_or_else(|| LakeError::BadKey { path: path.to_path_buf() })
    }

    /// The user's key at `path`, made there if missing.
    pub fn of_user(path: &Path) -> Result<Self, LakeError> {
        if !path.exists() {
            let folder = path.parent().unwrap_or(Path::new("."));
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            LocalStore::new(folder).put_if_absent(&name, Self::random(path)?.to_hex().as_bytes())?;
        }
        Self::from_file(path)
    }

    fn random(path: &Path) -> Result<Self, LakeError> {
        let mut bytes = [0; LEN];
        let source = Path::new("/dev/urandom");
        let read = std::fs::File::open(source).and_then(|mut file| file.read_exact(&mut bytes));
        read.map_err(|e| LakeError::io(path, e))?;
        Ok(Self(bytes))
    }

    fn from_hex(text: &[u8]) -> Option<Self> {
        hex::decode(text.trim_ascii()).map(Self)
    }

    fn to_hex(&self) -> String {
        hex::encode(&self.0)
    }

    /// First 8 hex digits of the key's SHA-256: names it without giving it away.
    pub fn id(&self) -> String {
        hex::encode(&Sha256::digest(self.0)[..4])
    }

    /// `HMAC-SHA256(key, secret)`, the first 16 bytes in hex.
    pub fn fingerprint(&self, secret: &[u8]) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            unreachable!("HMAC takes keys of any length")
        };
        mac.update(secret);
        hex::encode(&mac.finalize().into_bytes()[..16])
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FingerprintKey({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2 has a short key; this one is computed with Python's hmac module:
    /// hmac.new(bytes(range(32)), b"what do ya want for nothing?", "sha256").
    #[test]
    fn fingerprint_is_hmac_sha256() {
        let mut bytes = [0; LEN];
        for (i, b) in bytes.iter_mut().enumerate() {
            *b = i as u8;
        }
        let key = FingerprintKey(bytes);
        assert_eq!(key.fingerprint(b"what do ya want for nothing?"), "099805f4ac310786968565c098db515c");
        assert_eq!(format!("{key:?}"), format!("FingerprintKey({})", key.id()));
        assert_eq!(FingerprintKey::from_hex(key.to_hex().as_bytes()).unwrap().0, bytes);
        assert!(FingerprintKey::from_hex(b"abc").is_none());
    }
}
