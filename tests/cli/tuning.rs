//! `tune`, its cache, and how runs take and keep tiles.

use std::fs;

use gpu_fmnist::formats::Checkpoint;
use serde_json::{Value, json};

use crate::skips::skip;
use crate::support::{Ended, Scratch, ended};

/// Two products, so that tuning takes seconds.
const SMALL: &str = "input = [8, 8, 1]\nlayers = [{ type = \"flatten\" }, { type = \"dense\", units = 4 }]\n";
const FORWARD: &str = "conv_forward 32x64 -> 4";

/// A scratch folder with the small model, and the cache in `cache`.
fn scratch() -> Scratch {
    let scratch = Scratch::new();
    fs::write(scratch.path("small.toml"), SMALL).unwrap();
    scratch
}

/// Runs the program on the first adapter.
fn run(scratch: &Scratch, arguments: &str) -> Ended {
    let mut command = scratch.on_the_tests_driver(&format!("{arguments} --adapter 0"));
    // Of wider vectors software Vulkan has no matrix units that work.
    command.env("LP_NATIVE_VECTOR_WIDTH", "256");
    ended(command.env("GPU_FMNIST_CACHE", scratch.path("cache")).output().unwrap())
}

#[track_caller]
fn succeed(scratch: &Scratch, arguments: &str) -> Ended {
    run(scratch, arguments).succeeded(arguments)
}

#[track_caller]
fn train(scratch: &Scratch, arguments: &str) -> Ended {
    succeed(scratch, &format!("train --model small.toml --batch-size 32 {arguments}"))
}

fn tune(scratch: &Scratch, arguments: &str) -> Ended {
    succeed(scratch, &format!("tune --model small.toml --batch-size 32 {arguments}"))
}

fn cache(scratch: &Scratch) -> String {
    fs::read_to_string(scratch.path("cache/tiles.toml")).unwrap()
}

/// What a checkpoint says of its run's tiles.
fn tiles(scratch: &Scratch, run: &str) -> Value {
    let checkpoint = Checkpoint::read(&scratch.path(run).join("checkpoints/last.safetensors")).unwrap();
    serde_json::from_str::<Value>(&checkpoint.about).unwrap()["config"]["tiles"].clone()
}

/// Makes the forward product's tile in the cache the table's with other chains: whether a tile wins is up to the clock.
fn keep_another_tile(scratch: &Scratch, measured: &Value) -> Value {
    let mut tile = measured["products"][0]["table"]["tile"].clone();
    tile["chains"] = Value::from(3);
    keep(scratch, None, &[FORWARD], &tile);
    tile
}

/// Puts a tile for these products into the cache, for runs of that precision.
fn keep(scratch: &Scratch, precision: Option<&str>, products: &[&str], tile: &Value) {
    let mut file: toml::Table = cache(scratch).parse().unwrap();
    let mut kept = toml::Table::try_from(tile).unwrap();
    kept.insert("milliseconds".into(), 1.0.into());
    kept.insert("table_milliseconds".into(), 2.0.into());
    let products: toml::Table = products.iter().map(|product| (product.to_string(), kept.clone().into())).collect();
    let entries = file["adapter"].as_array_mut().unwrap();
    let own = entries.iter_mut().find(|entry| entry.get("precision").and_then(toml::Value::as_str) == precision);
    own.unwrap().as_table_mut().unwrap().insert("products".into(), products.into());
    fs::write(scratch.path("cache/tiles.toml"), file.to_string()).unwrap();
}

#[test]
fn a_run_takes_tuned_tiles_and_keeps_them() {
    let scratch = scratch();
    let tuned = tune(&scratch, "--json");
    assert!(tuned.stderr.contains("better tiles for "), "{tuned:?}");
    let measured = &tuned.json()[0];
    let products = measured["products"].as_array().unwrap();
    assert_eq!((products.len(), &products[0]["product"]), (2, &FORWARD.into()));
    for product in products {
        assert!(product["table"]["milliseconds"].as_f64().unwrap() > 0.0, "{product}");
        assert!(product["candidates"].as_u64() > product["dropped"].as_u64(), "{product}");
    }
    let file: toml::Table = cache(&scratch).parse().unwrap();
    assert_eq!(file["adapter"][0]["name"].as_str(), measured["adapter"].as_str());
    let winners = products.iter().filter(|product| !product["best"].is_null()).count();
    assert_eq!(file["adapter"][0].get("products").map_or(0, |kept| kept.as_table().unwrap().len()), winners);

    let tile = keep_another_tile(&scratch, measured);
    let said = train(&scratch, "--epochs 3 --run-dir whole -v").stderr;
    assert!(said.contains("tiles: tuned for 1 of 2 products (") && said.contains(", 1 tuned; "), "{said}");
    train(&scratch, "--epochs 1 --run-dir parts");
    assert_eq!(tiles(&scratch, "parts")["tuned"][FORWARD], tile);
    let config: toml::Table = fs::read_to_string(scratch.path("parts/config.toml")).unwrap().parse().unwrap();
    assert_eq!(config["tiles"]["tuned"][FORWARD]["chains"].as_integer(), Some(3));
    let said = train(&scratch, "--epochs 1 --run-dir plain --tiles table").stderr;
    assert!(!said.contains("tiles: "), "{said}");
    assert!(tiles(&scratch, "plain")["tuned"].is_null());

    let cleared = succeed(&scratch, "tune --clear");
    assert!(cleared.stderr.ends_with(" are gone\n") && !cache(&scratch).contains("[[adapter]]"), "{cleared:?}");
    assert!(succeed(&scratch, "tune --clear").stderr.contains("no tiles for "));
    succeed(&scratch, "train --resume parts --epochs 3");
    assert_eq!(tiles(&scratch, "parts")["tuned"][FORWARD], tile);
    assert!(scratch.last("parts") == scratch.last("whole"), "the runs differ");
    train(&scratch, "--epochs 1 --run-dir later");
    assert!(scratch.last("later") == scratch.last("plain"), "no tile is left to take");
    assert_eq!(run(&scratch, "train --resume parts --tiles table").code, Some(2));
}

