//! `train` as several processes of a real MPI: `GPU_FMNIST_MPIRUN` names its launcher, which must be of the MPI that the
//! program was built with; by itself it is `mpirun`.

#[path = "../cli/support.rs"]
#[allow(dead_code)]
mod support;

#[path = "../support/skips.rs"]
mod skips;

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::kill;
use nix::unistd::Pid;
use skips::skip;
use support::{Ended, IMAGES, LABELS, Running, Scratch, Signal};

/// With statistics of batches.
const NORMALISED: &str = r#"
input = [28, 28, 1]
layers = [
    { type = "conv2d", filters = 6, kernel = 3, stride = 2, use_bias = false },
    { type = "batch_normalization" },
    { type = "activation", activation = "relu" },
    { type = "max_pool2d", size = 2 },
    { type = "flatten" },
    { type = "dropout", rate = 0.25 },
    { type = "dense", units = 10 },
]
"#;

/// Samples of the training file: 1,280 to train, which are two batches of 512, and one whose micro-batches are half
/// empty; and 320 to validate.
const SAMPLES: usize = 1_600;

/// A scratch folder with samples of 28 x 28 pixels.
fn scratch() -> Scratch {
    let scratch = Scratch::new();
    fs::write(scratch.path("normalised.toml"), NORMALISED).unwrap();
    let files = [(IMAGES, LABELS, SAMPLES), ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 200)];
    for (images, labels, count) in files {
        let header = |extents: &[usize]| -> Vec<u8> {
            let magic = 0x0800 | extents.len() as u32;
            let extents = extents.iter().map(|extent| *extent as u32);
            [magic].into_iter().chain(extents).flat_map(u32::to_be_bytes).collect()
        };
        let pixel = |sample: usize, at: usize| {
            let noise = (sample * 784 + at).wrapping_mul(0x9E37_79B9) >> 7 & 0x7f;
            noise as u8 + if at / 79 == sample * 7 % 10 { 0x80 } else { 0 }
        };
        let pixels = (0..count).flat_map(|sample| (0..784).map(move |at| pixel(sample, at)));
        let all = header(&[count, 28, 28]).into_iter().chain(pixels).collect::<Vec<u8>>();
        fs::write(scratch.path("data").join(images), all).unwrap();
        let classes = (0..count).map(|sample| (sample * 7 % 10) as u8);
        fs::write(scratch.path("data").join(labels), header(&[count]).into_iter().chain(classes).collect::<Vec<u8>>())
            .unwrap();
    }
    scratch
}

fn launcher() -> String {
    std::env::var("GPU_FMNIST_MPIRUN").unwrap_or_else(|_| "mpirun".into())
}

/// The program as so many processes.
fn ranks(scratch: &Scratch, count: usize, arguments: &str) -> Command {
    let version = Command::new(launcher()).arg("--version").output().expect("an mpirun");
    // As `mpirun.openmpi` it calls itself OpenRTE.
    let version = String::from_utf8_lossy(&version.stdout);
    let is_open_mpi = ["Open MPI", "OpenRTE"].iter().any(|name| version.contains(name));
    let mut command = Command::new(launcher());
    if is_open_mpi {
        command.args(["--oversubscribe", "--bind-to", "none"]);
        // As root, which tests in a container are, it wants to be asked twice.
        command.envs([("OMPI_ALLOW_RUN_AS_ROOT", "1"), ("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")]);
    }
    command.args(["-n", &count.to_string()]);
    // Whatever driver the tests run on.
    if let Some(launcher) = std::env::var_os("SOFTWARE_VULKAN_LAUNCHER") {
        command.arg(launcher).arg("run");
    }
    command.arg(env!("CARGO_BIN_EXE_gpu-fmnist"));
    let mut command = scratch.prepared(command, arguments);
    command.env("RAYON_NUM_THREADS", "1");
    command
}

fn run(scratch: &Scratch, count: usize, arguments: &str) -> Ended {
    support::ended(ranks(scratch, count, arguments).output().unwrap())
}

/// A run of so many processes, in the folder `NAME-COUNT`.
#[track_caller]
fn train(scratch: &Scratch, count: usize, name: &str, options: &str) -> Vec<u8> {
    let arguments = format!("train --run-dir {name}-{count} --no-report --seed 3 --micro-batch 64 {options}");
    run(scratch, count, &arguments).succeeded(&arguments);
    scratch.last(&format!("{name}-{count}"))
}

