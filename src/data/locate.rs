//! Finds a data set among the places where its users, and other programs, keep it.

use std::collections::BTreeSet;
use std::env;
use std::fs::DirEntry;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::checksums::{FILES, RawFile};
use super::names::{Role, role};
use super::problem::problem_with;
use crate::error::Result;
use crate::shell::quoted;
use crate::sniff::{self, Wanted};

/// The folder to read the data set from: `data_dir` if given, else the environment variable `GPU_FMNIST_DATA` if set,
/// else the first of [`standard_folders`] that holds all four files; `None` where none does.
///
/// # Errors
///
/// [`Error::Data`](crate::error::Error::Data) when a folder was named, by `data_dir` or the variable, and one of the
/// files is not in it; or when one of the standard folders that are below the current one has only some of them.
pub fn locate(data_dir: Option<&Path>) -> Result<Option<PathBuf>> {
    locate_with(data_dir, &variable)
}

/// The folders searched when none is named: `data`, then where Debian's package, Keras, torchvision and
/// [`cache_folder`] keep the data set.
pub fn standard_folders() -> Vec<PathBuf> {
    standard_folders_with(&variable)
}

/// This program's folder in the user's cache, or what the environment variable `GPU_FMNIST_CACHE` names instead; `None`
/// where the user has no home folder. It need not exist.
pub fn cache_folder() -> Option<PathBuf> {
    cache_folder_with(&variable)
}

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
enum Found {
    All([PathBuf; 4]),
    /// Not all of it, or more than one: `problem; remedy`.
    Some(String),
    Nothing,
}

fn look_into(folder: &Path) -> Found {
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
        let names: Vec<&str> = wholes.iter().map(|(set, _)| if set.is_empty() { "one without a name" } else { set }).collect();
        let problem = format!("the files of {} data sets are here ({})", names.len(), names.join(", "));
        return Found::Some(format!("{problem}; put the four files of one into a folder of their own"));
    }
    if let Some((_, files)) = wholes.pop() {
        return Found::All(files);
    }
    // The set that has most of its files is the one that was meant.
    match picked.iter().max_by_key(|(_, files)| files.iter().flatten().count()) {
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
        true => format!("run 'gpu-fmnist data fetch --data-dir {}'", quoted(folder.as_os_str())),
        false => "complete the data set, or give another folder with --data-dir".into(),
    };
    format!("no {} here{there}; {remedy}", lacking.join(", "))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Why a folder has nothing of a data set, and what to do about it.
