//! Sweeps: manifests, tasks, engines, and what is made of it all.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ended, Running, Scratch};

/// What the runs of most of these sweeps have in common.
const COMMON: &str = "model = 'tiny.toml'\nbatch_size = 32\n";

/// A folder with a sweep of these parameters in `s`.
pub fn with_sweep(head: &str, parameters: &str) -> Scratch {
    let scratch = Scratch::new();
    space(&scratch, head, parameters);
    scratch.succeed("sweep new space.toml --run-dir s -q");
    scratch
}

fn space(scratch: &Scratch, head: &str, parameters: &str) {
    fs::write(scratch.path("space.toml"), format!("{head}\n[parameters]\n{COMMON}{parameters}\n")).unwrap();
}

/// The rows of `sweep.csv`, by column.
pub fn table(scratch: &Scratch, sweep: &str) -> Vec<BTreeMap<String, String>> {
    scratch.succeed(&format!("collect {sweep} -q"));
    let text = fs::read_to_string(scratch.path(sweep).join("sweep.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<String>>());
    let names = lines.next().unwrap();
    lines.map(|cells| names.iter().cloned().zip(cells).collect()).collect()
}

/// A table without what differs from one time to another.
pub fn timeless(mut table: Vec<BTreeMap<String, String>>) -> Vec<BTreeMap<String, String>> {
    table.iter_mut().for_each(|row| drop(row.remove("seconds")));
    table
}

pub fn results(sweep: &Path) -> usize {
    let tasks = fs::read_dir(sweep.join("tasks")).into_iter().flatten().flatten();
    tasks.filter(|task| task.path().join("result.json").exists()).count()
}

#[test]
fn a_manifest_is_written_once_and_resolved() {
    let scratch = with_sweep("seeds = 2\nfolds = 2", "epochs = 2\nlearning_rate = [0.001, 0.01]");
    let manifest: Value = serde_json::from_slice(&fs::read(scratch.path("s/sweep.json")).unwrap()).unwrap();
    let tasks = manifest["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 8);
    assert!(fs::metadata(scratch.path("s/sweep.json")).unwrap().permissions().readonly());
    let config = |task: usize, key: &str| tasks[task]["config"][key].clone();
    assert_eq!((config(0, "learning_rate"), config(7, "learning_rate")), (0.001.into(), 0.01.into()));
    // A fold has a seed of its own, as those of 'kfold' have.
    assert_eq!([0, 1, 2, 3].map(|task| config(task, "seed")), [0, 1, 1, 2].map(Value::from));
    assert_eq!(config(1, "fold"), serde_json::json!({ "number": 1, "folds": 2 }));
    scratch.run("sweep new space.toml --run-dir s").failed(2, "s: not empty; choose another folder");
    // The model's file has no part in it any more.
    fs::remove_file(scratch.path("tiny.toml")).unwrap();
    scratch.succeed("task s 8 --adapter cpu -q");
    let mut task = scratch.command("task s --adapter cpu -q");
    let ended = Running::start(task.env("SLURM_ARRAY_TASK_ID", "2")).ended().succeeded("by Slurm's number");
    assert!(ended.stdout.contains("test"), "{ended:?}");
    assert_eq!(results(&scratch.path("s")), 2);
    // Each is what 'train' makes of it, on another machine, too, where the data is elsewhere.
    fs::rename(scratch.path("data"), scratch.path("moved")).unwrap();
    scratch.run("task s 3 --adapter cpu -q").failed(3, "give the folder where it is now with --data-dir");
    scratch.succeed("task s 3 --adapter cpu -q --data-dir moved");
}

#[test]
fn random_draws_are_the_same_each_time() {
    let scratch = Scratch::new();
    let head = "method = 'random'\ncount = 5\nseed = 1";
    space(
        &scratch,
        head,
        "learning_rate = { log_uniform = [1e-4, 1e-1] }\nlayers.dense.units = { integers = [4, 32] }",
    );
    let new = |folder: &str| scratch.succeed(&format!("sweep new space.toml --run-dir {folder} --json -q")).json();
    let tasks = new("one");
    assert_eq!(tasks, new("other"));
    assert_eq!(tasks.len(), 5);
    for task in &tasks {
        let (rate, units) = (&task["values"]["learning_rate"], &task["values"]["layers.dense.units"]);
        assert!((1e-4..=1e-1).contains(&rate.as_f64().unwrap()) && (4..=32).contains(&units.as_i64().unwrap()));
    }
}

#[test]
fn what_train_would_refuse_is_refused_when_the_manifest_is_made() {
    let scratch = Scratch::new();
    for (head, parameters, part) in [
        ("", "learning_rte = 1", "unknown key \"learning_rte\" (did you mean \"learning_rate\"?); there are "),
        ("", "optimizer.momentun = [0.5]", "task 1: tiny.toml with --set optimizer.momentun=0.5"),
        ("", "optimizer.beta1 = [0.5, 0.6]", "unknown key \"beta1\" (did you mean \"beta_1\"?)"),
        ("", "layers.dens.units = [4]", "no layer is called \"dens\" (did you mean \"dense\"?)"),
        ("", "layers.dense.unit = [4]", "unknown key \"unit\" (did you mean \"units\"?)"),
        ("", "epochs = [3, 0]", "task 2 (epochs = 0): --epochs 0: nothing to train; give 1 or more"),
        ("", "epochs = ['x']", "task 1: invalid value 'x' for '--epochs <N>'"),
        ("", "learning_rate = [-1]", "task 1: --learning-rate -1: not a positive number"),
        (
            "",
            "schedule = ['cosin']",
            "invalid value 'cosin' for '--schedule <SCHEDULE>'; [possible values: constant, cos",
        ),
        ("", "seed = [1.5]", "invalid value '1.5' for '--seed <SEED>'"),
        ("", "patience = 3", "--early-stopping"),
        ("", "adapter = 'cpu'", "adapter is no part of a run; give it to 'task' or 'sweep run'"),
        ("", "run_dir = 'x'", "run_dir is no part of a run"),
        ("", "no_shuffle = 1", "no_shuffle is 1; give true or false"),
        ("", "epochs = true", "epochs is true; give text or a number, as for --epochs"),
        ("", "micro_batch = 0", "--micro-batch 0: nothing goes through the network"),
        (
            "",
            "validation_fraction = [0.2, 0.0]",
            "metric is val_accuracy, but nothing is validated; give loss or accuracy",
        ),
        (
            "",
            "schedule.learning_rate = 0.1\nlearning_rate = [1, 2]",
            "tasks 1 and 2 are the same run (learning_rate = 2)",
        ),
        ("", "batch_size_ = 3", "unknown key \"batch_size_\" (did you mean \"batch_size\"?)"),
        ("folds = 400", "", "400"),
        (
            "method = 'tpe'\ncount = 2",
            "",
            "method is \"tpe\", which goes by what came of earlier runs; give \"random\", or search from Python with: python -m \
             gpu_fmnist.search space.toml",
        ),
    ] {
        space(&scratch, head, parameters);
        let ended = scratch.run("sweep new space.toml --run-dir s");
        ended.failed(2, part);
        assert!(ended.stderr.contains("error: space.toml: ") && !scratch.path("s").exists(), "{ended:?}");
    }
    let model = fs::read_to_string(scratch.path("tiny.toml")).unwrap();
    fs::write(scratch.path("large.toml"), model.replace("[8, 8, 1]", "[9, 9, 1]")).unwrap();
    fs::write(scratch.path("space.toml"), "[parameters]\nmodel = 'large.toml'").unwrap();
    scratch.run("sweep new space.toml").failed(3, "images are [8, 8, 1] [H, W, C], but model 'large' takes [9, 9, 1]");
    fs::write(scratch.path("space.toml"), "[parameters]\nbatch_size = 299\nmodel = 'tiny.toml'").unwrap();
    scratch
        .run("sweep new space.toml")
        .failed(2, "space.toml: task 1: --batch-size 299: only 240 samples to train with");
    scratch.run("sweep new nothing.toml").failed(2, "nothing.toml: cannot be read");
    assert!(!scratch.path("runs").exists());
}

#[test]
fn tasks_that_are_none_are_refused() {
    let scratch = with_sweep("", "epochs = [1, 2]");
    for number in ["0", "3"] {
        scratch.run(&format!("task s {number}")).failed(2, &format!("no task {number}; give a number from 1 to 2"));
    }
    assert_eq!(scratch.run("task s x").code, Some(2));
    assert_eq!(scratch.run("task s").code, Some(2));
    scratch.run("task data 1").failed(3, "give a folder that 'sweep new' wrote");
    scratch.run("collect tiny.toml").failed(3, "no manifest of a sweep");
    // A run of another configuration in the task's place.
    scratch.train("--epochs 1 --run-dir s/tasks/1 --seed 9 -q");
    scratch.run("task s 1 --adapter cpu").failed(3, "the run of another configuration than the task's; remove it");
    let text = fs::read_to_string(scratch.path("s/sweep.json")).unwrap();
    fs::create_dir(scratch.path("t")).unwrap();
    fs::write(scratch.path("t/sweep.json"), &text[..text.len() / 2]).unwrap();
    scratch.run("task t 1").failed(3, "not whole");
    fs::write(scratch.path("t/sweep.json"), text.replace("\"epochs\":1", "\"epochs\":0")).unwrap();
    scratch.run("task t 1").failed(3, "task 1 is impossible (--epochs 0");
}

/// What a process left that was killed before its first checkpoint.
#[test]
fn a_task_begins_anew_where_nothing_was_saved() {
    let scratch = with_sweep("", "epochs = 1");
    fs::create_dir_all(scratch.path("s/tasks/1/checkpoints")).unwrap();
    fs::write(scratch.path("s/tasks/1/.lock"), "process 1 (gpu-fmnist task)").unwrap();
    fs::write(scratch.path("s/tasks/1/checkpoints/.x.part"), "half").unwrap();
    scratch.succeed("task s 1 --adapter cpu -q");
    assert_eq!(table(&scratch, "s")[0]["status"], "complete");
}

#[test]
fn pruning_follows_from_the_files_alone() {
    let head = "[pruning]\ntype = 'median'\nmin_tasks = 2\nwarm_up_epochs = 1";
    let scratch = with_sweep(head, "epochs = 5\nlearning_rate = [0.01, 0.02, 1e-7]");
    for task in 1..=3 {
        scratch.succeed(&format!("task s {task} --adapter cpu -q"));
    }
    let rows = table(&scratch, "s");
    let of = |name: &str| rows.iter().map(|row| row[name].clone()).collect::<Vec<String>>();
    assert_eq!(of("status"), ["complete", "complete", "pruned"]);
    assert_eq!(of("epochs"), ["5", "5", "2"]);
    let log = fs::read_to_string(scratch.path("s/tasks/3/train.log")).unwrap();
    assert!(log.contains("Epoch 2: pruned: its best val_accuracy, "), "{log}");
    let (result, last) = (fs::read(scratch.path("s/tasks/3/result.json")).unwrap(), scratch.last("s/tasks/3"));
    // The same files, and so the same end; whoever asks.
    fs::remove_dir_all(scratch.path("s/tasks/3")).unwrap();
    scratch.succeed("task s 3 --adapter cpu -q");
    assert!(last == scratch.last("s/tasks/3"));
    assert_eq!(timeless(table(&scratch, "s")), timeless(rows.clone()));
    let without = |bytes: &[u8]| {
        let mut result: Value = serde_json::from_slice(bytes).unwrap();
        result["seconds"] = Value::Null;
        result
    };
    assert_eq!(without(&result), without(&fs::read(scratch.path("s/tasks/3/result.json")).unwrap()));
    // Without the others' curves there is nothing to hold it against.
    fs::remove_dir_all(scratch.path("s/tasks")).unwrap();
    scratch.succeed("task s 3 --adapter cpu -q");
    assert_eq!(table(&scratch, "s")[2]["status"], "complete");
}

#[test]
fn halving_ends_what_is_not_among_the_best() {
    let head = "metric = 'val_loss'\n[pruning]\ntype = 'halving'\nmin_epochs = 2\nreduction = 2";
    let scratch = with_sweep(head, "epochs = 4\nlearning_rate = [0.01, 1e-7, 1e-6]");
    scratch.succeed("sweep run s --adapter cpu -q");
    let rows = table(&scratch, "s");
    let of = |name: &str| rows.iter().map(|row| row[name].clone()).collect::<Vec<String>>();
    assert_eq!(
        (of("status"), of("epochs")),
        (["complete", "pruned", "pruned"].map(str::to_owned).to_vec(), ["4", "2", "2"].map(str::to_owned).to_vec(),)
    );
}

#[test]
fn a_table_tells_of_what_is_not_finished_and_of_what_diverged() {
    let scratch = with_sweep("", "epochs = 2\nlearning_rate = [0.001, 0.01, 1e38, 0.1]");
    let none = scratch.succeed("collect s");
    assert!(none.stderr.contains("0 of 4 tasks have ended; wrote sweep.csv into "), "{none:?}");
    for task in 1..=3 {
        scratch.succeed(&format!("task s {task} --adapter cpu -q"));
    }
    let rows = table(&scratch, "s");
    let status: Vec<&str> = rows.iter().map(|row| row["status"].as_str()).collect();
    assert_eq!(status, ["complete", "complete", "diverged", "waiting"]);
    assert_eq!((rows[2]["test_loss"].as_str(), rows[3]["epochs"].as_str()), ("", "0"));
    let ended = scratch.succeed("collect s");
    assert!(ended.stderr.contains("3 of 4 tasks have ended; wrote sweep.csv, parallel_coordinates."), "{ended:?}");
    let first = ended.stdout.lines().nth(1).unwrap();
    let best = if rows[0]["val_accuracy"] >= rows[1]["val_accuracy"] { "1 " } else { "2 " };
    assert!(first.starts_with(best) && ended.stdout.contains("training FLOP"), "{ended:?}");
    for picture in ["parallel_coordinates", "importance"] {
        let svg = fs::read_to_string(scratch.path("s").join(format!("{picture}.svg"))).unwrap();
        assert!(svg.contains("learning_rate") && svg.contains("val_accuracy"), "{picture}");
        assert!(fs::read(scratch.path("s").join(format!("{picture}.png"))).unwrap().starts_with(b"\x89PNG"));
    }
    let objects = scratch.succeed("collect s --json -o elsewhere").json();
    assert_eq!((objects.len(), &objects[3]["test_loss"], &objects[1]["task"]), (4, &Value::Null, &2.into()));
    assert_eq!(fs::read(scratch.path("elsewhere/sweep.csv")).unwrap(), fs::read(scratch.path("s/sweep.csv")).unwrap());
}

#[test]
fn a_task_that_fails_keeps_no_other_from_being_done() {
    let scratch = with_sweep("", "epochs = [1, 2]");
    fs::create_dir_all(scratch.path("s/tasks")).unwrap();
    fs::write(scratch.path("s/tasks/1"), "in the way").unwrap();
    let ended = scratch.run("sweep run s --adapter cpu");
    ended.failed(1, "task 1: exit code 1 (");
    assert!(ended.stderr.contains("1/2: task 2 (epochs = 2): complete, 2 epochs in "), "{ended:?}");
    fs::remove_file(scratch.path("s/tasks/1")).unwrap();
    scratch.succeed("sweep run s --adapter cpu");
}

#[cfg(unix)]
#[test]
fn printed_lines_are_commands() {
    let scratch = with_sweep("", "epochs = [1, 2]");
    scratch.succeed("task s 1 --adapter cpu -q");
    let lines = scratch.succeed("sweep run s --engine print --adapter cpu").stdout;
    assert_eq!(lines.lines().count(), 1, "{lines}");
    let shell = scratch.prepared(std::process::Command::new("sh"), "").arg("-c").arg(&lines).output().unwrap();
    assert!(shell.status.success(), "{shell:?}");
    assert_eq!(results(&scratch.path("s")), 2);
    scratch.succeed("sweep new space.toml --run-dir t -q");
    scratch
        .run("sweep run t --engine print --adapter cpu,0")
        .failed(2, "--adapter cpu,0: with the engine print it is for");
}

/// With programs in Slurm's place: what would be submitted, and what a job does.
#[cfg(unix)]
#[test]
fn slurm_gets_an_array_of_jobs() {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    let scratch = with_sweep("", "epochs = 1\nseed = [1, 2, 3, 4, 5]");
    scratch.succeed("task s 1 --adapter cpu -q");
    scratch.succeed("task s 2 --adapter cpu -q");
    let bin = scratch.path("bin");
    fs::create_dir(&bin).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let with_path = |mut command: Command| -> Ended { Running::start(command.env("PATH", &path)).ended() };
    let submit = "sweep run s --engine slurm --adapter cpu --tasks-per-job 2 --sbatch=--partition=gpu";
    let missing = Running::start(scratch.command(submit).env("PATH", &bin)).ended();
    missing.failed(1, "sbatch: there is no such program here; submit the jobs where Slurm is with: sbatch ");
    for (name, text) in [
        ("sbatch", "#!/bin/sh\n[ \"$1\" = --parsable ] && echo '42;cluster'"),
        ("srun", "#!/bin/sh\nshift\nexec \"$@\""),
    ] {
        fs::write(bin.join(name), text).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let ended = with_path(scratch.command(submit)).succeeded("sbatch");
    assert_eq!(ended.stdout, "42\n");
    assert!(ended.stderr.contains("3 of 5 tasks in 2 jobs; see: squeue --job 42"), "{ended:?}");
    let script = fs::read_to_string(scratch.path("s/slurm/job.sh")).unwrap();
    for line in ["#SBATCH --array=2-3", "#SBATCH --requeue", "#SBATCH --partition=gpu", "#SBATCH --job-name=space"] {
        assert!(script.lines().any(|own| own == line), "no '{line}' in: {script}");
    }
    for job in ["2", "3"] {
        let mut shell = scratch.prepared(Command::new("bash"), "s/slurm/job.sh");
        shell.env("SLURM_ARRAY_TASK_ID", job);
        with_path(shell).succeeded(job);
    }
    assert_eq!(results(&scratch.path("s")), 5);
    fs::write(bin.join("sbatch"), "#!/bin/sh\necho 'sbatch: error: invalid partition' >&2\nexit 1").unwrap();
    scratch.succeed("sweep new space.toml --run-dir t -q");
    with_path(scratch.command("sweep run t --engine slurm")).failed(1, "refused (error: invalid partition); give what");
}

#[test]
fn folds_by_an_engine_are_those_of_kfold() {
    let scratch = Scratch::new();
    let kfold = "kfold --model tiny.toml --batch-size 32 --epochs 2 --folds 3 --adapter cpu --json -q";
    let one = scratch.succeed(&format!("{kfold} --run-dir one")).json();
    let other = scratch.succeed(&format!("{kfold} --run-dir other --engine local --jobs 2")).json();
    for (one, other) in one[..3].iter().zip(&other) {
        for name in ["loss", "val_loss", "val_accuracy", "test_loss", "test_accuracy"] {
            assert_eq!(one[name], other[name], "{name}");
        }
        assert_eq!(one["fold"], other["fold"]);
    }
    let told = scratch.succeed("collect other").stdout;
    let means = told.split("means over seeds and folds:\n").nth(1).unwrap();
    let mean = one[3]["test_accuracy"]["mean"].as_f64().unwrap();
    assert!(means.contains(&format!("{mean:.4}")), "{means} {mean}");
    assert_eq!(scratch.run("kfold --model tiny.toml --jobs 2").code, Some(2));
}