#[test]
fn any_number_of_processes_writes_the_same_checkpoint() {
    let scratch = scratch();
    for (name, model) in [("cnn2", "cnn2"), ("normalised", "normalised.toml")] {
        let options = format!("--model {model} --adapter cpu --epochs 2");
        let arguments = format!("train --run-dir {name} --no-report --seed 3 --micro-batch 64 {options}");
        scratch.succeed(&arguments);
        let alone = scratch.last(name);
        for count in [1, 2, 3, 4, 8] {
            assert!(train(&scratch, count, name, &options) == alone, "{name}: {count} processes differ");
        }
    }
}

#[test]
fn a_run_goes_on_with_another_number_of_processes() {
    let scratch = scratch();
    let options = "--model cnn2 --adapter cpu";
    let whole = train(&scratch, 1, "whole", &format!("{options} --epochs 3"));
    train(&scratch, 3, "parts", &format!("{options} --epochs 1"));
    let go_on = |count, epochs| {
        let arguments = format!("train --resume parts-3 --no-report --adapter cpu --epochs {epochs}");
        run(&scratch, count, &arguments).succeeded(&arguments)
    };
    go_on(4, 2);
    let ended = go_on(2, 3);
    assert!(ended.stderr.contains("2 processes share the 8 micro-batches of a step: 4, 4"), "{}", ended.stderr);
    assert_eq!(ended.stdout.matches("accuracy").count(), 1, "only the first one prints: {}", ended.stdout);
    assert!(scratch.last("parts-3") == whole);
}

#[test]
fn any_number_of_processes_writes_the_same_checkpoint_on_software_vulkan() {
    let scratch = scratch();
    let devices = support::ended(scratch.on_the_tests_driver("devices").output().unwrap());
    if !devices.stdout.contains("vulkan") {
        return skip("processes of MPI on Vulkan: no Vulkan here");
    }
    let options = "--model normalised.toml --adapter vulkan --epochs 2";
    let one = train(&scratch, 1, "vulkan", options);
    for count in [2, 3, 4, 8] {
        assert!(train(&scratch, count, "vulkan", options) == one, "{count} processes differ");
    }
    // And where another number goes on.
    train(&scratch, 3, "parts", "--model normalised.toml --adapter vulkan --epochs 1");
    let arguments = "train --resume parts-3 --no-report --adapter vulkan --epochs 2";
    run(&scratch, 2, arguments).succeeded(arguments);
    assert!(scratch.last("parts-3") == one);
    let options = "--model cnn2 --adapter vulkan --epochs 1";
    let one = train(&scratch, 1, "cnn2", options);
    for count in [2, 3, 4, 8] {
        assert!(train(&scratch, count, "cnn2", options) == one, "cnn2: {count} processes differ");
    }
    // Each by its speed.
    let arguments =
        "train --model normalised.toml --adapter cpu,vulkan --epochs 2 --micro-batch 64 --no-report --run-dir mixed";
    run(&scratch, 2, arguments).succeeded(arguments);
    let log = fs::read_to_string(scratch.path("mixed/train.log")).unwrap();
    assert!(log.contains("their devices differ"), "{log}");
}

/// The processes that work on a run, by their ranks.
fn processes(folder: &str) -> Vec<(usize, Pid)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(number) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
        let text = |file: &str| fs::read(entry.path().join(file)).unwrap_or_default();
        let (line, environment) = (text("cmdline"), text("environ"));
        let line = String::from_utf8_lossy(&line);
        // A driver's launcher may have started it by another loader; what has no rank is none of them.
        let is_program = line.split('\0').any(|word| word.ends_with("gpu-fmnist"));
        if !is_program || !line.split('\0').any(|word| word == folder) {
            continue;
        }
        let environment = String::from_utf8_lossy(&environment);
        let rank = |name: &str| environment.split('\0').find_map(|line| line.strip_prefix(name)?.parse().ok());
        found.extend(
            rank("OMPI_COMM_WORLD_RANK=").or_else(|| rank("PMI_RANK=")).map(|rank| (rank, Pid::from_raw(number))),
        );
    }
    found.sort();
    found
}

