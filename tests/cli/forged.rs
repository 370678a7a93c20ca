//! Runs that someone else has written, or written over: whole files, with right checksums, that contradict the data, the
//! model or themselves. One line each, whatever reads them, and nothing written over.

use std::fs;
use std::path::PathBuf;

use gpu_fmnist::formats::{Checkpoint, Tensor};
use serde_json::{Value, json};

use crate::support::Scratch;

/// What is done to a checkpoint.
type Forgery = fn(&mut Value, &mut Vec<Tensor>);

/// A scratch folder with a run of two epochs, whose checkpoints a test may change.
struct Forged {
    scratch: Scratch,
    originals: Vec<(PathBuf, Checkpoint)>,
}

impl Forged {
    fn new() -> Self {
        let scratch = Scratch::new();
        scratch.train("--epochs 2 --run-dir run");
        let paths = ["last", "best"].map(|name| scratch.path(&format!("run/checkpoints/{name}.safetensors")));
        let originals = paths.map(|path| (path.clone(), Checkpoint::read(&path).unwrap())).into();
        Self { scratch, originals }
    }

    /// Writes the run's checkpoints with the change, and the SHA-256 of what they then say.
    fn change(&self, forge: Forgery) {
        for (path, original) in &self.originals {
            let mut checkpoint = original.clone();
            let mut about = serde_json::from_str(&checkpoint.about).unwrap();
            forge(&mut about, &mut checkpoint.tensors);
            checkpoint.about = about.to_string();
            fs::write(path, checkpoint.encode().unwrap()).unwrap();
        }
    }

    /// Each command fails with the code and one line that contains `part`, and leaves the run as it is.
    #[track_caller]
    fn refused(&self, forge: Forgery, commands: &[&str], code: i32, part: &str) {
        self.change(forge);
        let metrics = fs::read(self.scratch.path("run/metrics.csv")).unwrap();
        for command in commands {
            self.scratch.run(&format!("{command} --adapter cpu")).failed(code, part);
        }
        assert_eq!(fs::read(self.scratch.path("run/metrics.csv")).unwrap(), metrics);
    }
}

const BASELINE: &str = "baseline --learners centroid --run run";
const RESUME: &str = "train --resume run --epochs 3";
/// All that read a run's network and samples.
const COMMANDS: [&str; 5] = [BASELINE, "evaluate --run run", "predict --run run", "report run", RESUME];
/// Those that ask for its split, too.
const OF_THE_SPLIT: [&str; 4] = [BASELINE, "evaluate --run run --split validation", "report run", RESUME];

/// Cuts a tensor and its moments to the first of another shape's values.
fn cut(tensors: &mut [Tensor], name: &str, shape: &[usize]) {
    for tensor in tensors.iter_mut().filter(|tensor| tensor.name.starts_with(name)) {
        tensor.shape = shape.to_vec();
        tensor.values.truncate(shape.iter().product());
    }
}

/// A network for smaller images, with fewer classes, that says it was trained on this very data.
#[test]
fn a_network_that_does_not_fit_its_data_is_refused() {
    let forged = Forged::new();
    let smaller: Forgery = |about, tensors| {
        about["config"]["model"]["input"] = json!([6, 6, 1]);
        cut(tensors, "dense.kernel", &[16, 16]);
    };
    forged.refused(smaller, &COMMANDS, 3, "images are [8, 8, 1] [H, W, C], but model 'tiny' takes [6, 6, 1]");
    let fewer: Forgery = |about, tensors| {
        about["config"]["model"]["layers"][5]["units"] = json!(2);
        cut(tensors, "dense_1.kernel", &[16, 2]);
        cut(tensors, "dense_1.bias", &[2]);
    };
    forged.refused(fewer, &COMMANDS, 3, "beyond the 2 classes of model 'tiny'");
    let other: Forgery = |about, _| about["data"] = json!(["0", "1", "2", "3"]);
    forged.refused(other, &[BASELINE], 3, "not trained on the data set in");
    forged.refused(other, &[RESUME], 3, "not the data set that the run began with");
    let shape: Forgery = |_, tensors| cut(tensors, "dense.kernel", &[18, 16]);
    forged.refused(shape, &COMMANDS, 3, "dense.kernel has the shape [18, 16], the model's has [36, 16]");
    let huge: Forgery = |about, _| about["config"]["model"]["layers"][0]["filters"] = json!(1_u64 << 62);
    forged.refused(huge, &COMMANDS, 3, "filters is 4611686018427387904");
}

