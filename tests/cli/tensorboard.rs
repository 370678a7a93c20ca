//! TensorBoard's event files: read by a reader of our own, and with `GPU_FMNIST_PYTHON` by TensorBoard's.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::python::python;
use crate::support::{Running, Scratch, ended, names};

const EVENTS: &str = "events.out.tfevents.gpu-fmnist";
/// By tag, each step's value.
type Scalars = BTreeMap<String, Vec<(u64, f64)>>;

/// CRC-32C bit by bit, masked.
fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        (0..8).for_each(|_| crc = if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 });
    }
    (!crc).rotate_right(15).wrapping_add(0xA282_EAD8)
}

/// The data of each frame of a TFRecord file, which must be whole.
fn frames(file: &[u8]) -> Vec<&[u8]> {
    let (mut frames, mut rest) = (Vec::new(), file);
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        let sum = |at: usize| u32::from_le_bytes(rest[at..at + 4].try_into().unwrap());
        let data = &rest[12..12 + length];
        assert_eq!([sum(8), sum(12 + length)], [checksum(&rest[..8]), checksum(data)]);
        frames.push(data);
        rest = &rest[16 + length..];
    }
    frames
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[0];
        *bytes = &bytes[1..];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

/// A message's fields, with the bytes of each; integers as eight of them.
fn fields(mut message: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let key = varint(&mut message);
        let length = match key & 7 {
            0 => {
                fields.push((key >> 3, varint(&mut message).to_le_bytes().to_vec()));
                continue;
            }
            1 => 8,
            5 => 4,
            2 => varint(&mut message) as usize,
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, message[..length].to_vec()));
        message = &message[length..];
    }
    fields
}

fn field(fields: &[(u64, Vec<u8>)], number: u64) -> Option<&[u8]> {
    fields.iter().find(|(own, _)| *own == number).map(|(_, bytes)| bytes.as_slice())
}

fn scalars(file: &Path) -> Scalars {
    let mut scalars = Scalars::new();
    for frame in frames(&fs::read(file).unwrap()) {
        let event = fields(frame);
        let step = field(&event, 2).map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
        for (_, value) in field(&event, 5).map(fields).unwrap_or_default() {
            let value = fields(&value);
            let tag = String::from_utf8(field(&value, 1).unwrap().to_vec()).unwrap();
            if let Some(number) = field(&value, 2) {
                let number = f32::from_le_bytes(number.try_into().unwrap());
                scalars.entry(tag).or_default().push((step, number.into()));
            }
        }
    }
    scalars
}

/// What the run's tables have: every column but those that are none of TensorBoard's.
fn tables(run: &Path) -> Scalars {
    let mut scalars = Scalars::new();
    for (table, group, number) in [("metrics.csv", "epoch", "epoch"), ("steps.csv", "step", "step")] {
        let mut reader = csv::Reader::from_path(run.join(table)).unwrap();
        let headers = reader.headers().unwrap().clone();
        for row in reader.records().map(Result::unwrap) {
            let of = |name: &str| headers.iter().position(|header| header == name).map(|place| row[place].to_owned());
            let step = of(number).unwrap().parse().unwrap();
            for header in
                headers.iter().filter(|header| !["epoch", "step", "training_flop", "samples", "time"].contains(header))
            {
                // Those of an epoch whose process ended before they were written are not known.
                let Some(cell) = of(header).filter(|cell| !cell.is_empty()) else { continue };
                let value = cell.parse().unwrap();
                scalars.entry(format!("{group}/{header}")).or_default().push((step, value));
            }
        }
    }
    scalars
}

#[track_caller]
fn assert_same(found: &Scalars, expected: &Scalars) {
    let tags = |scalars: &Scalars| scalars.keys().filter(|tag| !tag.starts_with("test/")).cloned().collect::<Vec<_>>();
    assert_eq!(tags(found), tags(expected));
    for (tag, values) in expected {
        assert_eq!(found[tag].len(), values.len(), "{tag}");
        for (found, value) in found[tag].iter().zip(values) {
            let near = (found.1 - value.1).abs() <= 1e-6 * value.1.abs().max(1.0);
            assert!(found.0 == value.0 && near, "{tag}: {found:?}, not {value:?}");
        }
    }
}

/// Everything that its reader gives back.
fn theirs(python: &Path, path: &Path) -> (Scalars, Value) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/events.py");
    let output = Command::new(python).arg(script).arg(path).output().unwrap();
    let read: Value = ended(output).succeeded("TensorBoard").json().remove(0);
    (serde_json::from_value(read["scalars"].clone()).unwrap(), read)
}

#[test]
fn a_run_writes_every_step_and_epoch_as_it_goes() {
    let scratch = Scratch::new();
    scratch.train("--epochs 3 --run-dir run --tensorboard --seed 5");
    let (run, file) = (scratch.path("run"), scratch.path("run").join(EVENTS));
    let (found, expected) = (scalars(&file), tables(&run));
    assert_eq!((expected["step/loss"].len(), expected["epoch/val_accuracy"].len()), (3 * 8, 3));
    assert_same(&found, &expected);
    assert_eq!(found["test/accuracy"].len(), 1);

    let exported = scratch.succeed("export run --format tensorboard -o out/events").stdout;
    assert_eq!(
        exported,
        format!("wrote out/events/{EVENTS} (3 epochs, 24 steps)\nlook at it with: tensorboard --logdir out/events\n")
    );
    assert_same(&scalars(&scratch.path("out/events").join(EVENTS)), &expected);

    let Some(python) = python("TensorBoard's reader") else { return };
    for folder in ["run", "out/events"] {
        let (found, read) = theirs(&python, &scratch.path(folder));
        assert_same(&found, &expected);
        assert_eq!(read["status"], 1);
        assert_eq!(read["hparams"]["seed"], 5.0);
        assert_eq!(read["hparams"]["model"], "tiny");
        assert_eq!(read["hparams"]["shuffle"], true);
        assert_eq!(read["hparams"]["batch_size"], 32.0);
        assert_eq!(read["hparams"]["layers.dense.units"], 16.0);
    }
}

