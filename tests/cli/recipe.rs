//! What a model file says of its training, `--set`, and flags: which of them counts, what a run keeps of it, and that it
//! is what is trained.

use std::fs;

use gpu_fmnist::formats::Checkpoint;
use serde_json::{Value, json};

use crate::support::{MODEL, Scratch};

/// 240 samples to train with are seven whole batches of 32 and a smaller one.
const RECIPE: &str = "
[training]
epochs = 3
batch_size = 32

[schedule]
type = \"triangular\"
learning_rate = 0.01
warm_up = 0.25
final = 0.1
";

const TRAIN: &str = "train --model recipe.toml --adapter cpu --no-report";

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    fs::write(scratch.path("recipe.toml"), format!("{MODEL}{RECIPE}")).unwrap();
    scratch
}

/// What a run's checkpoint says.
fn about(scratch: &Scratch, run: &str) -> Value {
    let path = scratch.path(run).join("checkpoints/last.safetensors");
    serde_json::from_str(&Checkpoint::read(&path).unwrap().about).unwrap()
}

fn config(scratch: &Scratch, run: &str) -> Value {
    about(scratch, run)["config"].clone()
}

/// A column of the run's metrics.
fn column(scratch: &Scratch, run: &str, name: &str) -> Vec<f64> {
    let mut table = csv::Reader::from_path(scratch.path(run).join("metrics.csv")).unwrap();
    let place = table.headers().unwrap().iter().position(|heading| heading == name).unwrap();
    table.records().map(|row| row.unwrap()[place].parse().unwrap()).collect()
}

#[test]
fn flags_go_before_the_file_and_settings_before_both() {
    let scratch = scratch();
    let of = |name: &str, options: &str| {
        scratch.succeed(&format!("{TRAIN} --run-dir {name} {options}"));
        let config = config(&scratch, name);
        ["epochs", "batch_size", "learning_rate", "validation_fraction"].map(|key| config[key].clone())
    };
    let values = |epochs: usize, batch: usize, rate: f64, fraction: f64| {
        [json!(epochs), json!(batch), json!(rate), json!(fraction)]
    };
    assert_eq!(of("file", ""), values(3, 32, 0.01, 0.2));
    let flags = "--epochs 2 --batch-size 24 --learning-rate 0.002 --validation-fraction 0.5";
    assert_eq!(of("flags", flags), values(2, 24, 0.002, 0.5));
    let set = "--set training.epochs=1 --set training.batch_size=16 --set schedule.learning_rate=0.005 \
               --set training.validation_fraction=0.25";
    assert_eq!(of("set", set), values(1, 16, 0.005, 0.25));
    assert_eq!(of("both", &format!("{flags} {set}")), values(1, 16, 0.005, 0.25));
    assert_eq!(of("one", &format!("{flags} --set training.epochs=1")), values(1, 24, 0.002, 0.5));
    // Without a file, too.
    scratch.succeed("train --model tiny.toml --adapter cpu --no-report --set training.epochs=1 -q --run-dir tiny");
    assert_eq!(column(&scratch, "tiny", "epoch"), [1.0]);
}

#[test]
fn the_schedule_is_the_files_the_flags_or_the_settings() {
    let scratch = scratch();
    let schedule = |name: &str, options: &str| {
        scratch.succeed(&format!("{TRAIN} --run-dir {name} {options}"));
        let config = config(&scratch, name);
        (config["schedule"].clone(), config["warm_up_epochs"].clone())
    };
    let triangular = json!({ "type": "triangular", "warm_up": 0.25, "final": 0.1 });
    assert_eq!(schedule("file", ""), (triangular, json!(0)));
    // 24 steps: six of them warm up, and each epoch ends after eight more.
    let rate = |step: f64| 0.01 * (0.1 + 0.9 * (1.0 - (step - 6.0) / 18.0));
    for (rate, expected) in column(&scratch, "file", "learning_rate").into_iter().zip([8.0, 16.0, 24.0].map(rate)) {
        assert!((rate - expected).abs() < 1e-15, "{rate}, not {expected}");
    }
    assert_eq!(schedule("flag", "--schedule cosine --warm-up-epochs 1"), (json!("cosine"), json!(1)));
    assert_eq!(schedule("constant", "--schedule constant --warm-up-epochs 2"), (json!("constant"), json!(2)));
    let cosine = json!({ "type": "cosine", "warm_up": 0.5, "final": 0.1 });
    let set = "--set schedule.type=cosine --set schedule.warm_up=0.5";
    assert_eq!(schedule("set", set), (cosine.clone(), json!(0)));
    let flags = "--schedule constant --warm-up-epochs 2";
    assert_eq!(schedule("both", &format!("{flags} {set}")), (cosine, json!(0)));
    let plain = "--set schedule.type=constant --set schedule.warm_up=0";
    assert_eq!(schedule("plain", plain), (json!("constant"), json!(0)));
    let steps = "--set schedule.type=steps --set schedule.warm_up=0 \
                 --set schedule.boundaries=[0.4] --set schedule.factors=[0.5]";
    scratch.succeed(&format!("{TRAIN} --run-dir steps {steps}"));
    assert_eq!(column(&scratch, "steps", "learning_rate"), [0.01, 0.005, 0.005]);

    for (options, part) in [
        (
            "--warm-up-epochs 1",
            "--warm-up-epochs 1: the model file's schedule has a warm-up of its own; give --schedule",
        ),
        ("--schedule cosine --set schedule.warm_up=0.1", "--set schedule.warm_up: of no use to --schedule, which is"),
        (
            "--reduce-lr-on-plateau",
            "--reduce-lr-on-plateau: --schedule triangular sets the learning rate already; give",
        ),
        ("--schedule triangular", "invalid value 'triangular'"),
    ] {
        let ended = scratch.run(&format!("{TRAIN} {options}"));
        assert!(ended.code == Some(2) && ended.stderr.contains(part), "no '{part}' in: {ended:?}");
    }
}

