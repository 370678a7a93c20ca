//! The four files of a data set in a folder, and what to say where they are not all there.

use std::collections::BTreeSet;
use std::fs::DirEntry;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::checksums::{FILES, RawFile};
use super::names::{Role, role};
use super::problem::{fetch_call, problem_with};
use crate::error::Result;
use crate::sniff::{self, Kind, Wanted};

/// The paths of the four files in `folder`, in the order of [`FILES`]. Of a file that is there both plain and as `.gz`,
/// the plain one is taken, since it is faster to read. Where not all have their usual names, others will do, if there
/// is one data set only that they can be of.
///
/// # Errors
///
/// [`Error::Data`](crate::error::Error::Data) naming the files that are not there, or the data sets among which to choose.
pub(super) fn files_in(folder: &Path) -> Result<[PathBuf; 4]> {
    match look_into(folder) {
        Found::All(files) => Ok(files),
        Found::Some(problem) => Err(problem_with(folder, problem)),
        Found::Nothing => Err(problem_with(folder, nothing_in(folder))),
    }
}

/// What of a data set a folder has.
pub(super) enum Found {
    All([PathBuf; 4]),
    /// Not all of it, or more than one: `problem; remedy`.
    Some(String),
    Nothing,
}

pub(super) fn look_into(folder: &Path) -> Found {
    let usual = FILES.map(|file| file_in(folder, file.name));
    if let Some(files) = whole(&usual) {
        return Found::All(files);
    }
    let alike = look_alikes(folder);
    let sets: BTreeSet<&str> = alike.iter().map(|(role, _)| role.set.as_str()).collect();
    let picked: Vec<(&str, [Option<PathBuf>; 4])> =
        sets.into_iter().map(|set| (set, pick(folder, &alike, set))).collect();
    let mut wholes: Vec<(&str, [PathBuf; 4])> =
        picked.iter().filter_map(|(set, files)| Some((*set, whole(files)?))).collect();
    if wholes.len() > 1 {
        let names: Vec<&str> =
            wholes.iter().map(|(set, _)| if set.is_empty() { "one without a name" } else { set }).collect();
        let problem = format!("the files of {} data sets are here ({})", names.len(), names.join(", "));
        return Found::Some(format!("{problem}; put the four files of one into a folder of their own"));
    }
    if let Some((_, files)) = wholes.pop() {
        return Found::All(files);
    }
    // The set that has most of its files is the one that was meant.
    match picked.iter().rev().max_by_key(|(_, files)| files.iter().flatten().count()) {
        None => Found::Nothing,
        Some((_, files)) => Found::Some(incomplete(folder, files, &alike)),
    }
}

/// The files, if they are all there.
fn whole(files: &[Option<PathBuf>; 4]) -> Option<[PathBuf; 4]> {
    match files.clone() {
        [Some(train_images), Some(train_labels), Some(test_images), Some(test_labels)] => {
            Some([train_images, train_labels, test_images, test_labels])
        }
        _ => None,
    }
}

/// The files whose names say that they are of a data set.
fn look_alikes(folder: &Path) -> Vec<(Role, PathBuf)> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let file = |entry: DirEntry| Some((role(entry.file_name().to_str()?)?, entry.path()));
    let mut files: Vec<_> = entries.filter_map(file).filter(|(_, path)| path.is_file()).collect();
    files.sort_by(|(_, left), (_, right)| left.cmp(right));
    files
}

/// The files of one of the data sets, as far as they are there and it is plain which.
fn pick(folder: &Path, alike: &[(Role, PathBuf)], set: &str) -> [Option<PathBuf>; 4] {
    [0, 1, 2, 3].map(|file| {
        let usual = file_in(folder, FILES[file].name).filter(|_| set.is_empty());
        let certain = alike.iter().filter(|(role, _)| role.certain && role.file == file && role.set == set);
        usual.or_else(|| {
            // Without their `.gz` they are one. A plain file comes before it.
            let stems: BTreeSet<&str> = certain.clone().map(|(role, _)| role.stem.as_str()).collect();
            certain.map(|(_, path)| path.clone()).next().filter(|_| stems.len() == 1)
        })
    })
}

