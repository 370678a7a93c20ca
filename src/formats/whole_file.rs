//! Writing a file whole or not at all.

use std::io::{self, Write};
use std::path::Path;

use crate::data::temporary;
use crate::error::{Error, Result};

/// Puts `bytes` into the file at `path`. Whoever looks sees the old file or the new one, never a part: the bytes go to a
/// temporary file in the same folder, which takes the name once they are on the disk.
///
/// # Errors
/// [`Error::Failed`] naming the file. Nothing is left behind then, and an older file of that name stays as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> io::Result<()> {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = temporary(folder)?;
        file.as_file_mut().write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error| {
        let path = path.display();
        Error::Failed(format!("{path}: cannot be written ({error}); free some space there or choose another folder"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_file_that_cannot_be_replaced_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        fs::create_dir_all(taken.join("inside")).unwrap();
        let error = write_whole(&taken, b"new").unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: cannot be written", taken.display())), "{error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_whole(&path, b"a long first text").unwrap();
        write_whole(&path, b"short").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"short");
    }
}
