//! The page that `scripts/web` builds, in a real browser on its software GPU: `GPU_FMNIST_WEB` names its folder.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use gpu_fmnist::formats::Checkpoint;
use gpu_fmnist::train::{Config, State};
use gpu_fmnist::{Dataset, Device};
use serde_json::Value;

use crate::report::browser;
use crate::skips::skip;
use crate::support::{Running, Scratch};

/// Everything that is asked of the page, and what must come of it.
const LONGEST: Duration = Duration::from_secs(1200);

/// A name in a request, and the folder that it is looked for in.
type Folders = Vec<(&'static str, PathBuf)>;

/// A file that the page sent, or its last words.
type Sent = (String, Vec<u8>);

/// Serves folders at a port of this machine, and hands on what is sent there.
fn serve(folders: Folders, list: String) -> (u16, Receiver<Sent>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (folders, list, sender) = (folders.clone(), list.clone(), sender.clone());
            // A browser that goes away is none of the test's concern.
            thread::spawn(move || drop(answer(stream, &folders, &list, &sender)));
        }
    });
    (port, receiver)
}

fn answer(mut stream: TcpStream, folders: &Folders, list: &str, sender: &Sender<Sent>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let words: Vec<&str> = lines.first().map_or(Vec::new(), |line| line.split(' ').collect());
    let &[method, path, _] = words.as_slice() else { return Ok(()) };
    let path = path.strip_prefix('/').unwrap_or(path);
    if let (true, Some(name)) = (method == "POST", path.strip_prefix("sent/")) {
        let length =
            lines.iter().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut bytes = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut bytes)?;
        // The test may be over.
        drop(sender.send((name.to_owned(), bytes)));
        return respond(&mut stream, "204 No Content", "text/plain", &[]);
    }
    if path == "list.json" {
        return respond(&mut stream, "200 OK", "application/json", list.as_bytes());
    }
    let found = folders.iter().find_map(|(name, folder)| fs::read(folder.join(path.strip_prefix(name)?)).ok());
    let kind = match Path::new(path).extension().and_then(|ending| ending.to_str()) {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    };
    match found {
        // The test looks over the worker's shoulder.
        Some(bytes) if path == "worker.js" => {
            respond(&mut stream, "200 OK", kind, &[include_str!("web/watch.js").as_bytes(), &bytes[..]].concat())
        }
        Some(bytes) => respond(&mut stream, "200 OK", kind, &bytes),
        None => respond(&mut stream, "404 Not Found", "text/plain", &[]),
    }
}

fn respond(stream: &mut TcpStream, status: &str, kind: &str, bytes: &[u8]) -> std::io::Result<()> {
    let length = bytes.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(bytes)
}

/// The files of the fuzz corpora for what can be dropped onto the page.
fn corpora() -> (PathBuf, Vec<String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let kinds = ["checkpoint", "idx", "keras_h5", "keras_zip", "onnx", "safetensors"];
    let of = |kind: &'static str| {
        crate::support::names(&folder.join(kind)).into_iter().map(move |name| format!("{kind}/{name}"))
    };
    let names = kinds.into_iter().flat_map(of).collect();
    (folder, names)
}

/// The page's state of a run, and its tensors.
fn run(sent: &HashMap<String, Vec<u8>>, name: &str) -> (State, Checkpoint) {
    let checkpoint = Checkpoint::decode(&sent[name], name).unwrap();
    (State::parse(&checkpoint, Path::new(name)).unwrap(), checkpoint)
}

#[test]
fn a_browser_trains_as_the_desktop_does() {
    let Some(page) = std::env::var_os("GPU_FMNIST_WEB").map(PathBuf::from) else {
        return skip("the page in a browser: GPU_FMNIST_WEB names no folder that scripts/web built");
    };
    let Some(browser) = browser() else {
        return skip("the page in a browser: no chromium here");
    };
    let scratch = Scratch::new();
    scratch.train("--epochs 1 --seed 3 --run-dir desktop");
    fs::copy(scratch.path("desktop/checkpoints/last.safetensors"), scratch.path("desktop.safetensors")).unwrap();
    let (corpus, names) = corpora();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/web");
    let folders = vec![
        ("test/", own),
        ("data/", scratch.path("data")),
        ("scratch/", scratch.path("")),
        ("corpus/", corpus),
        ("", page),
    ];
    let (port, received) = serve(folders, serde_json::to_string(&names).unwrap());
    let mut command = Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--enable-logging=stderr"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.args(["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-unsafe-swiftshader"]);
    command.arg(format!("--user-data-dir={}", scratch.path("browser").display()));
    command.arg(format!("http://127.0.0.1:{port}/test/run.html"));
    // The browser brings its own driver, and its libraries are of the system's libc.
    for variable in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES", "VK_LOADER_LAYERS_DISABLE"] {
        command.env_remove(variable);
    }
    let messages = fs::File::create(scratch.path("messages")).unwrap();
    let running = Running::spawn(command.stdout(std::process::Stdio::null()).stderr(messages));
    let mut sent = HashMap::new();
    while !sent.contains_key("done") {
        let (name, bytes) = received.recv_timeout(LONGEST).expect("the browser says nothing");
        sent.insert(name, bytes);
    }
    drop(running);
    let messages = String::from_utf8_lossy(&fs::read(scratch.path("messages")).unwrap()).into_owned();
    let facts: Value = serde_json::from_slice(&sent["done"]).unwrap();
    println!("{facts:#}");
    assert_eq!(facts["problem"], Value::Null, "{messages}");
    assert!(!messages.contains(":CONSOLE"), "{messages}");
    page_is_whole(&facts, port);
    training_leaves_the_page_free(&facts);
    hostile_files_are_refused(&facts, names.len());
    runs_agree(&scratch, &sent);
    networks_agree(&scratch, &sent, &facts);
}

