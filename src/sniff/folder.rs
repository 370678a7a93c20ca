//! Kinds of folders, by what is in them.

use std::path::Path;

use super::kinds::{Kind, SAVE_WHOLE, always, network, other};

pub(super) const SAVED_MODEL: &str =
    "load its folder in Python with tf_keras.models.load_model, and save the model as .h5";

/// What the folder at `path` is.
pub fn folder(path: &Path) -> Kind {
    let has = |name: &str| path.join(name).exists();
    let ends = |ending: &str| {
        let names = path.read_dir().into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.take(1000).any(|name| name.to_string_lossy().ends_with(ending))
    };
    match () {
        () if has("saved_model.pb") || has("variables/variables.index") => {
            network("a SavedModel (a folder with saved_model.pb)", SAVED_MODEL)
        }
        () if has("config.json") && has("model.weights.h5") => {
            always("the folder of an unpacked .keras file", "zip what is in it again (zip -0 ../model.keras *)")
        }
        () if has("kfold.toml") => always("the folder of a cross-validation", "give the folder of one fold in it"),
        () if has("checkpoints") && has("config.toml") => other("the folder of a run"),
        () if has("model.json") && ends(".bin") => {
            network("a TensorFlow.js model (a folder with model.json)", "give its model.json to tensorflowjs_converter")
        }
        () if ends(".index") && has("checkpoint") => network("a folder of TensorFlow checkpoints", SAVE_WHOLE),
        () if has("Manifest.json") && has("Data") || has("coremldata.bin") => {
            network("a Core ML model (a folder)", "save the model that it was converted from as .keras or .h5")
        }
        () if ends("-ubyte") || ends("-ubyte.gz") => other("the folder of a data set"),
        () if path.read_dir().is_ok_and(|mut entries| entries.next().is_none()) => other("an empty folder"),
        () => other("a folder"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::folder;

    #[test]
    fn folders_are_told_apart() {
        for (names, expected) in [
            (&[][..], "an empty folder"),
            (&["anything"], "a folder"),
            (&["saved_model.pb"], "a SavedModel (a folder with saved_model.pb)"),
            (&["config.json", "model.weights.h5"], "the folder of an unpacked .keras file"),
            (&["model.json", "group1-shard1of1.bin"], "a TensorFlow.js model (a folder with model.json)"),
            (&["checkpoint", "ckpt-1.index"], "a folder of TensorFlow checkpoints"),
            (&["train-images-idx3-ubyte.gz"], "the folder of a data set"),
        ] {
            let scratch = tempfile::tempdir().unwrap();
            for name in names {
                fs::write(scratch.path().join(name), b"").unwrap();
            }
            assert_eq!(folder(scratch.path()).name, expected);
        }
    }
}
