//! Finds a data set among the places where its users, and other programs, keep it.

use std::env;
use std::path::{Path, PathBuf};

use super::files::{Found, files_in, look_into};
use super::problem::problem_with;
use crate::error::Result;

/// The folders below the current one that are searched.
const OWN: [&str; 3] = ["data", "data/FashionMNIST/raw", "FashionMNIST/raw"];

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

/// The first of the folders that has all four files. One of [`OWN`] that has some of them was meant, and is not passed
/// over.
fn search(folders: Vec<PathBuf>) -> Result<Option<PathBuf>> {
    for folder in folders {
        match look_into(&folder) {
            Found::All(_) => return Ok(Some(folder)),
            Found::Some(problem) if OWN.iter().any(|own| folder == Path::new(own)) => {
                return Err(problem_with(&folder, problem));
            }
            Found::Some(_) | Found::Nothing => {}
        }
    }
    Ok(None)
}

fn standard_folders_with(variable: &dyn Fn(&str) -> Option<PathBuf>) -> Vec<PathBuf> {
    let keras = variable("KERAS_HOME").or_else(|| home(variable).map(|home| home.join(".keras")));
    [
        Some(PathBuf::from(OWN[0])),
        Some(PathBuf::from("/usr/share/datasets/fashion-mnist")),
        keras.map(|folder| folder.join("datasets/fashion-mnist")),
        Some(PathBuf::from(OWN[1])),
        Some(PathBuf::from(OWN[2])),
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
    use crate::data::FILES;
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
