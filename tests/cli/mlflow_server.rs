//! As much of an MLflow server as a test needs: what it is sent it keeps in memory, within MLflow's limits.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// What it does with requests.
#[derive(Clone, Copy, PartialEq)]
pub enum Mood {
    Fine,
    /// Answers so many, keeps one more without answering it, and hangs up from then on.
    DiesAfter(usize),
    Fails,
    Refuses,
    /// Takes requests and says nothing.
    Hangs,
    /// Is another web server.
    Other,
}

/// A run as it was logged.
#[derive(Clone, Debug, Default)]
pub struct Run {
    pub experiment: String,
    pub name: String,
    pub status: String,
    pub tags: BTreeMap<String, String>,
    pub parameters: BTreeMap<String, String>,
    /// Key, step and value, in the order that they came in.
    pub metrics: Vec<(String, u64, f64)>,
    /// Lengths by name.
    pub files: BTreeMap<String, usize>,
}

#[derive(Default)]
pub struct State {
    experiments: Vec<String>,
    pub runs: Vec<Run>,
    pub requests: Vec<String>,
    /// The last one's, if it had one.
    pub authorization: Option<String>,
}

/// A server that lasts as long as the test.
pub struct Server {
    pub address: String,
    pub state: Arc<Mutex<State>>,
    mood: Arc<Mutex<Mood>>,
}

impl Server {
    pub fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (state, mood) = (Arc::default(), Arc::new(Mutex::new(mood)));
        let server = Self { address, state, mood };
        let (state, mood) = (server.state.clone(), server.mood.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (state, mood) = (state.clone(), mood.clone());
                std::thread::spawn(move || serve(&stream.unwrap(), &state, &mood));
            }
        });
        server
    }

    pub fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub fn runs(&self) -> Vec<Run> {
        self.state.lock().unwrap().runs.clone()
    }
}

impl Run {
    /// The values of a metric by step.
    pub fn metric(&self, key: &str) -> Vec<(u64, f64)> {
        self.metrics.iter().filter(|(own, ..)| own == key).map(|(_, step, value)| (*step, *value)).collect()
    }
}

fn serve(mut stream: &TcpStream, state: &Mutex<State>, mood: &Mutex<Mood>) {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line) {
            Ok(length) if length > 0 && !line.trim().is_empty() => head.push(line.trim().to_owned()),
            _ => break,
        }
    }
    let Some(request) = head.first() else { return };
    let header = |name: &str| {
        let found = head.iter().find_map(|line| line.split_once(':').filter(|(own, _)| own.eq_ignore_ascii_case(name)));
        found.map(|(_, value)| value.trim().to_owned())
    };
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    state.lock().unwrap().authorization = header("authorization");
    let present = *mood.lock().unwrap();
    let (status, answer) = match present {
        Mood::Hangs => return std::thread::sleep(Duration::from_secs(60)),
        Mood::Fails => (503, json!({ "error_code": "TEMPORARILY_UNAVAILABLE", "message": "the database\nis locked" })),
        Mood::Refuses => (400, json!({ "error_code": "INVALID_PARAMETER_VALUE", "message": "no such thing" })),
        Mood::Other => (200, Value::Null),
        Mood::Fine | Mood::DiesAfter(_) => answered(&mut state.lock().unwrap(), request, &body),
    };
    if let Mood::DiesAfter(left) = present {
        *mood.lock().unwrap() = Mood::DiesAfter(left.saturating_sub(1));
        if left == 0 {
            return;
        }
    }
    let text = match answer {
        _ if present == Mood::Other => "<html>".to_owned(),
        Value::Null => String::new(),
        answer => answer.to_string(),
    };
    let head = format!("HTTP/1.1 {status} So\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
    let _ = stream.write_all((head + &text).as_bytes());
}

fn refusal(code: &str, message: &str) -> (u16, Value) {
    (if code == "RESOURCE_DOES_NOT_EXIST" { 404 } else { 400 }, json!({ "error_code": code, "message": message }))
}

