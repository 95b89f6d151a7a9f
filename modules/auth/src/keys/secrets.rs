//! The secret key with the one before it, and how the one in a file is exchanged so that a kill at any moment leaves a pair that fits.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::secret::{SecretKey, beside, folder, unusable};
use super::vault::Vault;
use crate::error::Error;

/// Beside `secret.key`: the one before it, whose tokens are still taken,
const PREVIOUS: &str = "previous";
/// and the one that a rotation puts in its place once the database has it.
const NEXT: &str = "next";

/// The secret key of an installation, as it was given or found.
#[derive(Debug)]
pub struct Secrets {
    current: SecretKey,
    previous: Option<SecretKey>,
    /// What a rotation that was killed has left.
    next: Option<SecretKey>,
    /// The file of `current`, where it was not given.
    file: Option<PathBuf>,
}

impl Secrets {
    /// Those that somebody gave. What the previous one has made is still taken.
    pub fn given(current: SecretKey, previous: Option<SecretKey>) -> Self {
        Self { current, previous, next: None, file: None }
    }

    /// Those that are kept in the file at `path` and beside it; a new one where there is none, see [`SecretKey::load_or_create`].
    pub fn in_file(path: &Path) -> Result<Self, Error> {
        let (previous, next) = (SecretKey::load(&beside(path, PREVIOUS))?, SecretKey::load(&beside(path, NEXT))?);
        Ok(Self { current: SecretKey::load_or_create(path)?, previous, next, file: Some(path.to_owned()) })
    }

    pub(crate) fn current(&self) -> &SecretKey {
        &self.current
    }

    /// What opens a database with this check value; nothing is changed. [`Error::SecretKeyNotRotated`] where it is still the previous one's.
    pub(crate) fn fitting(self, check: &str) -> Result<Vault, Error> {
        if self.current.fits(check)? {
            return Ok(Vault::with_previous(self.current, self.previous));
        }
        if let Some(next) = self.next
            && next.fits(check)?
        {
            return Ok(Vault::with_previous(next, Some(self.current)));
        }
        if let Some(path) = self.current.missing_file() {
            return Err(Error::SecretKeyMissing(path.display().to_string()));
        }
        let is_previous = self.previous.as_ref().map_or(Ok(false), |previous| previous.fits(check))?;
        Err(if is_previous { Error::SecretKeyNotRotated } else { Error::SecretKeyMismatch })
    }

    /// Whether one of them is the one that a database with this check value was made with.
    pub(crate) fn may_open(&self, check: &str) -> Result<bool, Error> {
        for key in [Some(&self.current), self.previous.as_ref(), self.next.as_ref()].into_iter().flatten() {
            if key.fits(check)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The present one and the one before it.
    pub(crate) fn into_given(self) -> (SecretKey, Option<SecretKey>) {
        (self.current, self.previous)
    }

    /// The file that the key is kept in, where it was not given.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }
}

/// What is done to the files of a key. To be called while the instance's row is held, so that only one program does it at a time.
pub(crate) struct KeyFile<'a>(pub(crate) &'a Path);

impl KeyFile<'_> {
    /// Ends what a rotation has begun, where the database has this check value because of it.
    pub(crate) fn settle(&self, check: &str) -> Result<(), Error> {
        let next = beside(self.0, NEXT);
        if SecretKey::load(&next)?.map_or(Ok(false), |key| key.fits(check))? {
            let installed = std::fs::rename(&next, self.0).and_then(|()| File::open(folder(self.0))?.sync_all());
            installed.map_err(|error| unusable(self.0, &error))?;
        }
        Ok(())
    }

    /// Lays the next key beside the present one, which is kept as the previous one. Nothing uses it before the database has its check value.
    pub(crate) fn offer(&self, next: &SecretKey) -> Result<(), Error> {
        if let Some(present) = SecretKey::load(self.0)? {
            present.save_over(&beside(self.0, PREVIOUS))?;
        }
        next.save_over(&beside(self.0, NEXT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &SecretKey) -> String {
        key.check().expect("a check")
    }

    fn opened(path: &Path, check: &str) -> Result<String, Error> {
        Secrets::in_file(path)?.fitting(check).map(|vault| vault.secret().check().expect("a check"))
    }

    #[test]
    fn a_rotation_that_is_killed_anywhere_leaves_a_key_that_fits() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret.key");
        let present = SecretKey::load_or_create(&path).expect("a key");
        present.save().expect("saved");
        let (next, file) = (SecretKey::random(), KeyFile(&path));
        // Killed before the database had it: the present one goes on.
        file.offer(&next).expect("offered");
        assert_eq!(opened(&path, &check(&present)).expect("opened"), check(&present));
        // Killed after that and before the file was exchanged.
        assert_eq!(opened(&path, &check(&next)).expect("opened"), check(&next));
        // The next start ends it, and once more does nothing.
        for _ in 0..2 {
            file.settle(&check(&next)).expect("settled");
            assert_eq!(opened(&path, &check(&next)).expect("opened"), check(&next));
        }
        let after = Secrets::in_file(&path).expect("keys");
        assert_eq!(check(after.current()), check(&next));
        assert_eq!(after.previous.as_ref().map(check), Some(check(&present)));
        assert!(after.next.is_none() && !folder.path().join("secret.key.next").exists());
    }

    #[test]
    fn what_was_left_by_a_rotation_that_never_came_to_the_database_is_never_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret.key");
        let present = SecretKey::load_or_create(&path).expect("a key");
        present.save().expect("saved");
        let file = KeyFile(&path);
        file.offer(&SecretKey::random()).expect("offered");
        file.settle(&check(&present)).expect("settled");
        let after = Secrets::in_file(&path).expect("keys");
        assert_eq!(check(after.current()), check(&present));
        assert!(matches!(opened(&path, &check(&SecretKey::random())), Err(Error::SecretKeyMismatch)));
    }

    #[test]
    fn a_new_key_that_was_given_waits_for_the_rotation() {
        let (before, now) = (SecretKey::random(), SecretKey::random());
        let stored = check(&before);
        assert!(matches!(Secrets::given(now, Some(before)).fitting(&stored), Err(Error::SecretKeyNotRotated)));
    }
}
