//! A file that takes its name only once it is whole and right.

use std::io::{self, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use super::checksums::RawFile;

/// A file of the data set on its way into a folder. Unless it is [finished](Partial::finish), dropping it leaves
/// nothing behind.
pub(super) struct Partial<'a> {
    temporary: NamedTempFile,
    file: &'a RawFile,
    folder: &'a Path,
}

impl<'a> Partial<'a> {
    /// Starts an empty file in `folder`, which must exist.
    pub(super) fn create(file: &'a RawFile, folder: &'a Path) -> io::Result<Self> {
        let mut builder = Builder::new();
        builder.prefix(".").suffix(".part");
        // Temporary files are private unless told otherwise, but a data set is for whoever may read its folder.
        #[cfg(unix)]
        builder.permissions(<std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
        Ok(Self { temporary: builder.tempfile_in(folder)?, file, folder })
    }

    /// Gives the file its name with `.gz`, or returns `false` if what was written does not unpack to the right bytes.
    pub(super) fn finish(self) -> io::Result<bool> {
        let right = self.file.matches(self.temporary.path())?;
        if right {
            self.temporary.as_file().sync_all()?;
            self.temporary.persist(self.folder.join(format!("{}.gz", self.file.name)))?;
        }
        Ok(right)
    }
}

impl Write for Partial<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temporary.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}
