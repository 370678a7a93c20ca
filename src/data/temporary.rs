//! Files without a name of their own yet.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

const PREFIX: &str = ".";
const SUFFIX: &str = ".part";

/// An empty file in `folder`, which must exist; dropped before it gets a name, it is gone. Write to its `as_file_mut`:
/// other errors than the system's own would speak of the temporary name, which means nothing to anyone.
///
/// Whoever may read the folder may read the file, unlike tempfile's own files.
pub(crate) fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    Builder::new().prefix(PREFIX).suffix(SUFFIX).make_in(folder, |path| File::create_new(path))
}

/// Removes such files of processes that did not live to do it. One that cannot be removed is nothing to stop for.
pub(crate) fn remove_temporary(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
            drop(fs::remove_file(entry.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_do_not_name_the_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = temporary(&folder.path().join("nowhere")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(!error.to_string().contains(".part"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn whoever_may_read_the_folder_may_read_the_file() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        // As the process' mask leaves it to any new file.
        let usual = File::create(folder.path().join("usual")).unwrap();
        let mode = |file: &File| file.metadata().unwrap().permissions().mode();
        assert_eq!(mode(temporary(folder.path()).unwrap().as_file()), mode(&usual));
    }
}
