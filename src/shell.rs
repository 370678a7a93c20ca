//! Words as a shell takes them.

use std::ffi::OsStr;

/// The word in one line, quoted where need be. One that is no text, or not of one line, is spelled with escapes: `$'data\377'`.
pub fn quoted(word: &OsStr) -> String {
    match word.to_str().filter(|text| !text.contains(char::is_control)).map(shlex::try_quote) {
        Some(Ok(quoted)) => quoted.into_owned(),
        _ => escaped(word),
    }
}

fn escaped(word: &OsStr) -> String {
    let letter = |letter: char| match letter {
        '\'' | '\\' => format!("\\{letter}"),
        '\0'..=' ' | '\x7f' => format!("\\{:03o}", u32::from(letter)),
        _ => letter.to_string(),
    };
    let chunks = word.as_encoded_bytes().utf8_chunks();
    let spelled = chunks.flat_map(|chunk| {
        let bytes = chunk.invalid().iter().map(|byte| format!("\\{byte:03o}"));
        chunk.valid().chars().map(letter).chain(bytes).collect::<Vec<String>>()
    });
    format!("$'{}'", spelled.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_need_be() {
        for (word, expected) in [
            ("runs/cnn1-1", "runs/cnn1-1"),
            ("my run", "'my run'"),
            ("it's", "\"it's\""),
            ("two\nlines 'of' a\\b", r"$'two\012lines\040\'of\'\040a\\b'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(OsStr::new(word)), expected);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_word_that_is_no_text_keeps_its_bytes() {
        use std::os::unix::ffi::OsStrExt;

        assert_eq!(quoted(OsStr::from_bytes(b"d\xffta ")), r"$'d\377ta\040'");
    }
}
