//! Help, exit codes, and the commands that do not train.

use std::fs;

use crate::support::{Running, Scratch, ended, names};

#[test]
fn every_command_has_help() {
    let scratch = Scratch::new();
    let commands = [
        "train",
        "evaluate",
        "predict",
        "report",
        "summary",
        "bench",
        "plot",
        "profile",
        "devices",
        "selftest",
        "tune",
        "data",
        "data fetch",
        "data grid",
        "data verify",
        "data split",
        "shaders",
        "completions",
    ];
    for command in commands {
        let help = scratch.succeed(&format!("{command} --help"));
        assert!(help.stdout.contains("Usage: gpu-fmnist") && help.stderr.is_empty(), "{command}: {help:?}");
    }
    let help = scratch.succeed("--help");
    assert!(commands.iter().all(|command| help.stdout.contains(command.split(' ').next().unwrap())));
    for code in ["0 ", "1 ", "2 ", "3 ", "4 ", "5 ", "6 ", "130 "] {
        assert!(help.stdout.contains(&format!("\n  {code}")), "{}", help.stdout);
    }
    assert_eq!(scratch.run("").code, Some(2));
    assert_eq!(scratch.run("trian").code, Some(2));
    assert_eq!(scratch.run("train --epoch-count 3").code, Some(2));
}

#[test]
fn summary_prints_the_parameters() {
    let scratch = Scratch::new();
    let summary = scratch.succeed("summary").stdout;
    assert!(summary.contains("Total params: 693,962"));
    assert!(summary.ends_with("\n Multiply-accumulates an image: 888,192\n"), "{summary}");
    assert!(scratch.succeed("summary --model cnn3").stdout.contains("Total params: 289,610"));
    assert!(scratch.succeed("summary --model tiny.toml").stdout.contains("Model: \"tiny\""));
}

#[test]
fn splits_are_printed_as_json_or_in_short() {
    let scratch = Scratch::new();
    let split = scratch.succeed("data split --count 10 --validation-fraction 0.2 --seed 1 --json");
    // scikit-learn's own.
    assert_eq!(split.stdout, "{\"train\":[6,4,0,3,1,7,8,5],\"validation\":[2,9]}\n");
    let folds = scratch.succeed("data split --count 10 --folds 5 --seed 1 --json").json();
    assert_eq!(folds[0].as_array().unwrap().len(), 5);
    assert_eq!(folds[0][0]["validation"].as_array().unwrap().len(), 2);
    assert_eq!(scratch.succeed("data split").stdout, "240 to train, 60 to validate\n");
    for (arguments, part) in [
        ("--count 10 --folds 11", "--folds 11: not possible with 10 samples; give 2 to 10"),
        ("--count 0 --folds 2", "--folds 2: 0 samples cannot be divided; take a data set or --count of 2 or more"),
        ("--count 0", "--validation-fraction 0.2: 0 samples cannot be divided; take"),
        ("--count 10 --validation-fraction -1", "--validation-fraction -1: not between 0 and 1; give"),
    ] {
        scratch.run(&format!("data split {arguments}")).failed(2, part);
    }
}

#[test]
fn verify_refuses_what_is_not_fashion_mnist() {
    let scratch = Scratch::new();
    scratch.run("data verify").failed(3, "checksum");
    scratch.run("data verify --data-dir nowhere").failed(3, "nowhere");
    fs::remove_dir_all(scratch.path("data")).unwrap();
    let ended = scratch.run("data verify");
    // Where Debian's package is installed, that is found.
    assert!(ended.code == Some(0) || ended.stderr.contains("data fetch"), "{ended:?}");
}

#[test]
fn shaders_are_listed_and_translated() {
    let scratch = Scratch::new();
    let kernels = scratch.succeed("shaders").stdout.lines().count() - 1;
    for (language, extension) in
        [("wgsl", "wgsl"), ("spirv", "spv"), ("msl", "metal"), ("hlsl", "hlsl"), ("glsl", "glsl")]
    {
        scratch.succeed(&format!("shaders --emit {language} -o {language}"));
        let files = names(&scratch.path(language));
        assert_eq!(files.len(), kernels);
        assert!(files.iter().all(|file| file.ends_with(extension)), "{files:?}");
    }
    assert_eq!(&fs::read(scratch.path("spirv/adam.spv")).unwrap()[..4], 0x0723_0203_u32.to_le_bytes());
    assert!(scratch.succeed("shaders --emit glsl adam").stdout.starts_with("#version 310 es"));
    scratch.run("shaders --emit spirv").failed(2, "-o");
    scratch.run("shaders --emit msl adm").failed(2, "did you mean \"adam\"?");
}

#[test]
fn a_models_pipelines_are_listed_and_written() {
    let scratch = Scratch::new();
    let listed = scratch.succeed("shaders --model tiny.toml --batch-size 9").stdout;
    assert!(listed.contains("conv_forward 9x8x8x1 * 3x3 -> 6x6x4 pool 2"), "{listed}");
    assert!(scratch.succeed("shaders --model cnn1 --tiles software conv_forward").stdout.contains("of 32x1"));
    scratch.succeed("shaders --model tiny.toml --batch-size 9 --emit wgsl -o out");
    let files = names(&scratch.path("out"));
    assert_eq!(files.len(), listed.lines().count() - 1);
    for file in files {
        assert!(listed.contains(file.strip_suffix(".wgsl").unwrap()), "{file}");
        let text = fs::read_to_string(scratch.path("out").join(&file)).unwrap();
        assert_eq!(text.contains("const BATCH: u32 = 9u;"), text.contains("const BATCH"), "{file}");
    }
    scratch.run("shaders --model tiny").failed(2, "no such model");
    assert_eq!(scratch.run("shaders --tiles gpu").code, Some(2));
}

#[test]
fn devices_end_with_the_cpu_path() {
    let scratch = Scratch::new();
    let listed = ended(scratch.on_the_tests_driver("devices --json").output().unwrap()).succeeded("devices").json();
    let devices = listed[0].as_array().unwrap();
    assert_eq!(devices.last().unwrap()["backend"], "cpu");
    let table = ended(scratch.on_the_tests_driver("devices").output().unwrap()).succeeded("devices").stdout;
    assert_eq!(table.lines().count(), devices.len() + 1 + if devices.len() == 1 { 2 } else { 0 });
}

#[test]
fn selftest_on_the_cpu_path_says_that_no_shader_was_tested() {
    let tested = Scratch::new().succeed("selftest --adapter cpu");
    assert!(tested.stdout.contains("the shaders were not tested"), "{tested:?}");
    assert!(tested.stdout.ends_with("all passed\n"), "{tested:?}");
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(Scratch::new().succeed(&format!("completions {shell}")).stdout.contains("selftest"), "{shell}");
    }
}

#[test]
fn a_reader_who_goes_away_is_no_error() {
    let scratch = Scratch::new();
    let train = "train --model tiny.toml --adapter cpu --batch-size 32 --epochs 2 --json --run-dir run";
    for arguments in ["summary", "shaders --emit wgsl", train] {
        let mut running = Running::start(&mut scratch.command(arguments));
        drop(running.child().stdout.take());
        let ended = running.ended();
        assert_eq!(ended.code, Some(0), "{arguments}: {ended:?}");
    }
    assert!(scratch.path("run/checkpoints/last.safetensors").is_file());
}