fn page_is_whole(facts: &Value, port: u16) {
    for width in facts["widths"].as_array().unwrap() {
        assert!(width[1].as_u64() <= width[0].as_u64(), "wider than its window: {facts}");
    }
    assert_eq!(facts["nameless"], serde_json::json!([]), "{facts}");
    let own = format!("http://127.0.0.1:{port}/");
    let requests = facts["requests"].as_array().unwrap();
    assert!(requests.iter().all(|request| request.as_str().unwrap().starts_with(&own)), "{requests:?}");
    let selftest = facts["selftest"].as_str().unwrap();
    assert!(selftest.ends_with("all passed."), "{selftest}: {}", facts["failing"]);
    assert!(facts["results"]["bench"][0]["tolerance_used"].as_f64().unwrap() <= 1.0, "{facts}");
    assert_eq!((&facts["grid"], &facts["answers"]), (&60.into(), &4.into()), "{facts}");
}

/// No task of the page's own thread is long, and from the second epoch on nothing is made that stays.
fn training_leaves_the_page_free(facts: &Value) {
    let longest = facts["long"].as_array().unwrap().iter().filter_map(Value::as_f64).fold(0.0, f64::max);
    assert!(longest <= 50.0, "the page was blocked for {longest} ms");
    assert_eq!(facts["memory"][0], facts["memory"][1], "{facts}");
    assert!(facts["memory"][0]["createBuffer"].as_u64() > Some(0), "{facts}");
}

fn hostile_files_are_refused(facts: &Value, count: usize) {
    let messages = facts["hostile"].as_array().unwrap();
    assert_eq!(messages.len(), count);
    for message in messages {
        let text = message[1].as_str().unwrap();
        assert!(!text.contains("started again") && text.lines().count() <= 1, "{message}");
    }
    assert!(messages.iter().filter(|message| message[1] != "").count() > count / 2, "{facts}");
}

/// A paused run ends as one that was not; the desktop's ends where the page's does; each goes on with the other's.
fn runs_agree(scratch: &Scratch, sent: &HashMap<String, Vec<u8>>) {
    assert!(sent["whole"] == sent["resumed"], "a resumed run has other bits");
    let (of_page, _) = run(sent, "whole");
    let dataset = Dataset::load(&scratch.path("data")).unwrap();
    let config = Config { epochs: 2, ..of_page.config.clone() };
    let device = Device::Cpu;
    let state = State::new(config, of_page.data.clone(), device.identity());
    let mut trainer = device.trainer(state, (&dataset).into()).unwrap();
    for expected in &of_page.history[..2] {
        let result = trainer.epoch(&mut |_| std::ops::ControlFlow::Continue(())).unwrap().unwrap().result;
        assert!((result.loss - expected.loss).abs() < 1e-5, "{result:?} {expected:?}");
    }
    let (continued, _) = run(sent, "continued");
    scratch.succeed("train --resume desktop --epochs 2 --adapter cpu --no-report");
    let own = State::parse(&Checkpoint::decode(&scratch.last("desktop"), "own").unwrap(), Path::new("own")).unwrap();
    assert_eq!(own.history[0], continued.history[0]);
    assert!((own.history[1].loss - continued.history[1].loss).abs() < 1e-4, "{own:?} {continued:?}");
    fs::create_dir_all(scratch.path("back/checkpoints")).unwrap();
    fs::write(scratch.path("back/checkpoints/last.safetensors"), &sent["continued"]).unwrap();
    scratch.succeed("train --resume back --epochs 3 --adapter cpu --no-report");
    let back = State::parse(&Checkpoint::decode(&scratch.last("back"), "back").unwrap(), Path::new("back")).unwrap();
    assert_eq!((back.epoch, &back.history[..2]), (3, &continued.history[..]));
}

/// What the page saves is the network that it judged.
fn networks_agree(scratch: &Scratch, sent: &HashMap<String, Vec<u8>>, facts: &Value) {
    for ending in ["safetensors", "onnx", "keras"] {
        let name = format!("saved.{ending}");
        fs::write(scratch.path(&name), &sent[&name]).unwrap();
        let judged = scratch.succeed(&format!("evaluate --run {name} --adapter cpu --json --data-dir data"));
        let judged = &judged.json()[0];
        assert_eq!(judged["confusion_matrix"], facts["confusion"], "{name}: {judged}");
    }
}
