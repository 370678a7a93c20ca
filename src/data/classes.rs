//! What the classes are called.

use std::collections::HashSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::ops::RangeInclusive;
use std::path::Path;

use super::checksums::FILES;
use super::problem::problem_with;
use crate::error::Result;

/// Fashion-MNIST's ten classes, by label, as its authors spell them.
pub const FASHION_MNIST: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// Fashion-MNIST's names, where a data set with these checksums, which are in the order of [`FILES`], is that and has as
/// many `classes`; nothing for any other.
pub fn fashion_mnist_names<'a>(hashes: impl IntoIterator<Item = &'a String>, classes: usize) -> Vec<String> {
    let known = classes == FASHION_MNIST.len() && hashes.into_iter().eq(FILES.iter().map(|file| file.sha256));
    if known { FASHION_MNIST.map(str::to_owned).to_vec() } else { Vec::new() }
}

/// What classes without names are called: their numbers.
pub fn numbers(classes: usize) -> Vec<String> {
    (0..classes).map(|class| class.to_string()).collect()
}

/// The file in a data set's folder that has its classes' names.
const IN_FOLDER: &str = "classes.txt";
/// The most characters of a name, and the most bytes of all.
const LONGEST_NAME: usize = 100;
const LONGEST_FILE: u64 = 1 << 20;
/// Rows of a report that classes stand beside.
const RESERVED: [&str; 3] = ["accuracy", "macro avg", "weighted avg"];

/// What the folder's `classes.txt` calls the classes; nothing where there is none.
///
/// # Errors
/// See [`read_class_names`].
pub fn class_names_in(folder: &Path, classes: RangeInclusive<usize>) -> Result<Vec<String>> {
    let path = folder.join(IN_FOLDER);
    match path.symlink_metadata() {
        // A browser has no files at all.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Unsupported) => Ok(Vec::new()),
        // Whoever names a pipe writes to it; one that lies there may have to be waited for.
        Ok(_) if path.exists() && !path.is_file() => {
            Err(problem_with(&path, "cannot be read (not a file); give a file of class names"))
        }
        _ => read_class_names(&path, classes),
    }
}

/// The names in a text file, one a line, from that of class 0 on, for one of these numbers of classes. Spaces around a name
/// and empty lines at the end are no part of them.
///
/// # Errors
/// [`Error::Data`](crate::error::Error::Data) naming the file, where it is no text of UTF-8, where names cannot be shown
/// or told apart, or are more or fewer than the classes.
pub fn read_class_names(path: &Path, classes: RangeInclusive<usize>) -> Result<Vec<String>> {
    let fail = |problem: String| Err(problem_with(path, format!("{problem}; give one name a line")));
    let mut bytes = Vec::new();
    if let Err(error) = File::open(path).and_then(|file| file.take(LONGEST_FILE + 1).read_to_end(&mut bytes)) {
        return Err(problem_with(path, format!("cannot be read ({error}); give a file of class names")));
    }
    if bytes.len() as u64 > LONGEST_FILE {
        return fail(format!("more than {LONGEST_FILE} bytes of class names"));
    }
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(problem_with(path, "not a text in UTF-8; save the class names as one"));
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let names: Vec<String> = text.trim_end().lines().map(|line| line.trim().to_owned()).collect();
    match check_class_names(&names) {
        Err(problem) => fail(problem),
        Ok(()) if !classes.contains(&names.len()) => {
            let problem = format!("{} names for {} classes", names.len(), classes.start());
            Err(problem_with(path, format!("{problem}; give one name a line for each class")))
        }
        Ok(()) => Ok(names),
    }
}

