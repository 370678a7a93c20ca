//! Writing a file whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::data::temporary;
use crate::error::{Error, Result, remedy};

/// Puts `bytes` into the file at `path`. Whoever looks sees the old file or the new one, never a part: the bytes go to a
/// temporary file in the same folder, which takes the name once they are on the disk. A link stays one, to the new file;
/// a device or a pipe just gets the bytes.
///
/// # Errors
/// [`Error::Failed`] naming the file. Nothing is left behind then, and an older file of that name stays as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> io::Result<()> {
        if path.metadata().is_ok_and(|about| !about.is_file() && !about.is_dir()) {
            return File::options().write(true).open(path)?.write_all(bytes);
        }
        let target = if path.is_symlink() { path.canonicalize()? } else { path.to_owned() };
        let folder = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = temporary(folder)?;
        file.as_file_mut().write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(&target)?;
        Ok(())
    };
    write()
        .map_err(|error| Error::Failed(format!("{}: cannot be written ({error}); {}", path.display(), remedy(&error))))
}

/// Like [`write_whole`], of a file whose name we chose: nobody reads a pipe there, and so it is refused, as a device is.
///
/// # Errors
/// See [`write_whole`].
pub fn write_own(path: &Path, bytes: &[u8]) -> Result<()> {
    if path.metadata().is_ok_and(|about| !about.is_file() && !about.is_dir()) {
        return Err(Error::Failed(format!("{}: cannot be written (not a file); move it away", path.display())));
    }
    write_whole(path, bytes)
}

/// Makes a folder, and those that it is in; one that is there already will do.
///
/// # Errors
/// [`Error::Failed`] naming the folder.
pub fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path)
        .map_err(|error| Error::Failed(format!("{}: cannot be made ({error}); {}", path.display(), remedy(&error))))
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_stays_what_it_is() {
        use std::os::unix::fs::{FileTypeExt, symlink};

        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let listener = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        write_whole(&path("socket"), b"new").unwrap_err();
        assert!(path("socket").metadata().unwrap().file_type().is_socket());
        drop(listener);

        fs::write(path("file"), b"old").unwrap();
        symlink("file", path("link")).unwrap();
        write_whole(&path("link"), b"new").unwrap();
        assert!(path("link").is_symlink());
        assert_eq!(fs::read(path("file")).unwrap(), b"new");
        symlink("/dev/null", path("nothing")).unwrap();
        write_whole(&path("nothing"), b"new").unwrap();
        assert!(path("nothing").is_symlink());
    }
}