/// The flag, the settings and the file say of which precision a run is.
#[test]
fn runs_take_tiles_of_their_own_precision() {
    let scratch = scratch();
    let measured = tune(&scratch, "--json").json();
    assert_eq!(measured[0]["products"][0]["precision"], "f32");
    let tile = keep_another_tile(&scratch, &measured[0]);
    let takes = |arguments: &str| train(&scratch, &format!("--epochs 1 {arguments}")).stderr.contains("tiles: tuned");
    assert!(takes("") && !takes("--precision bf16"));
    let of_f32 = cache(&scratch);
    let tuned = tune(&scratch, "--precision bf16 --json");
    assert!(tuned.stderr.contains("/2 conv_forward 32x64 -> 4 in bf16: "), "{tuned:?}");
    let products = &tuned.json()[0]["products"];
    assert_eq!((&products[0]["product"], &products[0]["precision"]), (&FORWARD.into(), &"bf16".into()));
    let f32_products = |text: &str| text.parse::<toml::Table>().unwrap()["adapter"][0]["products"].clone();
    assert_eq!(f32_products(&cache(&scratch)), f32_products(&of_f32), "f32's tiles stay");
    keep(&scratch, None, &[], &tile);
    keep(&scratch, Some("bf16"), &[FORWARD], &tile);
    assert!(!takes("") && takes("--set training.precision=bf16"));
    train(&scratch, "--precision bf16 --epochs 3 --run-dir whole");
    train(&scratch, "--precision bf16 --epochs 1 --run-dir parts");
    assert_eq!(tiles(&scratch, "parts")["tuned"][FORWARD], tile);
    assert!(succeed(&scratch, "tune --clear").stderr.ends_with(" are gone\n"));
    assert!(!cache(&scratch).contains("[[adapter]]"));
    succeed(&scratch, "train --resume parts --epochs 3");
    assert!(scratch.last("parts") == scratch.last("whole"), "the runs differ");
}

/// What a dense layer between two others multiplies is in f16; what is before and behind it is not.
const BETWEEN: &str = "input = [8, 8, 1]
layers = [
    { type = 'flatten' },
    { type = 'dense', units = 16, activation = 'relu' },
    { type = 'dense', units = 16, activation = 'relu' },
    { type = 'dense', units = 4 },
]
[training]
precision = 'f16'
batch_size = 32
";

#[test]
fn a_run_in_f16_takes_matrix_units_where_it_may_and_keeps_them() {
    let scratch = scratch();
    fs::write(scratch.path("between.toml"), BETWEEN).unwrap();
    // Until a product is measured, so that there is something to write over.
    let mut tuned = run(&scratch, "tune --model between.toml --seconds 10");
    for seconds in [40, 160] {
        if tuned.stderr.contains("out of time after 0 of 8") {
            tuned = run(&scratch, &format!("tune --model between.toml --seconds {seconds}"));
        }
    }
    if tuned.stderr.contains("have no f16") {
        return skip("matrix units in runs in f16, which this adapter does not have");
    }
    assert!(tuned.stderr.contains(" in f16: "), "{tuned:?}");
    let between =
        ["conv_forward", "conv_weight_gradient", "conv_input_gradient"].map(|kind| format!("{kind} 32x16 -> 16"));
    let others = ["conv_forward 32x64 -> 16", "conv_input_gradient 32x16 -> 4", "conv_weight_gradient 32x16 -> 4"];
    let all: Vec<&str> = between.iter().map(String::as_str).chain(others).collect();
    let mut said = String::new();
    // Subgroups of known devices.
    for threads in [[4, 1], [8, 1], [8, 2], [8, 4], [8, 8]] {
        let tile = json!({
            "threads": threads, "rows": 8 / threads[1], "columns": 8 / threads[0], "depth": 8, "share": 4,
            "stage_columns": true, "chains": 1, "keep": true, "matrix": 8,
        });
        keep(&scratch, Some("f16"), &all, &tile);
        said = succeed(&scratch, "train --model between.toml --epochs 3 --run-dir whole").stderr;
        if said.contains("tiles: ") {
            break;
        }
        fs::remove_dir_all(scratch.path("whole")).unwrap();
    }
    if !said.contains("tiles: ") {
        return skip("matrix units in a run, which this adapter does not have in 8 x 8");
    }
    assert!(said.contains("tiles: tuned for 3 of 8 products ("), "{said}");
    let kept = tiles(&scratch, "whole");
    assert!(between.iter().all(|product| kept["tuned"][product]["matrix"] == 8), "{kept}");
    // Held to the CPU path's steps in f32, too.
    let bench = succeed(&scratch, "bench --model between.toml --steps 1 --repeats 5");
    assert!(bench.stderr.contains("tiles: tuned for 3 of 8 products"), "{bench:?}");
    succeed(&scratch, "train --model between.toml --epochs 1 --run-dir parts");
    succeed(&scratch, "train --model between.toml --epochs 3 --run-dir table --tiles table");
    succeed(&scratch, "tune --clear");
    succeed(&scratch, "train --resume parts --epochs 3");
    assert!(scratch.last("parts") == scratch.last("whole"), "the runs differ");
    assert!(scratch.last("parts") != scratch.last("table"), "another order of sums");
    let loss = |arguments: &str| {
        let lines = succeed(&scratch, &format!("evaluate {arguments} --json")).json();
        lines[0]["loss"].as_f64().unwrap()
    };
    let own = loss("--run whole");
    assert!((loss("--run table") - own).abs() < 0.01 * own);
    // Where they are not for the precision, the table's tiles do it.
    assert!((loss("--run whole --precision f32") - own).abs() < 0.01 * own);
    let cpu = scratch.succeed("evaluate --run whole --adapter cpu --json").json();
    assert!((cpu[0]["loss"].as_f64().unwrap() - own).abs() < 1e-3 * own);
}

