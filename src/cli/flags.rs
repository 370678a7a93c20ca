//! Messages of the library in the command line's words. The library names fields and functions in backquotes, as in
//! "`batch_size` 0: nothing to train with"; here they become the flags and commands that set or call them.

/// What is not called as its field is: `batch_size` is --batch-size.
const OTHERS: [(&str, &str); 6] = [
    ("early_stopping.min_delta", "--min-delta"),
    ("early_stopping.baseline", "--baseline"),
    ("reduce_lr_on_plateau.factor", "--plateau-factor"),
    ("reduce_lr_on_plateau.min_delta", "--plateau-min-delta"),
    ("reduce_lr_on_plateau.min_lr", "--plateau-min-lr"),
    ("Network::tensors", "'gpu-fmnist export --help'"),
];

/// Fields whose flags are called alike.
const FIELDS: [&str; 24] = [
    "adapter",
    "batch_size",
    "count",
    "data_dir",
    "epochs",
    "folds",
    "init",
    "learning_rate",
    "micro_batch",
    "mlflow",
    "model",
    "monitor",
    "perplexity",
    "precision",
    "reduce_lr_on_plateau",
    "resume",
    "run_dir",
    "schedule",
    "set",
    "train_count",
    "tta",
    "validation_fraction",
    "vram_limit",
    "warm_up_epochs",
];

/// The message with flags for fields.
pub fn spelled(message: &str) -> String {
    let mut spelled = String::new();
    let mut rest = message;
    // What a path has between backquotes stays as it is, and may be followed by a field.
    while let Some((before, quoted)) = rest.split_once('`') {
        spelled += before;
        let named = fetch(quoted).or_else(|| {
            let (name, after) = quoted.split_once('`')?;
            Some((flag(name)?, after))
        });
        let (words, after) = named.unwrap_or_else(|| ("`".into(), quoted));
        spelled += &words;
        rest = after;
    }
    spelled + rest
}

/// The command for `fetch(FOLDER)`, and what follows it; the folder, as a shell takes it, may be called anything.
fn fetch(quoted: &str) -> Option<(String, &str)> {
    let (folder, after) = quoted.strip_prefix("fetch(")?.split_once(")`")?;
    let option = if folder.is_empty() { String::new() } else { format!(" --data-dir {folder}") };
    Some((format!("'gpu-fmnist data fetch{option}'"), after))
}

/// The flag or the command for a name of the library's.
fn flag(name: &str) -> Option<String> {
    if FIELDS.contains(&name) {
        return Some(format!("--{}", name.replace('_', "-")));
    }
    OTHERS.iter().find(|(known, _)| *known == name).map(|(_, flag)| (*flag).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Config;

    #[test]
    fn fields_become_flags_and_nothing_else_does() {
        let words = [
            ("`batch_size` 0: give `warm_up_epochs`", "--batch-size 0: give --warm-up-epochs"),
            ("`reduce_lr_on_plateau.factor` 2", "--plateau-factor 2"),
            ("delete it and run `fetch()`", "delete it and run 'gpu-fmnist data fetch'"),
            ("run `fetch(\"a b\")`", "run 'gpu-fmnist data fetch --data-dir \"a b\"'"),
            ("run `fetch('a`b')`; `model`", "run 'gpu-fmnist data fetch --data-dir 'a`b''; --model"),
            ("`batch_size: `model` x", "`batch_size: --model x"),
            ("a`b.toml: `nothing` known; give `model`", "a`b.toml: `nothing` known; give --model"),
            ("none", "none"),
            ("`", "`"),
        ];
        for (message, expected) in words {
            assert_eq!(spelled(message), expected);
        }
    }

    /// A field that the table lacks would be shown in backquotes.
    #[test]
    fn no_message_about_a_configuration_keeps_its_backquotes() {
        let changes: [fn(&mut Config); 6] = [
            |config| config.epochs = 0,
            |config| config.batch_size = 0,
            |config| config.batch_size = usize::MAX,
            |config| config.learning_rate = f64::NAN,
            |config| config.warm_up_epochs = 99,
            |config| config.epochs = usize::MAX,
        ];
        for change in changes {
            let mut config = Config::default();
            change(&mut config);
            let message = spelled(&config.check().unwrap_err().to_string());
            assert!(message.starts_with("--") && !message.contains('`'), "{message}");
        }
    }
}