/// Whether names can be shown, and told apart.
///
/// # Errors
/// The problem in words.
pub fn check_class_names(names: &[String]) -> std::result::Result<(), String> {
    let mut known: HashSet<&str> = RESERVED.into();
    for (number, name) in names.iter().enumerate() {
        let length = name.chars().count();
        if name.is_empty() {
            return Err(format!("class {number} has an empty name"));
        }
        if length > LONGEST_NAME {
            return Err(format!("the name of class {number} has {length} characters, more than {LONGEST_NAME}"));
        }
        if name.contains(char::is_control) {
            return Err(format!("the name of class {number} has control characters, {name:?}"));
        }
        if !known.insert(name) {
            return Err(match RESERVED.contains(&name.as_str()) {
                true => format!("class {number} is called '{name}', as a row of every report is"),
                false => format!("class {number} is called '{name}', as another one is"),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_the_data_set() {
        let hashes = FILES.map(|file| file.sha256.to_owned());
        assert_eq!(fashion_mnist_names(&hashes, 10)[9], "Ankle boot");
        assert!(fashion_mnist_names(&hashes, 11).is_empty());
        assert!(fashion_mnist_names(&hashes[1..], 10).is_empty());
    }

    fn read(bytes: &[u8]) -> std::result::Result<Vec<String>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read_class_names(file.path(), 3..=3).map_err(|error| {
            let (message, path) = (error.to_string(), file.path().display().to_string());
            assert!(!message.contains(['\n', '\u{1b}']), "{message:?}");
            message.strip_prefix(&format!("{path}: ")).expect("the file's name").to_owned()
        })
    }

    #[test]
    fn a_file_has_a_name_a_line() {
        let expected = ["Bag", "Ankle boot", "Größe, \"10\""].map(str::to_owned).to_vec();
        let text = expected.join("\n");
        for same in [
            text.clone(),
            format!("{text}\n"),
            format!("{text}\n\n  \n"),
            format!("\u{feff}{text}\n"),
            text.replace('\n', "\r\n") + "\r\n",
            text.replace('\n', " \n "),
        ] {
            assert_eq!(read(same.as_bytes()), Ok(expected.clone()), "{same:?}");
        }
    }

    #[test]
    fn names_that_do_not_fit_are_refused() {
        let long = format!("a\n{}\nc", "n".repeat(101));
        let huge = "n".repeat(1 << 21);
        for (bytes, part) in [
            (&b""[..], "0 names for 3 classes; give one name a line for each class"),
            (b"a\nb", "2 names for 3 classes; give"),
            (b"a\nb\nc\nd\n", "4 names for 3 classes; give"),
            (b"a\n\nc", "class 1 has an empty name; give"),
            (b"\na\nb", "class 0 has an empty name; give"),
            (b"a\nb\na", "class 2 is called 'a', as another one is; give"),
            (b"a\naccuracy\nc", "class 1 is called 'accuracy', as a row of every report is; give"),
            (b"a\nb\x1b[2J\nc", "the name of class 1 has control characters, \"b\\u{1b}[2J\"; give"),
            (b"a\rb\rc", "the name of class 0 has control characters"),
            (b"a\nb\nc\xff", "not a text in UTF-8; save"),
            (b"\xff\xfea\0\n\0", "not a text in UTF-8; save"),
            (long.as_bytes(), "the name of class 1 has 101 characters, more than 100; give"),
            (huge.as_bytes(), "more than 1048576 bytes of class names; give"),
        ] {
            let message = read(bytes).expect_err(part);
            assert!(message.starts_with(part), "{message}");
        }
    }

    #[test]
    fn a_folder_s_names_are_optional_but_whole() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(class_names_in(folder.path(), 2..=2).unwrap(), Vec::<String>::new());
        let path = folder.path().join("classes.txt");
        std::fs::write(&path, "cat\ndog\n").unwrap();
        assert_eq!(class_names_in(folder.path(), 2..=2).unwrap(), ["cat", "dog"]);
        assert_eq!(class_names_in(folder.path(), 1..=256).unwrap(), ["cat", "dog"]);
        assert!(class_names_in(folder.path(), 3..=3).is_err());
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(
            class_names_in(folder.path(), 2..=2).unwrap_err().to_string().contains("classes.txt: cannot be read (")
        );
    }
}
