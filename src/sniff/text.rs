//! Kinds of text.

use super::kinds::{self, DOWNLOAD, Kind, SAVE_WHOLE, TOML, always, arrays, contains, head, network, other, picture};

/// How much of a text is looked at.
const HEAD: usize = 1 << 13;

const TO_KERAS: &str =
    "convert it: tensorflowjs_converter --input_format tfjs_layers_model --output_format keras model.json model.h5";

pub(super) fn kind(bytes: &[u8]) -> Option<Kind> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return utf_16(bytes);
    }
    let whole = bytes.len() <= HEAD;
    let start = head(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes), HEAD);
    // Whatever its encoding, a text has no such bytes.
    if start.iter().any(|&byte| byte < b' ' && !b"\t\n\r\x0c\x1b".contains(&byte) || byte == 0x7f) {
        return None;
    }
    // A letter may be cut.
    let is_utf_8 = std::str::from_utf8(start).map_or_else(|error| !whole && error.error_len().is_none(), |_| true);
    let text = start.to_ascii_lowercase();
    let text = text.trim_ascii_start();
    let begins = |with: &str| text.starts_with(with.as_bytes());
    let has = |part: &str| contains(text, part.as_bytes());
    Some(match () {
        () if begins("<!doctype html") || begins("<html") || begins("<head") || begins("<!--") && has("<html") => {
            always("a web page (HTML), as a failed download leaves it", DOWNLOAD)
        }
        () if has("<svg") && begins("<") => picture("an SVG drawing"),
        () if begins("<?xml") || begins("<error") => {
            always("an XML text, as servers answer instead of a file", DOWNLOAD)
        }
        () if begins("version https://git-lfs") => {
            always("a Git LFS pointer, in place of the file itself", "run 'git lfs pull' in its repository")
        }
        () if has("/annex/objects/") && text.len() < 1024 => {
            always("a git-annex pointer, in place of the file itself", "run 'git annex get' in its repository")
        }
        () if begins("model_checkpoint_path:") => network("the list of TensorFlow checkpoints", SAVE_WHOLE),
        () if begins("{") || begins("[{") || begins("[[") && !has("[[layers]]") || begins("[\"") => json(text),
        () if begins("[[layers]]") || has("\n[[layers]]") || begins("input =") || has("\ninput =") => kinds::text(TOML),
        () if is_table(text) => arrays("a table as text (CSV)"),
        () if !is_utf_8 => return None,
        () => kinds::text("a text file"),
    })
}

fn utf_16(bytes: &[u8]) -> Option<Kind> {
    let pairs = head(bytes, HEAD).chunks_exact(2);
    let plain = pairs.clone().filter(|pair| pair.contains(&0)).count();
    (2 * plain > pairs.len()).then_some(other("a text file in UTF-16"))
}

/// JSON, as far as its start tells.
fn json(text: &[u8]) -> Kind {
    let has = |key: &str| contains(text, key.as_bytes());
    match () {
        () if has("\"modeltopology\"") || has("\"weightsmanifest\"") => {
            network("a TensorFlow.js model (model.json)", TO_KERAS)
        }
        () if has("\"class_name\"") && has("\"config\"") => {
            network("the layers of a Keras model without their weights (JSON)", SAVE_WHOLE)
        }
        () if has("\"nbformat\"") || has("\"cell_type\"") => other("a Jupyter notebook"),
        () => other("a JSON text"),
    }
}

/// Whether the first two lines, or the only one, have as many separators.
fn is_table(text: &[u8]) -> bool {
    let count = |line: &[u8], separator| line.iter().filter(|&&byte| byte == separator).count();
    b",;\t".iter().any(|&separator| {
        let mut lines = text.split(|&byte| byte == b'\n').take(2);
        let first = lines.next().map_or(0, |line| count(line, separator));
        first >= 2 && lines.next().is_none_or(|line| line.is_empty() || count(line, separator) == first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart() {
        for (text, name) in [
            ("\n<!DOCTYPE html><html>", "a web page (HTML), as a failed download leaves it"),
            ("<?xml version=\"1.0\"?><Error><Code>AccessDenied", "an XML text, as servers answer instead of a file"),
            ("<?xml version=\"1.0\"?>\n<svg xmlns", "an SVG drawing"),
            ("version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer, in place of the file itself"),
            ("{\"format\": \"layers-model\", \"modelTopology\": {}}", "a TensorFlow.js model (model.json)"),
            ("{\"message\": \"Not Found\"}", "a JSON text"),
            ("label,pixel1,pixel2\n1,2,3\n", "a table as text (CSV)"),
            ("1\t2\t3", "a table as text (CSV)"),
            ("input = [28, 28, 1]\n[[layers]]", "a model's TOML file, which has no weights"),
            ("# Read me, please\n", "a text file"),
        ] {
            assert_eq!(kind(text.as_bytes()).map(|kind| kind.name), Some(name), "{text}");
        }
        let long = [b"x".repeat(HEAD - 1).as_slice(), "ä and more".as_bytes()].concat();
        assert_eq!(kind(&long), Some(kinds::text("a text file")));
        assert_eq!(kind(b"caf\xe9 and more"), None);
        assert_eq!(kind(b"\xff\xfet\0e\0x\0t\0"), Some(other("a text file in UTF-16")));
    }
}
