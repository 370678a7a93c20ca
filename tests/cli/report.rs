//! `report`: one page about a run, and how a browser shows it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::skips::skip;
use crate::support::{MODEL, Scratch};

/// A folder whose name means something in HTML, and to a shell.
const RUN: &str = "<i>\"'&amp;run";

/// The page about a run of the small model, under a name and in a folder that mean something in HTML.
fn page() -> (Scratch, String) {
    let scratch = Scratch::new();
    let model = format!("name = '<script>alert(\"name\")&lt;'\n{MODEL}");
    fs::write(scratch.path("tiny.toml"), model).unwrap();
    scratch.train(&format!("--epochs 3 --learning-rate 0.003 --run-dir {RUN} -q"));
    let ended = scratch.succeed(&format!("report {RUN} --adapter cpu"));
    assert_eq!(ended.stdout, format!("wrote {}\n", Path::new(RUN).join("report.html").display()));
    let text = fs::read_to_string(scratch.path(RUN).join("report.html")).unwrap();
    (scratch, text)
}

#[test]
fn a_report_says_what_the_run_says() {
    let (scratch, text) = page();
    let measured = scratch.succeed(&format!("evaluate --run {RUN} --adapter cpu --json")).json();
    let accuracy = 100.0 * measured[0]["accuracy"].as_f64().unwrap();
    let loss = measured[0]["loss"].as_f64().unwrap();
    for part in [
        format!("<dd>{accuracy:.2} %</dd>"),
        format!("<dd>{loss:.4}</dd>"),
        // Three epochs with 240 samples and 1,936 multiply-accumulates each.
        format!("<dt>training FLOP</dt><dd>{:.2e}</dd>", (3 * 240 * 6 * 1936) as f64),
        "Trained for 3 of 3 epochs on the CPU path, with 240 images; 60 validated.".into(),
        "<td class=\"left\">(None, 6, 6, 4)</td>".into(),
        "learning_rate</th><td class=\"left\">0.003</td>".into(),
        "gpu-fmnist train --model tiny.toml --adapter cpu --batch-size 32 --no-report --epochs 3".into(),
    ] {
        assert!(text.contains(&part), "no {part}");
    }
    let environment: Value =
        serde_json::from_slice(&fs::read(scratch.path(RUN).join("environment.json")).unwrap()).unwrap();
    for (_, hash) in environment["data_sha256"].as_object().unwrap() {
        assert!(text.contains(hash.as_str().unwrap()), "{hash}");
    }
    let metrics = fs::read_to_string(scratch.path(RUN).join("metrics.csv")).unwrap();
    for row in metrics.lines().skip(1) {
        let cells: Vec<&str> = row.split(',').collect();
        let loss: f64 = cells[1].parse().unwrap();
        assert!(text.contains(&format!("<tr><td>{}</td><td>{loss:.4}</td>", cells[0])), "{row}");
    }
}

#[test]
fn a_report_stands_alone_and_runs_nothing() {
    let (_, text) = page();
    assert!(text.len() < 1_000_000, "{} bytes", text.len());
    assert!(!text.contains("<script") && !text.contains("<i>") && !text.contains("@import"));
    for name in ["src=\"", "href=\"", "url("] {
        for address in text.split(name).skip(1) {
            assert!(address.starts_with("data:"), "{name}{:.80}", address);
        }
    }
}

/// As `summary` does.
#[test]
fn a_report_of_a_graph_says_what_each_layer_takes() {
    let scratch = Scratch::new();
    assert!(!page().1.contains("connected to"));
    let conv = "type = 'conv2d', filters = 2, kernel = 3, padding = 'same'";
    let add = "type = 'add', inputs = ['stem', 'conv2d']";
    let layers = format!("{{ name = 'stem', {conv} }}, {{ {conv} }}, {{ {add} }}, {{ type = 'flatten' }}");
    let last = "{ type = 'dense', units = 4 }";
    fs::write(scratch.path("tiny.toml"), format!("input = [8, 8, 1]\nlayers = [{layers}, {last}]\n")).unwrap();
    scratch.train("--epochs 1 --run-dir run -q");
    scratch.succeed("report run --adapter cpu");
    let text = fs::read_to_string(scratch.path("run/report.html")).unwrap();
    assert!(text.contains("<th scope=\"col\" class=\"left\">connected to</th>"), "{text}");
    let row = |name: &str| text.lines().find(|line| line.contains(&format!(">{name} ("))).unwrap();
    for (name, inputs) in [("stem", "input"), ("conv2d", "stem"), ("add", "stem, conv2d"), ("dense", "flatten")] {
        assert!(row(name).ends_with(&format!("<td class=\"left\">{inputs}</td></tr>")), "{}", row(name));
    }
}

