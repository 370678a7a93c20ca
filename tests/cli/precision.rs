//! Activations in 16 bits: where a run says so, that it goes on with them to the bit, and that it learns what f32 does.

use std::fs;

use gpu_fmnist::formats::Checkpoint;
use serde_json::{Value, json};

use crate::support::{MODEL, Scratch};

/// What a run's checkpoint says.
fn about(scratch: &Scratch, run: &str) -> Value {
    let path = scratch.path(run).join("checkpoints/last.safetensors");
    serde_json::from_str(&Checkpoint::read(&path).unwrap().about).unwrap()
}

#[test]
fn a_run_in_16_bits_goes_on_to_the_bit() {
    let scratch = Scratch::new();
    let mut ends = Vec::new();
    for precision in ["f32", "bf16", "f16"] {
        let (whole, parts) = (format!("{precision}-whole"), format!("{precision}-parts"));
        scratch.train(&format!("--epochs 3 --precision {precision} --run-dir {whole}"));
        scratch.train(&format!("--epochs 1 --precision {precision} --run-dir {parts}"));
        scratch.succeed(&format!("train --resume {parts} --epochs 3 --adapter cpu -q"));
        assert_eq!(scratch.last(&whole), scratch.last(&parts), "{precision}");
        let about = about(&scratch, &whole);
        let scale = about.get("loss_scale").cloned();
        match precision {
            "f16" => {
                let scale = scale.unwrap();
                assert_eq!(scale["steps"], about["time"], "{scale}");
                assert!(scale["scale"].as_f64().is_some_and(|scale| scale >= 1.0), "{scale}");
            }
            _ => assert_eq!(scale, None),
        }
        let expected = (precision != "f32").then(|| json!(precision));
        assert_eq!(about["config"].get("precision").cloned(), expected);
        ends.push(scratch.last(&whole));
    }
    assert!(ends[0] != ends[1] && ends[1] != ends[2] && ends[0] != ends[2]);
    assert_eq!(scratch.run("train --resume f16-whole --precision bf16 --adapter cpu").code, Some(2));
}

#[test]
fn the_file_the_flag_and_the_settings_say_the_precision() {
    let scratch = Scratch::new();
    fs::write(scratch.path("half.toml"), format!("{MODEL}\n[training]\nprecision = \"f16\"\nepochs = 1\n")).unwrap();
    let train = "train --model half.toml --adapter cpu --no-report -q";
    let of = |run: &str, options: &str| {
        scratch.succeed(&format!("{train} --run-dir {run} {options}"));
        about(&scratch, run)["config"].get("precision").cloned()
    };
    assert_eq!(of("file", ""), Some(json!("f16")));
    assert_eq!(of("flag", "--precision f32"), None);
    assert_eq!(of("set", "--precision f32 --set training.precision=bf16"), Some(json!("bf16")));
    assert_eq!(scratch.run(&format!("{train} --precision f8")).code, Some(2));
    scratch.run(&format!("{train} --set training.precision=half")).failed(2, "precision is \"half\"; give");
}

#[test]
fn a_run_is_evaluated_as_it_was_trained_unless_another_precision_is_asked_for() {
    let scratch = Scratch::new();
    scratch.train("--epochs 2 --precision bf16 --run-dir run");
    let of = |options: &str| {
        let lines = scratch.succeed(&format!("evaluate --run run --adapter cpu --json {options}")).json();
        (lines[0].get("precision").cloned(), lines[0]["loss"].as_f64().unwrap())
    };
    let [own, half, whole] = ["", "--precision f16", "--precision f32"].map(of);
    assert_eq!([&own.0, &half.0, &whole.0], [&Some(json!("bf16")), &Some(json!("f16")), &None]);
    assert!(own.1 != half.1 && half.1 != whole.1);
    assert!((own.1 - whole.1).abs() < 0.02 * whole.1 && (half.1 - whole.1).abs() < 0.01 * whole.1);
    for folder in ["test", "test-f16", "test-f32"] {
        assert!(scratch.path("run/evaluation").join(folder).is_dir(), "{folder}");
    }
}
