//! What data sets call their four files: `train-images.idx3-ubyte`, `emnist-letters-test-labels-idx1-ubyte.gz`.

/// What a file's name says of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Role {
    /// Which of [`FILES`](super::FILES) it is.
    pub(super) file: usize,
    /// The data set's name before it, words joined by `-`; often none.
    pub(super) set: String,
    /// The name without `.gz`.
    pub(super) stem: String,
    /// Whether nothing in the name speaks against it: not a `.part`, and no array of another program.
    pub(super) certain: bool,
}

/// What the file of this name is in a data set, whatever separates its words and however they are written.
pub(super) fn role(name: &str) -> Option<Role> {
    let name = name.to_ascii_lowercase();
    let stem = name.strip_suffix(".gz").unwrap_or(&name);
    let words: Vec<&str> = stem.split(['-', '.', '_', ' ']).filter(|word| !word.is_empty()).collect();
    let place = words.windows(2).position(|pair| part(pair[0]).is_some() && holds_labels(pair[1]).is_some())?;
    let file = 2 * part(words[place])? + usize::from(holds_labels(words[place + 1])?);
    let rest = &words[place + 2..];
    let certain = rest.iter().any(|word| is_idx(word)) && rest.iter().all(|word| is_idx(word) || is_known(word));
    Some(Role { file, set: words[..place].join("-"), stem: stem.to_owned(), certain })
}

fn part(word: &str) -> Option<usize> {
    match word {
        "train" | "training" => Some(0),
        "t10k" | "test" | "testing" => Some(1),
        _ => None,
    }
}

fn holds_labels(word: &str) -> Option<bool> {
    match word {
        "images" | "image" => Some(false),
        "labels" | "label" => Some(true),
        _ => None,
    }
}

/// `idx3`, `ubyte`
fn is_idx(word: &str) -> bool {
    word == "ubyte" || word.strip_prefix("idx").is_some_and(|rank| rank.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Other types of the format, and what is added to the name of a copy.
fn is_known(word: &str) -> bool {
    let number = word.strip_prefix('(').and_then(|word| word.strip_suffix(')'));
    ["byte", "short", "int", "float", "double", "copy"].contains(&word)
        || number.is_some_and(|it| it.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_understood_however_they_are_written() {
        for (name, file, set) in [
            ("train-images-idx3-ubyte", 0, ""),
            ("train-labels.idx1-ubyte.gz", 1, ""),
            ("T10K-IMAGES-IDX3-UBYTE.GZ", 2, ""),
            ("test_labels_idx1_ubyte", 3, ""),
            ("emnist-letters-train-images-idx3-ubyte.gz", 0, "emnist-letters"),
            ("qmnist-test-labels-idx2-int.gz", 3, "qmnist"),
            ("t10k-labels-idx1-ubyte (1).gz", 3, ""),
        ] {
            let role = role(name).unwrap();
            assert_eq!((role.file, role.set.as_str(), role.certain), (file, set, true), "{name}");
        }
        for name in ["train-images.npy", "train-images-idx3-ubyte.gz.part", "test_labels.csv"] {
            assert!(!role(name).unwrap().certain, "{name}");
        }
        for name in ["train.csv", "images-idx3-ubyte", "boot.png", "training-notes", "ubyte"] {
            assert_eq!(role(name), None, "{name}");
        }
    }
}
