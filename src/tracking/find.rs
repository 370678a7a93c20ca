//! Which folders are runs'.

use std::fs;
use std::path::{Path, PathBuf};

/// How many folders down a run may be: a sweep's tasks are in it, and a task's folds in that.
const DEEPEST: usize = 4;

/// Whether a folder is a run's, that has begun.
pub fn is_run(folder: &Path) -> bool {
    folder.join("checkpoints").is_dir() && folder.join("config.toml").is_file()
}

/// The folder itself where it is a run's, else the runs in it and in its folders, in the order of their names; `cnn1-2`
/// comes before `cnn1-10`.
pub fn runs_in(folder: &Path) -> Vec<PathBuf> {
    let mut runs = Vec::new();
    search(folder, DEEPEST, &mut runs);
    runs.sort_by_cached_key(|path| natural(&path.to_string_lossy()));
    runs
}

fn search(folder: &Path, deepest: usize, runs: &mut Vec<PathBuf>) {
    if is_run(folder) {
        runs.push(folder.to_owned());
        return;
    }
    if deepest == 0 {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // What a link leads to may be a run, but is not searched: it may lead back.
        let deepest = if entry.file_type().is_ok_and(|kind| kind.is_symlink()) { 0 } else { deepest - 1 };
        if !hidden && entry.path().is_dir() {
            search(&entry.path(), deepest, runs);
        }
    }
}

/// A text's parts, digits as the number that they are.
fn natural(text: &str) -> Vec<(String, u64)> {
    let is_digit = |letter: &char| letter.is_ascii_digit();
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let words = rest.find(|letter| is_digit(&letter)).unwrap_or(rest.len());
        let digits = rest[words..].chars().take_while(is_digit).count();
        let (part, later) = rest.split_at(words + digits);
        parts.push((part[..words].to_owned(), part[words..].parse().unwrap_or(u64::MAX)));
        rest = later;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_in_folders_of_folders_by_the_order_of_their_numbers() {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path();
        for run in ["cnn1-10", "cnn1-2", "sweep/tasks/3", ".hidden/run", "a/b/c/d/e"] {
            fs::create_dir_all(root.join(run).join("checkpoints")).unwrap();
            fs::write(root.join(run).join("config.toml"), "").unwrap();
        }
        fs::create_dir_all(root.join("kfold/checkpoints")).unwrap();
        let found: Vec<_> = runs_in(root).iter().map(|path| path.strip_prefix(root).unwrap().to_owned()).collect();
        assert_eq!(found, ["cnn1-2", "cnn1-10", "sweep/tasks/3"].map(PathBuf::from));
        assert_eq!(runs_in(&root.join("cnn1-2")), [root.join("cnn1-2")]);
        assert!(runs_in(&root.join("nowhere")).is_empty());
    }
}
