//! Systems that allow a user few threads.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::skips::skip;
use crate::support::{Ended, Scratch, ended};

/// Root is not limited: it becomes a user who owns nothing else.
const OTHER_USER: [&str; 4] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

fn works(words: &[&str]) -> bool {
    Command::new(words[0]).args(&words[1..]).output().is_ok_and(|output| output.status.success())
}

/// The words before a program that limit its user's threads to so many; none where that cannot be done.
fn limits() -> Option<Vec<Vec<String>>> {
    let root = works(&["test", "-w", "/"]);
    // Another user has processes already, and so is over any such limit: it gets no second thread.
    let (user, counts): (&[&str], &[usize]) = if root { (&OTHER_USER, &[1, 2, 3, 4, 8]) } else { (&[], &[1]) };
    let words = |count: &usize| {
        let limit = ["prlimit".to_owned(), format!("--nproc={count}")];
        limit.into_iter().chain(user.iter().map(|&word| word.to_owned())).collect::<Vec<_>>()
    };
    let all: Vec<Vec<String>> = counts.iter().map(words).collect();
    let can = |words: &Vec<String>| works(&words.iter().map(String::as_str).chain(["true"]).collect::<Vec<_>>());
    all.iter().all(can).then_some(all)
}

#[test]
fn few_threads_are_enough() {
    let Some(limits) = limits() else {
        return skip("runs with few threads: no prlimit and setpriv that work here");
    };
    let scratch = Scratch::new();
    // Where any user can read and write.
    let program = scratch.path("gpu-fmnist");
    fs::copy(env!("CARGO_BIN_EXE_gpu-fmnist"), &program).unwrap();
    fs::set_permissions(scratch.path(""), fs::Permissions::from_mode(0o777)).unwrap();
    let run = |limit: &[String], arguments: &str| -> Ended {
        let mut command = Command::new(&limit[0]);
        command.args(&limit[1..]).arg(&program);
        ended(scratch.prepared(command, arguments).output().unwrap())
    };
    let train = "train --model tiny.toml --batch-size 32 --epochs 2";
    scratch.succeed(&format!("{train} --adapter cpu --run-dir whole"));
    for (number, limit) in limits.iter().enumerate() {
        run(limit, &format!("{train} --adapter cpu --run-dir run-{number}")).succeeded("train");
        assert!(scratch.last(&format!("run-{number}")) == scratch.last("whole"), "{limit:?}: the runs differ");
        for arguments in [
            format!("{train} --run-dir auto-{number}"),
            format!("train --resume run-{number} --epochs 3 --adapter cpu"),
            format!("evaluate --run run-{number} --adapter cpu"),
            format!(
                "kfold --model tiny.toml --folds 2 --epochs 1 --batch-size 32 --adapter cpu --run-dir folds-{number}"
            ),
            format!("baseline --learners forest --adapter cpu -o baseline-{number}"),
            "bench --model tiny.toml --batch-size 32 --steps 1 --repeats 5 --adapter cpu".into(),
            "devices".into(),
        ] {
            let ended = run(limit, &arguments);
            assert!(!ended.stderr.contains("error: ") && ended.code == Some(0), "{limit:?} {arguments}: {ended:?}");
        }
        // Its library has a thread of its own.
        let reduced =
            run(limit, &format!("reduce --method tsne --perplexity 5 --components 5 --adapter cpu -o tsne-{number}"));
        if reduced.code != Some(0) {
            reduced.failed(1, "the system allows no thread for t-SNE (");
        }
    }
}