fn answered(state: &mut State, request: &str, body: &[u8]) -> (u16, Value) {
    let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches("/api/2.0/");
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    state.requests.push(path.to_owned());
    if let Some(artifact) = path.strip_prefix("mlflow-artifacts/artifacts/") {
        let (run, name) = artifact.split_once("/artifacts/").unwrap();
        let number: usize = run.rsplit('/').next().unwrap().parse().unwrap();
        state.runs[number].files.insert(name.to_owned(), body.len());
        // As the real one does.
        return (200, Value::Null);
    }
    assert!(body.len() <= 1_000_000, "{} bytes in a request", body.len());
    let message: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
    let run = text("run_id").parse().unwrap_or(0);
    match path {
        "mlflow/experiments/get-by-name" => {
            let name = query.split_once('=').unwrap().1;
            match state.experiments.iter().position(|own| own == name) {
                Some(id) => (200, json!({ "experiment": { "experiment_id": id.to_string() } })),
                None => refusal("RESOURCE_DOES_NOT_EXIST", "no experiment"),
            }
        }
        "mlflow/experiments/create" => {
            state.experiments.push(text("name"));
            (200, json!({ "experiment_id": (state.experiments.len() - 1).to_string() }))
        }
        "mlflow/runs/search" => {
            let filter = text("filter");
            let (tag, value) = filter.strip_prefix("tags.").unwrap().split_once(" = ").unwrap();
            let value = value.trim_matches('\'');
            let experiment = message["experiment_ids"][0].as_str().unwrap().to_owned();
            let has = |run: &Run| run.experiment == experiment && run.tags.get(tag).is_some_and(|own| own == value);
            let found = state.runs.iter().enumerate().filter(|(_, run)| has(run));
            (200, json!({ "runs": found.map(|(number, run)| shown(number, run)).collect::<Vec<_>>() }))
        }
        "mlflow/runs/create" => {
            let run = Run {
                experiment: text("experiment_id"),
                name: text("run_name"),
                status: "RUNNING".into(),
                tags: pairs(&message["tags"]),
                ..Run::default()
            };
            state.runs.push(run);
            let number = state.runs.len() - 1;
            (200, json!({ "run": shown(number, &state.runs[number]) }))
        }
        "mlflow/runs/log-batch" => logged(&mut state.runs[run], &message),
        "mlflow/runs/update" => {
            state.runs[run].status = text("status");
            (200, json!({}))
        }
        other => refusal("ENDPOINT_NOT_FOUND", other),
    }
}

fn logged(run: &mut Run, message: &Value) -> (u16, Value) {
    let metrics = message["metrics"].as_array().cloned().unwrap_or_default();
    let (parameters, tags) = (pairs(&message["params"]), pairs(&message["tags"]));
    if metrics.len() + parameters.len() + tags.len() > 1000 || parameters.len() > 100 || tags.len() > 100 {
        return refusal("INVALID_PARAMETER_VALUE", "too much at a time");
    }
    if parameters.iter().any(|(key, value)| run.parameters.get(key).is_some_and(|own| own != value)) {
        return refusal("INVALID_PARAMETER_VALUE", "Changing param values is not allowed.");
    }
    for metric in metrics {
        assert!(metric["timestamp"].as_u64().unwrap() > 1_600_000_000_000, "{metric}");
        let (key, step) = (metric["key"].as_str().unwrap().to_owned(), metric["step"].as_u64().unwrap());
        run.metrics.push((key, step, metric["value"].as_f64().unwrap()));
    }
    run.parameters.extend(parameters);
    run.tags.extend(tags);
    (200, json!({}))
}

fn shown(number: usize, run: &Run) -> Value {
    let pairs = |pairs: &BTreeMap<String, String>| {
        pairs.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect::<Vec<_>>()
    };
    let root = format!("mlflow-artifacts:/{}/{number}/artifacts", run.experiment);
    json!({
        "info": { "run_id": number.to_string(), "artifact_uri": root, "status": run.status },
        "data": { "tags": pairs(&run.tags), "params": pairs(&run.parameters) },
    })
}

fn pairs(values: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    values.as_array().into_iter().flatten().map(|pair| (text(&pair["key"]), text(&pair["value"]))).collect()
}