#[test]
fn a_dry_run_keeps_nothing() {
    let scratch = scratch();
    let tuned = tune(&scratch, "--dry-run --seconds 1");
    assert!(tuned.stdout.starts_with("product  ") && tuned.stderr.contains("kept nothing"), "{tuned:?}");
    assert!(!scratch.path("cache").exists());
}

#[test]
fn a_damaged_cache_is_passed_over_and_written_anew() {
    let scratch = scratch();
    fs::create_dir(scratch.path("cache")).unwrap();
    let noted = |contents: &str, note: &str| {
        fs::write(scratch.path("cache/tiles.toml"), contents).unwrap();
        let said = train(&scratch, "--epochs 1").stderr;
        let notes: Vec<&str> = said.lines().filter(|line| line.contains("tiles")).collect();
        assert!(notes.len() == 1 && notes[0].contains(note) && notes[0].contains("gpu-fmnist tune"), "{said}");
    };
    noted("what is this", "no cache of tiles (");
    noted("[[adapter]]\nname = 7\n", "no cache of tiles (");
    let tuned = tune(&scratch, "--seconds 0");
    assert!(
        tuned.stderr.contains("beginning a new one") && tuned.stderr.contains("out of time after 0 of 2"),
        "{tuned:?}"
    );

    let measured = tune(&scratch, "--json").json();
    keep_another_tile(&scratch, &measured[0]);
    let good = cache(&scratch);
    noted(&good.replace("chains = 3", "chains = 0"), "is impossible: its numbers are from 1 to 1024");
    noted(&good.replace("shaders_sha256 = \"", "shaders_sha256 = \"0"), "another version of the shaders");
    assert!(tiles(&scratch, "runs/small-1")["tuned"].is_null());
}

#[test]
fn what_cannot_be_tuned_is_refused() {
    let scratch = scratch();
    scratch.run("tune --adapter cpu").failed(2, "the CPU path has no tiles to choose");
    scratch.run("tune --model nothing.toml --adapter cpu").failed(2, "nothing.toml");
    assert_eq!(scratch.run("tune --batch-size 0").code, Some(2));
    assert_eq!(scratch.run("tune --clear --dry-run").code, Some(2));
    fs::write(scratch.path("cache"), "a file").unwrap();
    run(&scratch, "tune --model small.toml").failed(1, "GPU_FMNIST_CACHE");
}

#[cfg(unix)]
#[test]
fn an_interrupt_keeps_what_was_found() {
    use std::io::{BufRead, BufReader, Read};

    use crate::support::{Running, Signal};

    let scratch = Scratch::new();
    let arguments = "tune --model tiny.toml --batch-size 32 --adapter 0";
    let mut tuning = Running::start(&mut scratch.on_the_tests_driver(arguments));
    let mut stderr = BufReader::new(tuning.child().stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("\n2/8 ") {
        assert!(stderr.read_line(&mut said).unwrap() > 0, "{said}");
    }
    tuning.send(Signal::SIGINT);
    stderr.read_to_string(&mut said).unwrap();
    let ended = tuning.ended();
    assert_eq!(ended.code, Some(130), "{said}");
    assert!(said.lines().last().unwrap().starts_with("stopped after 1 of 8 products: "), "{said}");
    assert_eq!(ended.stdout.lines().count(), 2, "{ended:?}");
    assert!(scratch.path(".cache/gpu-fmnist/tiles.toml").is_file() || cfg!(target_os = "macos"));
}