fn nothing_in(folder: &Path) -> String {
    if folder.is_file() {
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
    let entries = folder.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
    let mut inside = entries.filter(|path| path.is_dir()).take(100).flat_map(|path| [path.join("raw"), path]);
    if let Some(inside) = inside.find(|inside| matches!(look_into(inside), Found::All(_))) {
        return format!("no data set here, but one in {}; give that folder", inside.display());
    }
    let names = FILES.map(|file| file.name).join(", ");
    format!("no {names} here, plain or .gz; put the four files here, or {}", fetch_into(folder))
}

fn fetch_into(folder: &Path) -> String {
    format!("fetch Fashion-MNIST into it with 'gpu-fmnist data fetch --data-dir {}'", quoted(folder.as_os_str()))
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

/// Looks up an environment variable, counting an empty one as not set.
fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn locate_with(data_dir: Option<&Path>, variable: &dyn Fn(&str) -> Option<PathBuf>) -> Result<Option<PathBuf>> {
    match data_dir.map(Path::to_path_buf).or_else(|| variable("GPU_FMNIST_DATA")) {
        Some(named) => files_in(&named).map(|_| Some(named)),
        None => search(standard_folders_with(variable)),
    }
}

/// The first of the folders that has all four files. One below the current folder that has some of them was meant, and is
/// not passed over.
fn search(folders: Vec<PathBuf>) -> Result<Option<PathBuf>> {
    for folder in folders {
        match look_into(&folder) {
            Found::All(_) => return Ok(Some(folder)),
            Found::Some(problem) if folder.is_relative() => return Err(problem_with(&folder, problem)),
            Found::Some(_) | Found::Nothing => {}
        }
    }
    Ok(None)
}

fn standard_folders_with(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    let keras = variable("KERAS_HOME").or_else(|| home(variable).map(|home| home.join(".keras")));
    [
        Some(PathBuf::from("data")),
        Some(PathBuf::from("/usr/share/datasets/fashion-mnist")),
        keras.map(|folder| folder.join("datasets/fashion-mnist")),
        Some(PathBuf::from("data/FashionMNIST/raw")),
        Some(PathBuf::from("FashionMNIST/raw")),
        cache_folder_with(variable),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn cache_folder_with(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    if let Some(named) = variable("GPU_FMNIST_CACHE") {
        return Some(named);
    }
    let caches = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        home(variable).map(|home| home.join("Library/Caches"))
    } else {
        variable("XDG_CACHE_HOME").or_else(|| home(variable).map(|home| home.join(".cache")))
    };
    caches.map(|folder| folder.join("gpu-fmnist"))
}

fn home(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    variable(if cfg!(windows) { "USERPROFILE" } else { "HOME" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn complete(folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        for file in FILES {
            std::fs::write(folder.join(format!("{}.gz", file.name)), b"").unwrap();
        }
    }

    #[test]
    fn the_folder_given_wins_over_the_variable() {
        let scratch = tempfile::tempdir().unwrap();
        let (given, set) = (scratch.path().join("given"), scratch.path().join("set"));
        complete(&given);
        complete(&set);
        let variable = |name: &str| (name == "GPU_FMNIST_DATA").then(|| set.clone());
        assert_eq!(locate_with(Some(&given), &variable).unwrap(), Some(given));
        assert_eq!(locate_with(None, &variable).unwrap(), Some(set.clone()));
    }

    #[test]
    fn a_variable_naming_an_incomplete_folder_is_an_error() {
        let scratch = tempfile::tempdir().unwrap();
        complete(scratch.path());
        std::fs::remove_file(scratch.path().join("t10k-labels-idx1-ubyte.gz")).unwrap();
        let error = locate_with(None, &|_| Some(scratch.path().to_path_buf())).unwrap_err();
        assert!(
            matches!(&error, Error::Data(message) if message.contains("no t10k-labels-idx1-ubyte here")),
            "{error}"
        );
    }

    #[test]
    fn a_file_in_place_of_the_folder_is_called_one() {
        let scratch = tempfile::NamedTempFile::new().unwrap();
        let error = files_in(scratch.path()).unwrap_err().to_string();
        assert!(error.contains(": a file, not a folder; give"), "{error}");
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

    #[cfg(target_os = "linux")]
    #[test]
    fn standard_folders_follow_the_home_folder_and_its_overrides() {
        let of_home = standard_folders_with(&|name| (name == "HOME").then(|| "/home/user".into()));
        assert_eq!(
            of_home,
            [
                "data",
                "/usr/share/datasets/fashion-mnist",
                "/home/user/.keras/datasets/fashion-mnist",
                "data/FashionMNIST/raw",
                "FashionMNIST/raw",
                "/home/user/.cache/gpu-fmnist",
            ]
            .map(PathBuf::from)
        );
        let overridden =
            standard_folders_with(&|name| (name != "GPU_FMNIST_CACHE").then(|| Path::new("/set").join(name)));
        assert_eq!(overridden[2], Path::new("/set/KERAS_HOME/datasets/fashion-mnist"));
        assert_eq!(overridden[5], Path::new("/set/XDG_CACHE_HOME/gpu-fmnist"));
        let named = cache_folder_with(&|name| Some(Path::new("/set").join(name)));
        assert_eq!(named, Some("/set/GPU_FMNIST_CACHE".into()));
        assert_eq!(standard_folders_with(&|_| None).len(), 4);
    }
}