/// Starts a run that takes a while, and waits until two epochs are done and more is.
fn begin(scratch: &Scratch, count: usize, folder: &str) -> (Running, Vec<(usize, Pid)>) {
    let folder = scratch.path(folder);
    let name = folder.to_str().unwrap();
    let arguments = format!(
        "train --run-dir {name} --no-report --seed 3 --micro-batch 64 --model normalised.toml --adapter cpu --epochs 60 \
         --checkpoint-minutes 0"
    );
    let running = Running::start(&mut ranks(scratch, count, &arguments));
    let began = Instant::now();
    let epochs = || fs::read_to_string(folder.join("metrics.csv")).unwrap_or_default().lines().count();
    while epochs() < 3 {
        assert!(began.elapsed() < Duration::from_secs(240), "it does not get on");
        sleep(Duration::from_millis(20));
    }
    let found = processes(name);
    assert_eq!(found.iter().map(|(rank, _)| *rank).collect::<Vec<usize>>(), (0..count).collect::<Vec<usize>>());
    (running, found)
}

/// Goes on with a run to its end.
fn finish(scratch: &Scratch, count: usize, folder: &str) -> Vec<u8> {
    let arguments = format!("train --resume {folder} --no-report --adapter cpu --epochs 60");
    run(scratch, count, &arguments).succeeded(&arguments);
    scratch.last(folder)
}

fn whole(scratch: &Scratch) -> Vec<u8> {
    train(scratch, 1, "whole", "--model normalised.toml --adapter cpu --epochs 60")
}

#[test]
fn a_process_that_is_killed_ends_all_and_the_run_goes_on_to_the_same_checkpoint() {
    let scratch = scratch();
    let whole = whole(&scratch);
    for (killed, others) in [(1, 2), (0, 4)] {
        let folder = format!("killed-{killed}");
        let (running, found) = begin(&scratch, 3, &folder);
        let began = Instant::now();
        kill(found[killed].1, Signal::SIGKILL).unwrap();
        let ended = running.ended();
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}: {ended:?}", began.elapsed());
        // The launcher says so: MPICH's on stdout.
        let said = [ended.stdout.as_str(), &ended.stderr].concat();
        assert!(ended.code.is_some_and(|code| code != 0) && said.contains("signal 9"), "{ended:?}");
        assert_eq!(processes(scratch.path(&folder).to_str().unwrap()), [], "some went on");
        assert!(finish(&scratch, others, &folder) == whole, "{killed} killed, {others} went on");
    }
}

#[test]
fn a_process_that_stands_still_for_a_while_changes_nothing() {
    let scratch = scratch();
    let (running, found) = begin(&scratch, 3, "still");
    kill(found[1].1, Signal::SIGSTOP).unwrap();
    let lines = || fs::read_to_string(scratch.path("still/metrics.csv")).unwrap().lines().count();
    sleep(Duration::from_millis(500));
    let before = lines();
    sleep(Duration::from_secs(2));
    assert_eq!(lines(), before, "the others wait");
    kill(found[1].1, Signal::SIGCONT).unwrap();
    let ended = running.ended();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(scratch.last("still") == whole(&scratch));
}

#[test]
fn whichever_process_is_interrupted_all_end_after_saving() {
    let scratch = scratch();
    let (running, found) = begin(&scratch, 3, "interrupted");
    kill(found[2].1, Signal::SIGINT).unwrap();
    let ended = running.ended();
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert_eq!(ended.stderr.matches("go on with: gpu-fmnist train --resume").count(), 1, "{ended:?}");
    assert!(finish(&scratch, 2, "interrupted") == whole(&scratch));
}

#[test]
fn what_goes_wrong_in_one_process_ends_all_with_its_line_and_code() {
    let scratch = scratch();
    let fails = |count, options: &str, code, words: &[&str]| {
        let began = Instant::now();
        let arguments = format!("train --model normalised.toml --epochs 1 --no-report --run-dir none {options}");
        let ended = run(&scratch, count, &arguments);
        assert_eq!(ended.code, Some(code), "{options}: {ended:?}");
        assert!(words.iter().all(|word| ended.stderr.contains(word)), "{options}: {ended:?}");
        assert!(began.elapsed() < Duration::from_secs(10), "{options}: {:?}", began.elapsed());
        assert!(!scratch.path("none").exists(), "{options}");
    };
    fails(2, "--adapter cpu,nonsense", 4, &["error: rank 1: ", "nonsense"]);
    fails(2, "--adapter cpu,cpu,cpu", 2, &["error: rank 0: ", "3 names for 2 processes"]);
    fails(3, "--adapter cpu --micro-batch 256", 2, &["error: rank 0: ", "3 processes, but a step has 2 micro-batches"]);
}