#[test]
fn what_is_not_a_whole_batch_is_left_out_where_it_is_asked_for() {
    let scratch = scratch();
    let run = |name: &str, options: &str| {
        let ended = scratch.succeed(&format!("{TRAIN} --epochs 2 --run-dir {name} {options}"));
        let (about, line) = (about(&scratch, name), ended.stderr.lines().find(|line| line.starts_with("Epoch 2/2: ")));
        (about["time"].as_u64().unwrap(), line.unwrap()["Epoch 2/2: ".len()..].split(' ').next().unwrap().to_owned())
    };
    assert_eq!(run("kept", ""), (16, "8/8".into()));
    assert_eq!(run("dropped", "--set training.drop_remainder=true"), (14, "7/7".into()));
    // A batch of all of them, or no remainder: nothing is left out.
    assert_eq!(run("whole", "--set training.drop_remainder=true --batch-size 240"), (2, "1/1".into()));
    assert_eq!(run("even", "--set training.drop_remainder=true --batch-size 60"), (8, "4/4".into()));
    // What is left out is another part in each epoch, and counts in no figure of it.
    let samples = |name: &str| column(&scratch, name, "accuracy").into_iter().map(|part| part * 224.0);
    for hits in samples("dropped") {
        assert!((hits - hits.round()).abs() < 1e-9, "{hits} of 224");
    }
    scratch.succeed("train --resume dropped --epochs 3 --adapter cpu");
    assert_eq!(about(&scratch, "dropped")["time"], 21);
}

#[test]
fn a_run_records_all_of_its_recipe_and_the_report_shows_it() {
    let scratch = scratch();
    scratch
        .succeed(&format!("{TRAIN} --epochs 1 --set optimizer.beta_1=0.8 --set layers.dropout.rate=0.5 --run-dir run"));
    let file: toml::Table = fs::read_to_string(scratch.path("run/config.toml")).unwrap().parse().unwrap();
    assert_eq!(file["optimizer"]["beta_1"].as_float(), Some(0.8));
    assert_eq!(file["schedule"]["warm_up"].as_float(), Some(0.25));
    assert_eq!(file["model"]["layers"][4]["rate"].as_float(), Some(0.5));
    for key in ["loss", "augmentation", "drop_remainder", "average", "validation_fraction"] {
        assert!(file.contains_key(key), "no {key}");
    }
    let config = config(&scratch, "run");
    assert_eq!((&config["optimizer"]["type"], &config["optimizer"]["beta_1"]), (&json!("adam"), &json!(0.8)));
    scratch.succeed("report run --adapter cpu");
    let report = fs::read_to_string(scratch.path("run/report.html")).unwrap();
    for (key, value) in
        [("schedule.type", "&#34;triangular&#34;"), ("schedule.final", "0.1"), ("optimizer.beta_1", "0.8")]
    {
        assert!(report.contains(&format!("<th scope=\"row\">{key}</th><td class=\"left\">{value}</td>")), "{key}");
    }
    // Another first moment is another network.
    scratch.succeed(&format!("{TRAIN} --epochs 1 --set layers.dropout.rate=0.5 --run-dir other"));
    assert!(column(&scratch, "run", "loss") != column(&scratch, "other", "loss"), "beta_1 plays no part");
}

#[test]
fn a_resumed_run_takes_no_settings() {
    let scratch = scratch();
    scratch.succeed(&format!("{TRAIN} --epochs 1 --run-dir run"));
    scratch.succeed("kfold --model recipe.toml --adapter cpu --epochs 1 --folds 2 --run-dir folds");
    for command in ["train --resume run", "kfold --resume folds"] {
        let ended = scratch.run(&format!("{command} --adapter cpu --set training.epochs=5"));
        let part = "error: the argument '--resume <RUN>' cannot be used with '--set <KEY=VALUE>'";
        assert!(ended.code == Some(2) && ended.stderr.starts_with(part), "{command}: {ended:?}");
    }
}

