//! `track`: runs at an MLflow server, whatever befalls the server. A real one is in mlflow_real.rs.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::mlflow_server::{Mood, Run, Server};
use crate::support::{Ended, Running, Scratch, ended};

/// Epochs of 8 steps.
const EPOCHS: usize = 3;

fn trained(epochs: usize) -> Scratch {
    let scratch = Scratch::new();
    scratch.train(&format!("--epochs {epochs} --run-dir runs/one"));
    scratch
}

fn track(scratch: &Scratch, server: &str, more: &str) -> Ended {
    let arguments = format!("track runs --mlflow {server} {more}");
    ended(scratch.command(&arguments).env("MLFLOW_HTTP_REQUEST_TIMEOUT", "1").output().unwrap())
}

/// That a run is there with all of what its folder has, once.
#[track_caller]
fn assert_whole(run: &Run, scratch: &Scratch, folder: &str) {
    for (table, prefix, number, names) in [
        ("metrics.csv", "", "epoch", &["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"][..]),
        ("steps.csv", "step/", "step", &["loss", "accuracy", "learning_rate"]),
    ] {
        let mut reader = csv::Reader::from_path(scratch.path(folder).join(table)).unwrap();
        let headers = reader.headers().unwrap().clone();
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
        for name in names {
            let expected: Vec<(u64, f64)> = rows
                .iter()
                .map(|row| (row[column(number)].parse().unwrap(), row[column(name)].parse().unwrap()))
                .collect();
            assert_eq!(run.metric(&format!("{prefix}{name}")), expected, "{name}");
        }
    }
}

#[test]
fn a_run_is_sent_once_with_all_there_is_to_it() {
    let scratch = trained(EPOCHS);
    let server = Server::start(Mood::Fine);
    let first = track(&scratch, &server.address, "").succeeded("track");
    let page = format!("{}/#/experiments/0/runs/0", server.address);
    assert_eq!(first.stdout, format!("runs/one: 3 epochs, 24 steps, 7 files sent; {page}\n"));
    let again = track(&scratch, &server.address, "").succeeded("track");
    assert_eq!(again.stdout, format!("runs/one: 0 epochs, 0 steps, 0 files sent; {page}\n"));
    let [run] = server.runs().try_into().unwrap();
    assert_whole(&run, &scratch, "runs/one");
    assert_eq!((run.name.as_str(), run.status.as_str()), ("one", "FINISHED"));
    for (name, value) in [("epochs", "3"), ("model", "tiny"), ("optimizer.beta_1", "0.9"), ("layers.dense.units", "16")]
    {
        assert_eq!(run.parameters[name], value, "{name}");
    }
    assert!(run.tags["command"].starts_with("gpu-fmnist train --model tiny.toml"), "{:?}", run.tags);
    assert_eq!(run.metric("test_accuracy").len(), 1);
    let length = scratch.path("runs/one/checkpoints/best.safetensors").metadata().unwrap().len() as usize;
    assert_eq!(run.files["checkpoints/best.safetensors"], length);
    assert!(run.files.contains_key("metrics.csv"), "{:?}", run.files);
    assert_eq!(server.state.lock().unwrap().authorization, None);
}

#[test]
fn a_resumed_run_is_the_same_one_wherever_its_folder_is() {
    let scratch = trained(EPOCHS);
    let server = Server::start(Mood::Fine);
    track(&scratch, &server.address, "").succeeded("track");
    fs::rename(scratch.path("runs/one"), scratch.path("runs/moved")).unwrap();
    scratch.succeed("train --resume runs/moved --epochs 5 --adapter cpu --no-report");
    let sent = track(&scratch, &server.address, "").succeeded("track").stdout;
    assert!(sent.starts_with("runs/moved: 2 epochs, 16 steps, "), "{sent}");
    let [run] = server.runs().try_into().unwrap();
    assert_whole(&run, &scratch, "runs/moved");
    // Parameters cannot be changed there.
    assert_eq!((run.parameters["epochs"].as_str(), run.tags["now.epochs"].as_str()), ("3", "5"));
    // Another run with the same configuration is another run.
    scratch.train(&format!("--epochs {EPOCHS} --run-dir runs/two"));
    track(&scratch, &server.address, "--experiment others").succeeded("track");
    track(&scratch, &server.address, "").succeeded("track");
    let experiments: Vec<String> = server.runs().iter().map(|run| format!("{} {}", run.experiment, run.name)).collect();
    assert_eq!(experiments, ["0 one", "1 moved", "1 two", "0 two"]);
}

