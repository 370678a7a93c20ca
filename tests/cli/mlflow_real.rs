//! `track` with MLflow's own server, which `scripts/test --all` installs.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::killpg;
use nix::unistd::Pid;
use serde_json::Value;

use crate::skips::skip;
use crate::support::{Running, Scratch, Signal, ended};

/// A server with its database in the scratch folder; its processes end with it.
struct Server(Running);

impl Server {
    fn start(python: &Path, scratch: &Scratch, port: u16) -> Self {
        let arguments = format!(
            "-m mlflow server --backend-store-uri sqlite:///mlflow.db --artifacts-destination artifacts --host 127.0.0.1 \
             --port {port} --workers 1"
        );
        let mut command = scratch.prepared(Command::new(python), &arguments);
        let log = || fs::File::options().create(true).append(true).open(scratch.path("server.log")).unwrap();
        command.stdout(log()).stderr(log()).process_group(0);
        let mut server = Self(Running::spawn(&mut command));
        for _ in 0..1200 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return server;
            }
            assert!(server.0.child().try_wait().unwrap().is_none(), "{}", log_of(scratch));
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("no server: {}", log_of(scratch));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = Pid::from_raw(self.0.child().id().try_into().unwrap());
        let _ = killpg(group, Signal::SIGKILL);
    }
}

fn log_of(scratch: &Scratch) -> String {
    fs::read_to_string(scratch.path("server.log")).unwrap_or_default()
}

/// What a table of the run has in a column, by the number that its row begins with.
fn column(scratch: &Scratch, table: &str, name: &str) -> Vec<(u64, f64)> {
    let mut reader = csv::Reader::from_path(scratch.path("runs/live").join(table)).unwrap();
    let place = reader.headers().unwrap().iter().position(|header| header == name).unwrap();
    reader.records().map(Result::unwrap).map(|row| (row[0].parse().unwrap(), row[place].parse().unwrap())).collect()
}

#[test]
#[ignore = "slow; scripts/test --all runs it"]
fn a_real_server_that_is_killed_has_all_of_a_run_after_the_next_time() {
    let Some(python) = std::env::var_os("GPU_FMNIST_MLFLOW").map(PathBuf::from) else {
        return skip("runs at a real MLflow server: GPU_FMNIST_MLFLOW names no Python that has it");
    };
    let scratch = Scratch::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let server = Server::start(&python, &scratch, port);
    fs::create_dir(scratch.path("runs")).unwrap();
    let following = Running::start(&mut scratch.command(&format!("track runs --follow --mlflow {url}")));
    let train = "train --model tiny.toml --adapter cpu --batch-size 16 --epochs 40 --run-dir runs/live";
    scratch.succeed(train);
    // In the middle of what is to be sent, and while files may be on their way.
    std::thread::sleep(Duration::from_millis(700));
    drop(server);
    std::thread::sleep(Duration::from_secs(3));
    let server = Server::start(&python, &scratch, port);
    following.ended().succeeded("track --follow");
    let again = scratch.succeed(&format!("track runs --mlflow {url}")).stdout;
    assert!(again.starts_with("runs/live: 0 epochs, 0 steps, 0 files sent; "), "{again}");
    // Goes on with the same run.
    scratch.succeed("train --resume runs/live --epochs 42 --adapter cpu");
    let more = scratch.succeed(&format!("track runs --mlflow {url}")).stdout;
    assert!(more.starts_with("runs/live: 2 epochs, 30 steps, "), "{more}");

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/tracked.py");
    let mut client = Command::new(&python);
    client.arg(script).args([&url, &scratch.path("").display().to_string()]);
    let read: Value = ended(client.output().unwrap()).succeeded("MLflow's client").json().remove(0);
    drop(server);
    assert_eq!(read["name"], "live");
    assert_eq!(read["status"], "FINISHED");
    assert_eq!(read["params"]["model"], "tiny");
    assert_eq!(read["params"]["layers.dense.units"], "16");
    for (table, prefix, names) in [
        ("metrics.csv", "", &["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"][..]),
        ("steps.csv", "step/", &["loss", "accuracy", "learning_rate"]),
    ] {
        for name in names {
            let key = format!("{prefix}{name}");
            let mut found: Vec<(u64, f64)> = serde_json::from_value(read["metrics"][&key].clone()).unwrap();
            found.sort_by_key(|(step, _)| *step);
            assert_eq!(found, column(&scratch, table, name), "{key}");
        }
    }
    let files = read["files"].as_array().unwrap();
    for name in ["report.html", "metrics.csv", "steps.csv", "checkpoints/last.safetensors"] {
        assert!(files.contains(&name.into()), "no {name}: {files:?}");
    }
    assert_eq!(read["report"], scratch.path("runs/live/report.html").metadata().unwrap().len());
}
