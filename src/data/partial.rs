//! A file that takes its name only once it is whole and right.

use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::checksums::RawFile;
use super::temporary::temporary;

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
        Ok(Self { temporary: temporary(folder)?, file, folder })
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
        self.temporary.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.temporary.as_file_mut().flush()
    }
}