#[test]
fn progress_and_settings_that_cannot_be_are_refused() {
    let forged = Forged::new();
    let changes: [(Forgery, &[&str], &str); 12] = [
        (|about, _| about["config"]["batch_size"] = json!(u64::MAX), &COMMANDS, "too large"),
        (|about, _| about["config"]["batch_size"] = json!(1 << 24), &OF_THE_SPLIT, "does not fit the data"),
        (|about, _| about["config"]["fold"] = json!({ "number": 9, "folds": 3 }), &OF_THE_SPLIT, "fold 9 of 3"),
        (|about, _| about["config"]["fold"] = json!({ "number": 0, "folds": u64::MAX }), &OF_THE_SPLIT, "not possible"),
        (|about, _| about["config"]["validation_fraction"] = json!(-1e300), &OF_THE_SPLIT, "does not fit the data"),
        (|about, _| about["epoch"] = json!(u64::MAX), &COMMANDS, "history does not fit"),
        (|about, _| about["step"] = json!(u64::MAX), &[RESUME], "contradict each other"),
        (|about, _| about["time"] = json!(u32::MAX), &[RESUME], "contradict each other"),
        (|about, _| about["tally"]["hits"] = json!(u64::MAX), &COMMANDS, "more correct predictions than samples"),
        (|about, _| about["history"][0]["loss"] = Value::Null, &COMMANDS, "garbled"),
        (|about, _| about["learning_rate"] = json!(-1.0), &COMMANDS, "its learning rate"),
        (|about, _| about["restored"] = json!(true), &COMMANDS, "early stopping is impossible"),
    ];
    for (forge, commands, part) in changes {
        forged.refused(forge, commands, 3, part);
    }
}

#[test]
fn tiles_that_no_shader_could_have_are_refused() {
    fn tuned(about: &mut Value, product: &str, change: Value) {
        let mut cut = json!({
            "threads": [8, 8], "rows": 4, "columns": 4, "depth": 4, "share": 4, "stage_columns": true, "chains": 1,
            "keep": false,
        });
        cut.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        about["config"]["tiles"] = json!({ "table": "gpu", "tuned": { product: cut } });
    }
    const FIRST: &str = "conv_forward 32x8x8x1 * 3x3 -> 6x6x4 pool 2";
    let forged = Forged::new();
    let changes: [(Forgery, &str); 6] = [
        (|about, _| tuned(about, FIRST, json!({ "rows": 0 })), "its numbers are from 1 to 1024"),
        (|about, _| tuned(about, FIRST, json!({ "threads": [64, 64] })), "its numbers are from 1 to 1024"),
        (|about, _| tuned(about, FIRST, json!({ "rows": 1024, "columns": 1024 })), "at most 4096"),
        (|about, _| tuned(about, FIRST, json!({ "share": 3 })), "its threads per row divide its threads"),
        (|about, _| tuned(about, FIRST, json!({ "slots": 3 })), "has not so many partitions"),
        (
            |about, _| tuned(about, FIRST, json!({ "threads": [8, 2], "depth": 8, "matrix": 8 })),
            "matrix units multiply in f16, and the run's --precision is another",
        ),
    ];
    for (forge, part) in changes {
        forged.refused(forge, &COMMANDS, 3, part);
    }
}

