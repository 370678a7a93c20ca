//! A device that has too little memory for a run: here the CPU path in a process whose address space is limited.

use std::fs;
use std::process::Command;

use crate::support::{Scratch, ended};

/// 64 x 4,000,000 weights, a gigabyte each time: they, their gradient, and Adam's two moments.
const LARGE: &str = r#"
input = [8, 8, 1]
layers = [{ type = "flatten" }, { type = "dense", units = 4000000, activation = "relu" }, { type = "dense", units = 4 }]
"#;

#[cfg(target_os = "linux")]
#[test]
fn a_plan_beyond_memory_ends_with_the_devices_exit_code() {
    let scratch = Scratch::new();
    fs::write(scratch.path("large.toml"), LARGE).unwrap();
    let train = "train --model large.toml --adapter cpu --batch-size 1 --epochs 1 --run-dir run";
    // In kilobytes. A limit, so that the machine's own memory does not matter.
    let limited = |kilobytes: usize, arguments: &str| {
        let program = scratch.command(arguments);
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -v {kilobytes} && exec \"$0\" \"$@\"")]);
        shell.arg(program.get_program()).args(program.get_args());
        shell.env("RAYON_NUM_THREADS", "2").current_dir(program.get_current_dir().unwrap());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        ended(shell.output().unwrap())
    };
    limited(800_000, train).failed(5, "not enough memory for the plan's");
    // The limit itself stops nothing.
    limited(800_000, &train.replace("large.toml", "tiny.toml")).succeeded("a small model within the same limit");
}