#[test]
fn resumed_runs_have_all_their_commands() {
    let scratch = Scratch::new();
    scratch.train("--epochs 1 --run-dir run");
    scratch.succeed("train --resume run --epochs 2 --adapter cpu");
    scratch.succeed("report run --adapter cpu --checkpoint best");
    let text = fs::read_to_string(scratch.path("run/report.html")).unwrap();
    assert!(text.contains("--run-dir run\ngpu-fmnist train --resume run --epochs 2 --adapter cpu\n"), "commands");
    assert!(text.contains("of 2 epochs"));
}

#[test]
fn what_is_no_run_is_refused() {
    let scratch = Scratch::new();
    scratch.run("report nowhere --adapter cpu").failed(3, "nowhere: there is no such file or folder");
    scratch.train("--epochs 1 --run-dir run");
    fs::write(scratch.path("run/environment.json"), "{").unwrap();
    scratch.run("report run --adapter cpu").failed(3, "run/environment.json: missing or garbled");
}

/// Shows a page in a frame 400 pixels wide, measures it and leaves the measures in the element `measured`.
const MEASURE: &str = include_str!("measure.html");

/// Chromium's, Debian's or another's.
pub fn browser() -> Option<PathBuf> {
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|path| path.is_file())
}

#[test]
fn a_browser_shows_a_report_on_a_phone_and_in_the_dark() {
    let Some(browser) = browser() else {
        return skip("a browser's view of a report: no chromium here");
    };
    let (scratch, text) = page();
    let escaped = text.replace('&', "&amp;").replace('"', "&quot;");
    fs::write(scratch.path("measure.html"), MEASURE.replace("PAGE", &escaped)).unwrap();
    let measured = |dark: bool| -> Value {
        let mut command = Command::new(&browser);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
        command.args(["--window-size=1000,900", "--hide-scrollbars", "--enable-logging=stderr", "--dump-dom"]);
        command.arg(format!("--blink-settings=preferredColorScheme={}", if dark { 0 } else { 1 }));
        command.arg(format!("--user-data-dir={}", scratch.path(if dark { "dark" } else { "light" }).display()));
        let output = command.arg(scratch.path("measure.html")).output().unwrap();
        let [page, messages] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert!(!messages.contains(":CONSOLE"), "{messages}");
        let measures = page.split("<pre id=\"measured\">").nth(1).and_then(|rest| rest.split("</pre>").next());
        serde_json::from_str(measures.unwrap_or_default())
            .unwrap_or_else(|error| panic!("{error}: {page:.500} {messages}"))
    };
    let (light, dark) = (measured(false), measured(true));
    for measures in [&light, &dark] {
        assert_eq!((&measures["window"], &measures["content"]), (&400.into(), &400.into()), "{measures}");
        assert_eq!((&measures["nameless"], &measures["broken"]), (&0.into(), &0.into()), "{measures}");
        assert_eq!((&measures["drawings"], &measures["sections"]), (&3.into(), &7.into()), "{measures}");
        assert!(measures["images"].as_u64() > Some(15), "{measures}");
    }
    let value = |measures: &Value, key: &str| measures[key].as_f64().unwrap();
    assert!(value(&light, "paper") > 0.9 && value(&light, "ink") < 0.2, "{light}");
    assert!(value(&dark, "paper") < 0.2 && value(&dark, "ink") > 0.8, "{dark}");
}
