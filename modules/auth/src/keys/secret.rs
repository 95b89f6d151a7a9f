use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use hkdf::Hkdf;
use kernel::{Ids, hex};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::error::Error;

/// The secret that everything else is derived from: nothing is encrypted, signed or hashed with it directly, but with a subkey
/// for each purpose.
#[derive(Clone)]
pub struct SecretKey {
    bytes: Zeroizing<Vec<u8>>,
    /// Where it is to be kept, while it has not been written yet.
    unsaved: Option<PathBuf>,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SecretKey(…)")
    }
}

impl SecretKey {
    /// The fewest bytes that are taken.
    pub const LEAST_BYTES: usize = 32;

    /// Takes a text of at least 32 bytes (what `openssl rand -base64 32` prints, for example); white space around it is cut.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bytes = text.trim().as_bytes();
        if bytes.len() < Self::LEAST_BYTES {
            return Err(Error::SecretKeyUnusable(format!(
                "the secret key has {} bytes; at least {} random ones are expected, for example what `openssl rand -base64 32` prints",
                bytes.len(),
                Self::LEAST_BYTES
            )));
        }
        Ok(Self { bytes: Zeroizing::new(bytes.to_vec()), unsaved: None })
    }

    /// A key that is kept nowhere: for databases in memory.
    pub fn random() -> Self {
        let bytes = Zeroizing::new(Ids::System.bytes::<32>());
        Self { bytes: Zeroizing::new(hex(bytes.as_slice()).into_bytes()), unsaved: None }
    }

    /// The key in the file at `path`, where there is one.
    pub(super) fn load(path: &Path) -> Result<Option<Self>, Error> {
        match File::open(path) {
            Ok(file) => read(path, file).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(path, &error)),
        }
    }

    /// The key in the file at `path`, which only its owner may read; or a new one where there is no file. The new one is written
    /// when a new database is opened with it, never beside a database that was made with another.
    pub fn load_or_create(path: &Path) -> Result<Self, Error> {
        Ok(Self::load(path)?.unwrap_or_else(|| Self { unsaved: Some(path.to_owned()), ..Self::random() }))
    }

    /// The file that this key was expected in and not found.
    pub(crate) fn missing_file(&self) -> Option<&Path> {
        self.unsaved.as_deref()
    }

    /// Writes a new key to its file, all of it or nothing; never over another.
    pub(crate) fn save(&self) -> Result<(), Error> {
        let Some(path) = &self.unsaved else { return Ok(()) };
        write_new(path, &self.bytes).map_err(|error| unusable(path, &error))
    }

    /// Writes it to a file, over what is there, all of it or nothing.
    pub(super) fn save_over(&self, path: &Path) -> Result<(), Error> {
        write_over(path, &self.bytes).map_err(|error| unusable(path, &error))
    }

    /// Whether a database with this check value was made with it.
    pub(super) fn fits(&self, check: &str) -> Result<bool, Error> {
        Ok(bool::from(self.check()?.as_bytes().ct_eq(check.as_bytes())))
    }

    /// The key for one purpose.
    pub(crate) fn subkey<const N: usize>(&self, label: &str) -> Result<Zeroizing<[u8; N]>, Error> {
        let mut key = Zeroizing::new([0; N]);
        let info = format!("larder/auth/v1/{label}");
        Hkdf::<Sha256>::new(Some(b"larder"), &self.bytes).expand(info.as_bytes(), key.as_mut_slice()).map_err(|_| Error::Cryptography("deriving a subkey"))?;
        Ok(key)
    }

    /// Says, without giving the key away, whether a database was made with it.
    pub(crate) fn check(&self) -> Result<String, Error> {
        Ok(hex(self.subkey::<32>("check")?.as_slice()))
    }

    /// A short public name, stored beside what is encrypted under this key.
    pub(crate) fn id(&self) -> Result<String, Error> {
        Ok(hex(self.subkey::<8>("id")?.as_slice()))
    }
}

pub(super) fn unusable(path: &Path, error: &io::Error) -> Error {
    Error::SecretKeyUnusable(format!("secret key file {}: {error}", path.display()))
}

fn read(path: &Path, file: File) -> Result<SecretKey, Error> {
    refuse_wide_mode(path, &file)?;
    let text = io::read_to_string(file).map(Zeroizing::new).map_err(|error| unusable(path, &error))?;
    SecretKey::parse(&text)
}

#[cfg(unix)]
fn refuse_wide_mode(path: &Path, file: &File) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().map_err(|error| unusable(path, &error))?.permissions().mode() & 0o777;
    if mode | 0o700 == 0o700 {
        return Ok(());
    }
    Err(Error::SecretKeyUnusable(format!("secret key file {0} may be read by others (mode {mode:o}); run chmod 600 {0}", path.display())))
}

#[cfg(not(unix))]
fn refuse_wide_mode(_: &Path, _: &File) -> Result<(), Error> {
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let parent = folder(path);
    std::fs::create_dir_all(parent)?;
    let draft = beside(path, &hex(&Ids::System.bytes::<8>()));
    let written = write_draft(&draft, bytes).and_then(|()| std::fs::hard_link(&draft, path));
    let removed = std::fs::remove_file(&draft);
    written?;
    removed?;
    // The name must last as long as the database that depends on it.
    File::open(parent)?.sync_all()
}

fn write_over(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = beside(path, &hex(&Ids::System.bytes::<8>()));
    let renamed = write_draft(&draft, bytes).and_then(|()| std::fs::rename(&draft, path));
    if renamed.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    renamed?;
    File::open(folder(path))?.sync_all()
}

/// The file of the same name with something behind it.
pub(super) fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{what}"));
    PathBuf::from(name)
}

pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn write_draft(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn fewer_than_32_bytes_are_no_key_and_the_refusal_does_not_repeat_them() {
        let error = SecretKey::parse("hunter2hunter2hunter2hunter2").expect_err("too short");
        assert!(!error.to_string().contains("hunter2"));
        assert!(SecretKey::parse(&"k".repeat(32)).is_ok());
    }

    #[test]
    fn no_debug_output_holds_the_key() {
        let text = "0123456789abcdef0123456789abcdef";
        assert_eq!(format!("{:?}", SecretKey::parse(text).expect("a key")), "SecretKey(…)");
    }

    #[test]
    fn a_new_key_is_written_when_it_is_saved_only_for_its_owner_and_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret.key");
        let new = SecretKey::load_or_create(&path).expect("a new key");
        assert!(!path.exists(), "nothing is written before a new database takes the key");
        new.save().expect("saved");
        let mode = std::fs::metadata(&path).expect("the file").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let again = SecretKey::load_or_create(&path).expect("the same key");
        assert_eq!(again.check().expect("a check"), new.check().expect("a check"));
        assert!(new.save().is_err(), "another key is never overwritten");
        assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 1, "no draft is left");
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret.key");
        SecretKey::load_or_create(&path).expect("a new key").save().expect("saved");
        for mode in [0o640, 0o604, 0o660] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
            assert!(matches!(SecretKey::load_or_create(&path), Err(Error::SecretKeyUnusable(_))), "{mode:o}");
        }
    }

    #[test]
    fn subkeys_differ_by_label_and_by_key() {
        let (one, other) = (SecretKey::random(), SecretKey::random());
        let subkey = |key: &SecretKey, label| *key.subkey::<32>(label).expect("a subkey");
        assert_ne!(subkey(&one, "a"), subkey(&one, "b"));
        assert_ne!(subkey(&one, "a"), subkey(&other, "a"));
        assert_eq!(subkey(&one, "a"), subkey(&one, "a"));
    }
}
