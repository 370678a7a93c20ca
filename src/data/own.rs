//! Which folders are Fashion-MNIST's own, so that what is wrong in them may be fetched again. In others that would delete
//! someone's data.

use std::path::Path;

use super::checksums::{FILES, RawFile};
use super::files::file_in;
use super::locate::cache_folder;
use super::problem::fetch_call;

/// What to do about a damaged file at `path`, if its folder is the program's cache, or the other three files in it are
/// Fashion-MNIST's.
pub fn fetch_again(path: &Path) -> Option<String> {
    let folder = path.parent()?;
    let name = path.file_name()?.to_str()?;
    let of = |file: &&RawFile| name.strip_suffix(".gz").unwrap_or(name) == file.name;
    let is_cache = cache_folder().is_some_and(|cache| cache == folder);
    let right = |file: &RawFile| file_in(folder, file.name).is_some_and(|path| file.matches(&path).unwrap_or(false));
    let mut others = FILES.iter().filter(|file| !of(file));
    if FILES.iter().any(|file| of(&file)) && (is_cache || others.all(right)) {
        let call = if is_cache { "`fetch()`".to_owned() } else { fetch_call(folder) };
        return Some(format!("delete the file and run {call}"));
    }
    None
}
