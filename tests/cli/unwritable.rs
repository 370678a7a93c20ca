//! Results that cannot be written where they should: what was computed is told first, then what went wrong. No case needs
//! permissions, which the superuser has all of.

use std::fs;

use crate::support::{Ended, Scratch};

fn trained() -> Scratch {
    let scratch = Scratch::new();
    scratch.train("--epochs 1 --run-dir run -q");
    scratch
}

/// The same lines on stdout as where it could be written, then one of what could not.
#[track_caller]
fn told(scratch: &Scratch, arguments: &str, whole: &str, part: &str) {
    let ended = scratch.run(arguments);
    ended.failed(1, part);
    assert!(!ended.stdout.is_empty() && ended.stdout == whole, "{arguments}: {ended:?}");
}

#[test]
fn an_evaluation_is_told_before_its_files_fail() {
    let scratch = trained();
    let whole = |arguments: &str| scratch.succeed(&format!("{arguments} -o elsewhere")).stdout;
    let evaluate = "evaluate --run run --adapter cpu";
    let (text, json) = (whole(evaluate), whole(&format!("{evaluate} --json")));
    fs::write(scratch.path("run/evaluation"), "in the way").unwrap();
    told(&scratch, evaluate, &text, "run/evaluation/test: cannot be made (");
    told(&scratch, &format!("{evaluate} --json"), &json, "a part of the path is a file; choose another folder");
    fs::create_dir(scratch.path("run/report.html")).unwrap();
    let line = text.lines().next().unwrap().split(" - top-2").next().unwrap();
    told(&scratch, "report run --adapter cpu", &format!("{line}\n"), "run/report.html: cannot be written (");
    let resume = "train --resume run --epochs 2 --adapter cpu";
    let text = scratch.run(resume);
    text.failed(1, "run/evaluation/test: cannot be made (");
    assert!(text.stdout.starts_with("test loss: ") && text.stdout.contains("confusion matrix"), "{text:?}");
    let json = scratch.run(&format!("{resume} --json"));
    json.failed(1, "run/evaluation/test: cannot be made (");
    assert!(json.json().last().unwrap()["test_accuracy"].is_f64(), "{json:?}");
}

#[test]
fn tables_are_told_before_their_files_fail() {
    let scratch = trained();
    fs::write(scratch.path("file"), "in the way").unwrap();
    let lines = |ended: &Ended| ended.stdout.lines().count();
    let (baseline, reduce, profile) = (
        "baseline --learners centroid,tree --adapter cpu --run run -o",
        "reduce --adapter cpu -o",
        "profile --model tiny.toml --adapter cpu --steps 1 -o",
    );
    // What each writes last.
    for name in ["baseline.csv", "coordinates.csv", "trace.json"] {
        fs::create_dir_all(scratch.path("taken").join(name)).unwrap();
    }
    let ended = scratch.run(&format!("{baseline} taken"));
    ended.failed(1, "taken/baseline.csv: cannot be written (");
    assert_eq!(lines(&ended), 4, "a heading and three rows: {ended:?}");
    let ended = scratch.run(&format!("{baseline} taken --json"));
    ended.failed(1, "taken/baseline.csv: cannot be written (");
    assert_eq!(ended.json().len(), 3);
    for (arguments, file) in [(reduce, "coordinates.csv"), (profile, "trace.json")] {
        let problem = format!("taken/{file}: cannot be written (");
        let ended = scratch.run(&format!("{arguments} taken"));
        ended.failed(1, &problem);
        assert!(lines(&ended) > 9, "{ended:?}");
        let ended = scratch.run(&format!("{arguments} taken --json"));
        ended.failed(1, &problem);
        assert!(ended.json()[0].is_object(), "{ended:?}");
    }
    // A folder that cannot be is found before the long work.
    let exists = "file: cannot be made (File exists (os error 17)); something else has that name; choose another";
    for arguments in [baseline, reduce, profile] {
        let ended = scratch.run(&format!("{arguments} file"));
        ended.failed(1, exists);
        assert_eq!(ended.stdout, "", "{arguments}");
    }
    // One file that fails keeps no other from being written.
    let predict = "predict --run run --adapter cpu --grid file/grid.png -o out.csv";
    let ended = scratch.run(predict);
    ended.failed(1, "file/grid.png: cannot be written (");
    assert_eq!(ended.stdout, "wrote out.csv\n");
    assert_eq!(fs::read_to_string(scratch.path("out.csv")).unwrap().lines().count(), 101);
}

#[test]
fn only_a_full_disk_is_to_be_freed() {
    let scratch = trained();
    fs::write(scratch.path("file"), "in the way").unwrap();
    for (path, part) in [
        ("file/n.onnx", "a part of the path is a file"),
        ("nowhere/n.onnx", "make the folder or choose another"),
        ("data", "something else has that name"),
        (&"n".repeat(300), "choose a shorter name"),
    ] {
        let ended = scratch.run(&format!("export run --format onnx -o {path}"));
        ended.failed(1, part);
        assert!(!ended.stderr.contains("space"), "{ended:?}");
    }
}

#[cfg(target_os = "linux")]
mod full {
    use std::fs::File;

    use super::*;
    use crate::support::ended;

    /// Every write to it fails as on a full disk.
    const FULL: &str = "/dev/full";

    #[test]
    fn a_full_disk_is_named_as_one() {
        let scratch = trained();
        // By a link: what replaces its target would hit the machine.
        std::os::unix::fs::symlink(FULL, scratch.path("full")).unwrap();
        scratch.run("export run --format onnx -o full").failed(1, "full: cannot be written (No space left on device");
        scratch.run("export run --format onnx -o full").failed(1, "; free some space there or choose another folder");
        assert!(scratch.path("full").is_symlink());
    }

    #[test]
    fn no_command_succeeds_whose_output_is_lost() {
        let scratch = trained();
        for arguments in [
            "--version",
            "--help",
            "help train",
            "train --help",
            "completions bash",
            "summary",
            "devices",
            "data split --count 9",
            "data grid",
            "shaders",
            "shaders --emit wgsl",
            "plot run",
            "export run --format onnx",
            "report run --adapter cpu",
            "evaluate --run run --adapter cpu",
            "evaluate --run run --adapter cpu --json",
            "predict --run run --adapter cpu",
            "baseline --learners centroid --adapter cpu",
            "reduce --components 2 --adapter cpu",
            "train --model tiny.toml --adapter cpu --epochs 1 --run-dir other",
        ] {
            let mut command = scratch.command(arguments);
            command.stdout(File::options().write(true).open(FULL).unwrap());
            ended(command.output().unwrap()).failed(1, "stdout: cannot be written (No space left on device");
        }
        assert!(scratch.path("run/report.html").is_file() && scratch.path("other/report.html").is_file());
    }
}

#[test]
fn a_reader_of_the_help_may_go_away() {
    let scratch = Scratch::new();
    for arguments in ["--version", "train --help", "completions bash"] {
        let mut command = scratch.command(arguments);
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{arguments}");
    }
}