#[test]
fn a_server_that_dies_at_any_request_loses_nothing() {
    let scratch = trained(EPOCHS);
    let whole = Server::start(Mood::Fine);
    track(&scratch, &whole.address, "").succeeded("track");
    let requests = whole.state.lock().unwrap().requests.len();
    for answered in 0..requests {
        let server = Server::start(Mood::DiesAfter(answered));
        let ended = track(&scratch, &server.address, "");
        ended.failed(1, &format!("{}: no MLflow server answers (", server.address));
        assert!(
            ended
                .stderr
                .ends_with("; start it with 'mlflow server', and track again: what arrived is not sent twice\n")
        );
        server.set(Mood::Fine);
        track(&scratch, &server.address, "").succeeded("track");
        let runs = server.runs();
        // One that was made and not answered for is found again by its tag.
        assert_eq!(runs.len(), 1, "{answered}");
        assert_whole(&runs[0], &scratch, "runs/one");
        assert_eq!((&runs[0].files, &runs[0].status), (&whole.runs()[0].files, &whole.runs()[0].status), "{answered}");
    }
}

#[test]
fn a_server_that_does_not_do_as_asked_is_told_of_in_one_line() {
    let scratch = trained(1);
    let address = |mood| Server::start(mood).address;
    for (mood, words) in [
        (
            Mood::Fails,
            "MLflow fails at experiments/get-by-name (503 TEMPORARILY_UNAVAILABLE: the database is locked); look",
        ),
        (Mood::Refuses, "MLflow refuses experiments/get-by-name (400 INVALID_PARAMETER_VALUE: no such thing); look"),
        (Mood::Other, "no MLflow server (it answers in other words than MLflow does; check the URL), and"),
    ] {
        let address = address(mood);
        track(&scratch, &address, "").failed(1, &format!("{address}: {words}"));
    }
    let begun = Instant::now();
    let silent = address(Mood::Hangs);
    track(&scratch, &silent, "").failed(1, &format!("{silent}: no MLflow server answers (timeout"));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    track(&scratch, &format!("http://{refusing}/"), "")
        .failed(1, &format!("http://{refusing}: no MLflow server answers ("));
    for address in ["nowhere", "http://", "ftp://127.0.0.1", "file:/tmp/mlruns"] {
        track(&scratch, address, "")
            .failed(2, &format!("--mlflow {address}: not the URL of a server; give one such as"));
    }
    let server = address(Mood::Fine);
    let nowhere = format!("track nowhere --mlflow {server}");
    scratch.run(&nowhere).failed(3, "nowhere: there is no such file or folder; check the path");
    scratch
        .run(&format!("track data --mlflow {server}"))
        .failed(3, "data: the folder of a data set, not the folder of a run");
}

#[test]
fn who_tracks_is_told_as_mlflows_own_clients_tell_it() {
    let scratch = trained(1);
    let server = Server::start(Mood::Fine);
    let arguments = "track runs";
    let run = |user: &str, token: &str| {
        let mut command = scratch.command(arguments);
        command.env("MLFLOW_TRACKING_URI", &server.address).env("MLFLOW_TRACKING_USERNAME", user);
        command.env("MLFLOW_TRACKING_PASSWORD", "secret").env("MLFLOW_TRACKING_TOKEN", token);
        ended(command.output().unwrap()).succeeded(arguments);
        server.state.lock().unwrap().authorization.clone()
    };
    assert_eq!(run("me", ""), Some("Basic bWU6c2VjcmV0".into()));
    assert_eq!(run("", "abc"), Some("Bearer abc".into()));
}

#[test]
fn a_run_is_followed_through_its_servers_failures() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("runs")).unwrap();
    let server = Server::start(Mood::Fails);
    let arguments = format!("track runs --follow --mlflow {}", server.address);
    let tracking = Running::start(&mut scratch.command(&arguments));
    let arguments = "train --model tiny.toml --adapter cpu --batch-size 4 --epochs 300 --no-report --run-dir runs/live";
    let training = Running::start(&mut scratch.command(arguments));
    let metrics = || fs::read_to_string(scratch.path("runs/live/metrics.csv")).unwrap_or_default().lines().count();
    while metrics() < 20 {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_secs(3));
    server.set(Mood::DiesAfter(7));
    std::thread::sleep(Duration::from_secs(3));
    server.set(Mood::Fine);
    training.ended().succeeded("train");
    let ended = tracking.ended().succeeded("track");
    assert!(ended.stderr.contains("; trying again, nothing is lost meanwhile"), "{ended:?}");
    assert!(ended.stderr.contains(": it answers again"), "{ended:?}");
    let [run] = server.runs().try_into().unwrap();
    assert_whole(&run, &scratch, "runs/live");
    assert_eq!((run.status.as_str(), run.parameters["epochs"].as_str()), ("FINISHED", "300"));
}