#[test]
fn a_resumed_run_goes_on_with_the_same_scalars() {
    let scratch = Scratch::new();
    scratch.train("--epochs 4 --run-dir whole --tensorboard");
    scratch.train("--epochs 2 --run-dir parts --tensorboard");
    let resume = "train --resume parts --epochs 4 --adapter cpu --no-report";
    scratch.succeed(resume);
    let without_seconds = |run: &str| {
        let mut scalars = scalars(&scratch.path(run).join(EVENTS));
        scalars.remove("epoch/seconds");
        scalars
    };
    assert_eq!(without_seconds("parts"), without_seconds("whole"));
    // Begun without: it has what was before, too.
    scratch.train("--epochs 2 --run-dir later");
    assert!(!scratch.path("later").join(EVENTS).exists());
    scratch.succeed("train --resume later --epochs 4 --adapter cpu --no-report --tensorboard");
    assert_eq!(without_seconds("later"), without_seconds("whole"));
    let Some(python) = python("TensorBoard's reader of a resumed run") else { return };
    assert_same(&theirs(&python, &scratch.path("parts")).0, &tables(&scratch.path("parts")));
}

#[test]
fn a_killed_run_repeats_no_step() {
    let scratch = Scratch::new();
    let arguments =
        "train --model tiny.toml --adapter cpu --batch-size 4 --epochs 2000 --no-report --run-dir run --tensorboard";
    let mut running = Running::start(&mut scratch.command(arguments));
    let (run, file) = (scratch.path("run"), scratch.path("run").join(EVENTS));
    let steps = || fs::read_to_string(run.join("steps.csv")).unwrap_or_default().lines().count();
    while steps() < 1000 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    running.child().kill().unwrap();
    running.ended();
    // As if the process had died within a record.
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 5]).unwrap();
    let metrics = fs::read_to_string(run.join("metrics.csv")).unwrap().lines().count();
    scratch.succeed(&format!("train --resume run --epochs {} --adapter cpu --no-report", metrics + 3));
    assert_same(&scalars(&file), &tables(&run));
    let steps: Vec<u64> = scalars(&file)["step/loss"].iter().map(|(step, _)| *step).collect();
    assert_eq!(steps, (1..=steps.len() as u64).collect::<Vec<_>>());
}

#[test]
fn all_runs_of_a_folder_are_exported() {
    let scratch = Scratch::new();
    for rate in ["0.01", "0.001"] {
        scratch.train(&format!("--epochs 1 --learning-rate {rate} --run-dir sweep/tasks/{rate}"));
    }
    let exported = scratch.succeed("export sweep --format tensorboard").stdout;
    assert!(exported.ends_with("look at it with: tensorboard --logdir sweep\n"), "{exported}");
    for rate in ["0.01", "0.001"] {
        let run = scratch.path("sweep/tasks").join(rate);
        let found = scalars(&run.join(EVENTS));
        assert_same(&found, &tables(&run));
        assert_eq!(found["test/loss"].len(), 1);
        assert!(exported.contains(&format!("wrote sweep/tasks/{rate}/{EVENTS} (1 epoch, 8 steps)\n")), "{exported}");
    }
    scratch.succeed("export sweep --format tensorboard --output elsewhere");
    assert_eq!(names(&scratch.path("elsewhere/tasks/0.01")), [EVENTS]);
    let Some(python) = python("TensorBoard's table of runs") else { return };
    for rate in [0.01, 0.001] {
        let read = theirs(&python, &scratch.path(&format!("sweep/tasks/{rate}"))).1;
        assert_eq!(read["hparams"]["learning_rate"], rate);
        assert_eq!(read["status"], 1);
    }
}

#[test]
fn what_has_no_scalars_is_refused_in_one_line() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("empty")).unwrap();
    let export = |arguments: &str| scratch.run(&format!("export {arguments} --format tensorboard"));
    export("nowhere").failed(3, "nowhere: there is no such file or folder");
    export("empty").failed(3, "empty: an empty folder, not the folder of a run");
    export("tiny.toml").failed(3, "tiny.toml: a file, not the folder of a run");
    scratch.train("--epochs 1 --run-dir run");
    export("run --class-names a,b,c,d").failed(2, "--class-names: a file of tensorboard has no place for them");
    fs::create_dir(scratch.path("run").join(EVENTS)).unwrap();
    export("run").failed(1, "run/events.out.tfevents.gpu-fmnist: cannot be written (");
    fs::write(scratch.path("run/metrics.csv"), "epoch,loss\n1,x\n").unwrap();
    export("run").failed(3, "run/metrics.csv: not a table of epochs");
}