#[test]
fn folds_follow_the_recipe() {
    let scratch = scratch();
    let kfold = "kfold --model recipe.toml --adapter cpu --folds 2";
    scratch.succeed(&format!("{kfold} --set training.drop_remainder=true --run-dir folds"));
    let config = config(&scratch, "folds/fold-2");
    assert_eq!((&config["epochs"], &config["schedule"]["type"]), (&json!(3), &json!("triangular")));
    // Of 150 samples, four batches of 32.
    assert_eq!(about(&scratch, "folds/fold-1")["time"], 12);
    // Whatever the file holds out, a fold is what validates.
    fs::write(scratch.path("none.toml"), format!("{MODEL}\n[training]\nvalidation_fraction = 0\nepochs = 1")).unwrap();
    scratch.succeed("kfold --model none.toml --adapter cpu --folds 2 --run-dir none");
    scratch
        .run(&format!("{kfold} --set training.validation_fraction=0.5"))
        .failed(2, "of no use to folds; give --folds");
}

#[test]
fn all_that_takes_a_model_takes_its_recipe_and_settings() {
    let scratch = scratch();
    let set = "--set layers.dense.units=8 --set training.batch_size=24";
    let summary = scratch.succeed(&format!("summary --model recipe.toml {set}")).stdout;
    assert!(summary.contains("(None, 8)"), "{summary}");
    let measure = |arguments: &str| scratch.succeed(&format!("{arguments} --adapter cpu --json")).json().remove(0);
    let profile = measure("profile --model recipe.toml --steps 2");
    assert_eq!(profile["batch_size"], 32);
    assert_eq!(measure(&format!("profile --model recipe.toml --steps 2 {set}"))["batch_size"], 24);
    let bench = measure("bench --model recipe.toml,tiny.toml --steps 2 --repeats 5");
    let batches: Vec<&Value> =
        bench["results"].as_array().unwrap().iter().map(|result| &result["batch_size"]).collect();
    assert_eq!((batches, &bench["batch_size"]), (vec![&json!(32), &json!(512)], &Value::Null));
    let bench = measure("bench --model recipe.toml,tiny.toml --batch-size 16 --steps 2 --repeats 5");
    assert_eq!(bench["batch_size"], 16);
    let shaders = scratch.succeed(&format!("shaders --model recipe.toml {set}")).stdout;
    assert!(shaders.contains("conv_forward 24x8x8x1 * 3x3 -> 6x6x4"), "{shaders}");
    let problem = "recipe.toml with --set layers.dense.unit=8: layer 4 (dense): unknown key \"unit\" (did you mean";
    for command in ["summary", "bench", "profile", "tune", "kfold", "train", "shaders"] {
        scratch.run(&format!("{command} --model recipe.toml --set layers.dense.unit=8")).failed(2, problem);
    }
}

/// A network's file has no recipe, but its layers can be given other values.
#[test]
fn a_network_that_was_read_takes_settings() {
    let scratch = scratch();
    scratch.succeed(&format!("{TRAIN} --epochs 1 --run-dir run"));
    scratch.succeed("export run -o net.onnx");
    let train = "train --init net.onnx --adapter cpu --no-report";
    scratch.succeed(&format!("{train} --set training.epochs=1 --set layers.dropout.rate=0.75 --run-dir again"));
    let config = config(&scratch, "again");
    assert_eq!(
        (&config["epochs"], &config["batch_size"], &config["schedule"]),
        (&json!(1), &json!(240), &json!("constant"))
    );
    assert_eq!(config["model"]["layers"][4]["rate"], 0.75);
    let units = "net.onnx: dense.kernel has the shape [36, 16], the model's has [36, 8]";
    scratch.run(&format!("{train} --set layers.dense.units=8")).failed(3, units);
}

