//! Which adapter is taken, by what asks for it, and how much of its memory.

use crate::support::{Ended, Scratch, ended};

/// The program on the tests' driver with a variable set.
fn with(scratch: &Scratch, variable: (&str, &str), arguments: &str) -> Ended {
    let mut command = scratch.on_the_tests_driver(arguments);
    ended(command.env(variable.0, variable.1).output().unwrap())
}

fn on_the_tests_driver(scratch: &Scratch, arguments: &str) -> Ended {
    ended(scratch.on_the_tests_driver(arguments).output().unwrap())
}

#[test]
fn wgpus_variables_choose_among_the_adapters() {
    let scratch = Scratch::new();
    let devices = on_the_tests_driver(&scratch, "devices --json").succeeded("devices").json().remove(0);
    let first = &devices[0];
    let (name, backend) = (first["name"].as_str().unwrap(), first["backend"].as_str().unwrap());

    let other = if backend == "metal" { "dx12" } else { "metal" };
    let none = with(&scratch, ("WGPU_BACKEND", other), "devices").succeeded("devices").stdout;
    assert!(none.ends_with(&format!("path: of WGPU_BACKEND {other} no driver offers an adapter\n")), "{none}");
    let same = with(&scratch, ("WGPU_BACKEND", backend), "devices --json").succeeded("devices").json().remove(0);
    assert_eq!(same[0], *first);
    assert!(same.as_array().unwrap().iter().all(|one| one["backend"] == backend || one["backend"] == "cpu"), "{same}");

    let train = "train --model tiny.toml --epochs 1 --batch-size 32 --no-report --json";
    with(&scratch, ("WGPU_ADAPTER_NAME", "Voodoo 2"), train).failed(4, "WGPU_ADAPTER_NAME Voodoo 2: no such adapter");
    assert!(!scratch.path("runs").exists());
    let trained = with(&scratch, ("WGPU_ADAPTER_NAME", name), train).succeeded(train).json();
    assert_eq!(trained.last().unwrap()["adapter"], name);
    // What is named on the command line goes before.
    let arguments = format!("{train} --adapter cpu");
    let trained = with(&scratch, ("WGPU_ADAPTER_NAME", "Voodoo 2"), &arguments).succeeded(&arguments).json();
    assert_eq!(trained.last().unwrap()["adapter"], "cpu");
}

#[test]
fn a_plan_beyond_the_limit_of_memory_is_refused_before_it_begins() {
    let scratch = Scratch::new();
    let train = "train --model tiny.toml --epochs 1 --batch-size 32 --no-report --adapter 0";
    for (command, files) in
        [(train, "runs"), ("bench --model tiny.toml --steps 2 --adapter 0 -o bench.csv", "bench.csv")]
    {
        let arguments = format!("{command} --vram-limit 20k");
        let refused = on_the_tests_driver(&scratch, &arguments);
        refused.failed(
            4,
            "MB of memory, and --vram-limit is 0.0 MB; raise it, or use a smaller --micro-batch or --batch-size",
        );
        assert!(!scratch.path(files).exists(), "{refused:?}");
    }
    let arguments = format!("{train} --vram-limit 1GiB");
    on_the_tests_driver(&scratch, &arguments).succeeded(&arguments);
}

/// Images that would take more than a quarter of the memory stay on the host, which changes no number.
#[test]
fn a_limited_memory_is_the_networks_first() {
    let scratch = Scratch::with_images(20_000);
    let train = "train --model tiny.toml --epochs 1 --batch-size 64 --no-report --verbose --adapter 0 --run-dir";
    let run = |arguments: &str| on_the_tests_driver(&scratch, arguments).succeeded(arguments).stderr;
    let resident = run(&format!("{train} resident"));
    assert!(resident.contains("; data resident"), "{resident}");
    let streamed = run(&format!("{train} streamed --vram-limit 4M"));
    assert!(streamed.contains("; data streamed"), "{streamed}");
    let weights = |run: &str| {
        let path = scratch.path(run).join("checkpoints/last.safetensors");
        let checkpoint = gpu_fmnist::formats::Checkpoint::read(&path).unwrap();
        checkpoint.tensors
    };
    assert_eq!(weights("streamed"), weights("resident"));
}