/// Why some files do not make a data set, and what to do about it.
fn incomplete(folder: &Path, files: &[Option<PathBuf>; 4], alike: &[(Role, PathBuf)]) -> String {
    let missing = FILES.iter().zip(files).enumerate().filter(|(_, (_, path))| path.is_none());
    let lacking: Vec<String> = missing
        .map(|(file, (usual, _))| {
            let instead = alike.iter().filter(|(role, _)| role.file == file);
            let names: Vec<_> = instead.map(|(_, path)| file_name(path)).collect();
            match names.as_slice() {
                [] => usual.name.to_owned(),
                names => format!("{} (but {})", usual.name, names.join(", ")),
            }
        })
        .collect();
    let there: Vec<_> = files.iter().flatten().map(|path| file_name(path)).collect();
    let there = if there.is_empty() { String::new() } else { format!(" beside {}", there.join(", ")) };
    let of_fashion_mnist = |(file, path): (&RawFile, &Option<PathBuf>)| {
        path.as_ref().is_none_or(|path| file.matches(path).unwrap_or(false))
    };
    let own = !there.is_empty() && FILES.iter().zip(files).all(of_fashion_mnist);
    let remedy = match own {
        true => format!("run {}", fetch_call(folder)),
        false => "complete the data set, or give another folder with `data_dir`".into(),
    };
    format!("no {} here{there}; {remedy}", lacking.join(", "))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Why a folder has nothing of a data set, and what to do about it.
fn nothing_in(folder: &Path) -> String {
    if folder.exists() && !folder.is_dir() {
        return not_a_folder(folder);
    }
    match folder.read_dir() {
        Err(error) if is_refusal(&error) => {
            return format!("the folder cannot be read ({error}); check its permissions or choose another");
        }
        Err(_) => return format!("there is no such folder; check the path, or {}", fetch_into(folder)),
        Ok(_) => {}
    }
    // A folder that may not be searched looks as if nothing were in it, and says so only of a file in it.
    if let Some(error) = FILES.iter().find_map(|file| folder.join(file.name).metadata().err().filter(is_refusal)) {
        return format!("the folder cannot be read ({error}); check its permissions or choose another");
    }
    let mut entries: Vec<PathBuf> =
        folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries.truncate(100);
    let mut inside = entries.iter().filter(|path| path.is_dir()).flat_map(|path| [path.join("raw"), path.clone()]);
    if let Some(inside) = inside.find(|inside| matches!(look_into(inside), Found::All(_))) {
        return format!("no data set here, but one in {}; give that folder", inside.display());
    }
    let names = FILES.map(|file| file.name).join(", ");
    let other = |path: &PathBuf| Some((path.clone(), sniff::kind_of(path).filter(Kind::may_hold_data)?));
    if let Some((path, kind)) = entries.iter().find_map(other) {
        let (_, remedy) = kind.problem(Wanted::DataFolder, "");
        return format!("no {names} here; {} is {}: {remedy}", file_name(&path), kind.name);
    }
    format!("no {names} here, plain or .gz; put the four files here, or {}", fetch_into(folder))
}

fn fetch_into(folder: &Path) -> String {
    format!("fetch Fashion-MNIST into it with {}", fetch_call(folder))
}

/// What is said of a file in a folder's place.
fn not_a_folder(path: &Path) -> String {
    let remedy = "give the folder that the four files are in";
    match sniff::kind_of(path) {
        Some(kind) => kind.line(Wanted::DataFolder, remedy),
        None => format!("a file, not a folder; {remedy}"),
    }
}

fn is_refusal(error: &std::io::Error) -> bool {
    error.kind() != ErrorKind::NotFound
}

/// The file `name` in `folder`, plain or `.gz`.
pub(super) fn file_in(folder: &Path, name: &str) -> Option<PathBuf> {
    [folder.join(name), folder.join(format!("{name}.gz"))].into_iter().find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_place_of_the_folder_is_called_one() {
        let scratch = tempfile::NamedTempFile::new().unwrap();
        let error = files_in(scratch.path()).unwrap_err().to_string();
        assert!(error.contains(": an empty file, not the folder of a data set; give"), "{error}");
    }

    /// A folder that leads to itself cannot be read by anyone, unlike one without permissions.
    #[cfg(unix)]
    #[test]
    fn a_folder_that_cannot_be_read_is_not_called_empty() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("round");
        std::os::unix::fs::symlink(&folder, &folder).unwrap();
        let error = files_in(&folder).unwrap_err().to_string();
        assert!(error.contains(": the folder cannot be read (") && error.contains("; check"), "{error}");
    }
}