/// What validation, `best`, `evaluate` and exports take is the average; training goes on with the weights.
#[test]
fn a_run_with_averages_is_judged_by_them() {
    let scratch = scratch();
    let averaged = "--set optimizer.type=sgd --set optimizer.momentum=0.9 --set optimizer.ema_momentum=0.95";
    let losses = |run: &str, options: &str| {
        scratch.succeed(&format!("{TRAIN} --set schedule.learning_rate=0.1 --run-dir {run} {averaged} {options}"));
        (column(&scratch, run, "loss"), column(&scratch, run, "val_loss"))
    };
    let ((trained, validated), (same, plain)) = (losses("run", ""), losses("plain", "--set training.average=false"));
    assert_eq!(trained, same);
    assert!(validated.iter().zip(&plain).all(|(averaged, plain)| averaged != plain), "{validated:?} {plain:?}");
    assert_eq!([&config(&scratch, "run")["average"], &config(&scratch, "plain")["average"]], [true, false]);
    let evaluate = |what: &str, split: &str| {
        let ended = scratch.succeed(&format!("evaluate --run {what} --adapter cpu --json {split}"));
        ended.json()[0]["loss"].as_f64().unwrap()
    };
    let near = |one: f64, other: f64| assert!((one - other).abs() < 1e-6, "{one}, not {other}");
    for (run, validated) in [("run", validated), ("plain", plain)] {
        near(evaluate(run, "--split validation"), validated[2]);
        let tested = evaluate(run, "");
        near(evaluate(&format!("{run}/checkpoints/last.safetensors"), ""), tested);
        for file in ["net.onnx", "net.keras", "net.h5", "net.safetensors"] {
            scratch.succeed(&format!("export run -o {file}").replace("run", run));
            near(evaluate(file, ""), tested);
        }
    }
    // Nothing of it is lost in a run that goes on.
    scratch.succeed(&format!("{TRAIN} --set schedule.learning_rate=0.1 --run-dir begun {averaged} --epochs 2"));
    scratch.succeed("train --resume begun --epochs 4 --adapter cpu");
    scratch.succeed("train --resume run --epochs 4 --adapter cpu");
    let weights = Checkpoint::read(&scratch.path("run/checkpoints/last.safetensors")).unwrap().tensors;
    let of = |name: &str| &weights.iter().find(|tensor| tensor.name == name).unwrap().values;
    assert_ne!(of("dense.kernel"), of("dense.kernel.average"));
    assert_eq!(of("dense.kernel").len(), of("dense.kernel.velocity").len());
}

#[test]
fn the_best_epochs_averages_come_back_and_the_run_goes_on_without_them() {
    let scratch = Scratch::new();
    let options = "--learning-rate 0.02 --early-stopping --min-delta 0.02 --restore-best-weights --patience 3 \
                   --set optimizer.ema_momentum=0.5 --set loss.label_smoothing=0.1";
    let ended = scratch.train(&format!("{options} --epochs 60 --run-dir run"));
    let best = ended
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("Restoring model weights from the end of the best epoch: "));
    let best: usize = best.expect("no best epoch").trim_end_matches('.').parse().unwrap();
    let losses = column(&scratch, "run", "val_loss");
    assert!(best < losses.len());
    let validation = "evaluate --run run --split validation --adapter cpu --json";
    assert_eq!(scratch.succeed(validation).json()[0]["loss"], losses[best - 1]);
    let epochs = losses.len() + 2;
    scratch.succeed(&format!("train --resume run --patience 5 --epochs {epochs} --adapter cpu"));
    scratch.train(&format!("{options} --patience 5 --epochs {epochs} --run-dir patient").replace("--patience 3 ", ""));
    assert!(scratch.last("run") == scratch.last("patient"), "the runs differ");
}

#[test]
fn augmentation_and_smoothing_are_the_files_the_flags_or_the_settings() {
    let scratch = scratch();
    let sections = "[augmentation]\nflip = \"horizontal\"\ncutout = 3\n[loss]\nlabel_smoothing = 0.2\n";
    fs::write(scratch.path("recipe.toml"), format!("{MODEL}{RECIPE}{sections}")).unwrap();
    let run = |name: &str, options: &str| {
        scratch.succeed(&format!("{TRAIN} --epochs 1 --run-dir {name} {options}"));
        let config = config(&scratch, name);
        let keys = ["flip", "shift", "cutout"].map(|key| config["augmentation"][key].clone());
        (keys, config["loss"]["label_smoothing"].as_f64().unwrap())
    };
    let of = |flip: &str, shift: u32, cutout: u32| [json!(flip), json!(shift), json!(cutout)];
    assert_eq!(run("file", ""), (of("horizontal", 0, 3), 0.2));
    assert_eq!(run("flag", "--augment shift=1"), (of("none", 1, 0), 0.2));
    let set = "--set augmentation.cutout=2 --set loss.label_smoothing=0";
    assert_eq!(run("set", set), (of("horizontal", 0, 2), 0.0));
    assert_eq!(run("both", &format!("--augment shift=1,cutout=1 {set}")), (of("none", 1, 2), 0.0));
    // Each of them trains another network, and a smoothed loss is the larger one.
    let loss = |name: &str| column(&scratch, name, "val_loss")[0];
    assert!(loss("file") != loss("flag") && loss("set") != loss("both") && loss("set") < loss("file"));
    let shift = "[augmentation]: shift is 8: moves images of 8 x 8 away; give at most 7";
    for options in ["--augment shift=8", "--set augmentation.shift=8"] {
        scratch.run(&format!("{TRAIN} {options}")).failed(2, shift);
    }
}