#[test]
fn a_cross_validation_that_was_written_over_is_refused_or_trained_again() {
    let scratch = Scratch::new();
    scratch.succeed("kfold --model tiny.toml --adapter cpu --batch-size 32 --epochs 1 --folds 2 --run-dir run");
    let file = scratch.path("run/kfold.toml");
    let text = fs::read_to_string(&file).unwrap();
    for (from, to, part) in [
        ("[8, 8, 1]", "[6, 6, 1]", "images are [8, 8, 1]"),
        ("units = 4", "units = 2", "beyond the 2 classes"),
        ("folds = 2", "folds = 9223372036854775807", "its folds do not fit the data (--folds 9223372036854775807"),
        ("number = 0", "number = 5", "its folds do not fit the data (fold 5 of 2"),
        ("batch_size = 32", "batch_size = 4096", "its folds do not fit the data (--batch-size 4096"),
        ("data = [\"", "data = [\"0", "not the data set that the folds are of"),
    ] {
        assert!(text.contains(from), "no {from} in {text}");
        fs::write(&file, text.replacen(from, to, 1)).unwrap();
        scratch.run("kfold --resume run --adapter cpu").failed(3, part);
    }
    fs::write(&file, text).unwrap();
    let rows = fs::read_to_string(scratch.path("run/kfold.csv")).unwrap();
    let second = rows.lines().last().unwrap();
    for forged in ["2,inf,1,1,1,1,1,1", "2,NaN,1,1,1,1,1,1", "2,1", "7,1,1,1,1,1,1,1", "\u{0}"] {
        fs::write(scratch.path("run/kfold.csv"), rows.replace(second, forged)).unwrap();
        scratch.succeed("kfold --resume run --adapter cpu");
        let again = fs::read_to_string(scratch.path("run/kfold.csv")).unwrap();
        // All but the seconds.
        let figures = |row: &str| row.rsplit_once(',').unwrap().0.to_owned();
        assert_eq!(figures(again.lines().last().unwrap()), figures(second), "{forged}");
    }
}

/// What evaluates takes a micro-batch at a time: it needs no memory for a batch that no one could train.
#[test]
fn a_huge_batch_takes_no_memory_to_evaluate() {
    let forged = Forged::new();
    let before = forged.scratch.succeed("predict --run run --adapter cpu").stdout;
    forged.change(|about, _| about["config"]["batch_size"] = json!(1 << 24));
    assert_eq!(forged.scratch.succeed("predict --run run --adapter cpu").stdout, before);
}

/// Other names for what is not there, in files beside the checkpoint.
#[test]
fn garbage_beside_a_checkpoint_ends_nothing() {
    let forged = Forged::new();
    let scratch = &forged.scratch;
    for garbage in ["\u{0}\u{1}", "epoch,loss\n1,inf,NaN,1e999,-1,,1e308\n", &"9,".repeat(100_000)] {
        for name in ["metrics.csv", "train.log", "config.toml", "environment.json"] {
            fs::write(scratch.path("run").join(name), garbage).unwrap();
        }
        scratch.succeed("evaluate --run run --data-dir data --adapter cpu");
        let report = scratch.run("report run --data-dir data --adapter cpu");
        assert!(matches!(report.code, Some(0 | 3)), "{report:?}");
        scratch.succeed("train --resume run --data-dir data --adapter cpu --no-report");
    }
}

/// A terabyte that takes no room on the disk.
#[test]
fn files_of_a_run_that_became_huge_are_refused_and_left_alone() {
    let forged = Forged::new();
    let scratch = &forged.scratch;
    scratch.succeed("kfold --model tiny.toml --adapter cpu --batch-size 32 --epochs 1 --folds 2 --run-dir folds");
    let (resume, kfold) = (format!("{RESUME} --adapter cpu"), "kfold --resume folds --adapter cpu");
    let (report, evaluate) = ("report run --adapter cpu", "evaluate --run run --adapter cpu");
    let baseline = format!("{BASELINE} --adapter cpu");
    for (name, commands) in [
        ("run/metrics.csv", &["plot run", report, &baseline, &resume][..]),
        ("run/train.log", &[&resume]),
        ("run/config.toml", &[evaluate, report, &resume]),
        ("run/environment.json", &[report]),
        ("folds/kfold.toml", &[kfold]),
        ("folds/kfold.csv", &[kfold]),
    ] {
        let path = scratch.path(name);
        let original = fs::read(&path).unwrap();
        fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        for command in commands {
            scratch.run(command).failed(3, &format!("{name}: cannot be read (larger than the 64 MB that are read"));
        }
        assert_eq!(path.metadata().unwrap().len(), 1 << 40, "{name}");
        fs::write(path, original).unwrap();
    }
    scratch.succeed(&resume);
    scratch.succeed(kfold);
    scratch.run("plot data").failed(3, "data: the folder of a data set, not the folder of a run; give");
}
