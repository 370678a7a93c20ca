//! Requests to an MLflow server, and what it says where it refuses one.

use std::env;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body, SendBody};

use crate::error::{Error, Result};

/// A server and how it is asked.
#[derive(Debug)]
pub struct Client {
    /// Without a slash at its end.
    url: String,
    agent: Agent,
    authorization: Option<String>,
}

/// Why a request came to nothing.
#[derive(Debug)]
pub enum Failure {
    /// The server does not answer, or cannot at the moment: another time it may.
    Unreachable(String),
    /// It will not.
    Refused(String),
    /// MLflow's code for what it refuses, where that is known to happen, and the message.
    Known(String, String),
}

/// What a request comes to.
pub type Answer<T> = std::result::Result<T, Failure>;

const API: &str = "api/2.0";
/// How long an answer may take, unless MLflow's own variable says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);
const TIMEOUT_VARIABLE: &str = "MLFLOW_HTTP_REQUEST_TIMEOUT";
const CONNECT: Duration = Duration::from_secs(5);
/// No answer is longer.
const LONGEST_ANSWER: u64 = 16 << 20;
/// So much of a server's words is shown.
const LONGEST_MESSAGE: usize = 300;

impl Client {
    /// The server at an address, with the user or token that MLflow's variables name.
    ///
    /// # Errors
    /// [`Error::Usage`] for what is no address of a web server.
    pub fn new(url: &str) -> Result<Self> {
        let refuse = |problem: &str| {
            Err(Error::Usage(format!("`mlflow` {url}: {problem}; give one such as http://127.0.0.1:5000")))
        };
        let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        if host.is_none_or(|host| host.trim_matches('/').is_empty()) {
            return refuse("not the URL of a server");
        }
        if url.parse::<ureq::http::Uri>().is_err() {
            return refuse("not a URL");
        }
        let seconds = env::var(TIMEOUT_VARIABLE).ok().and_then(|seconds| seconds.parse().ok());
        let timeout = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(TIMEOUT);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT.min(timeout)))
            .timeout_recv_response(Some(timeout))
            .timeout_per_read(Some(timeout))
            .timeout_per_write(Some(timeout))
            .build();
        Ok(Self { url: url.trim_end_matches('/').to_owned(), agent: config.into(), authorization: authorization() })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// What `mlflow/WHAT` says of these parameters.
    ///
    /// # Errors
    /// Whatever keeps it from an answer.
    pub fn get(&self, what: &str, parameters: &[(&str, &str)]) -> Answer<Value> {
        let mut request = self.agent.get(format!("{}/{API}/mlflow/{what}", self.url));
        for (name, value) in parameters {
            request = request.query(name, value);
        }
        for (name, value) in self.authorized() {
            request = request.header(name, value);
        }
        self.read(what, request.call())
    }

    /// What `mlflow/WHAT` answers to a message.
    ///
    /// # Errors
    /// Whatever keeps it from an answer.
    pub fn post(&self, what: &str, message: &Value) -> Answer<Value> {
        let request = self.agent.post(format!("{}/{API}/mlflow/{what}", self.url));
        let request = self.authorized().fold(request, |request, (name, value)| request.header(name, value));
        let request = request.header("content-type", "application/json");
        self.read(what, request.send(message.to_string().as_bytes()))
    }

    /// Stores a file as an artifact, whose path is percent-encoded.
    ///
    /// # Errors
    /// Whatever keeps it from being stored.
    pub fn put(&self, artifact: &str, file: &Path) -> Answer<()> {
        let unread = |error| Failure::Refused(format!("{}: cannot be read ({error})", file.display()));
        let opened = File::open(file).map_err(unread)?;
        let length = opened.metadata().map_err(unread)?.len();
        let request = self.agent.put(format!("{}/{API}/mlflow-artifacts/artifacts/{artifact}", self.url));
        let request = self.authorized().fold(request, |request, (name, value)| request.header(name, value));
        let request = request.header("content-type", "application/octet-stream").header("content-length", length);
        self.read("artifacts", request.send(SendBody::from_owned_reader(opened))).map(drop)
    }

    fn authorized(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.authorization.iter().map(|value| ("authorization", value.as_str()))
    }

    fn read(&self, what: &str, response: std::result::Result<Response<Body>, ureq::Error>) -> Answer<Value> {
        let url = &self.url;
        let unreachable = |problem: String| {
            let problem = one_line(&problem);
            Failure::Unreachable(format!("{url}: no MLflow server answers ({problem}); start it with 'mlflow server'"))
        };
        let response = response.map_err(|error| unreachable(error.to_string()))?;
        let status = response.status().as_u16();
        let body = response.into_body().into_with_config().limit(LONGEST_ANSWER).read_to_vec();
        let body = body.map_err(|error| unreachable(error.to_string()))?;
        // Of a file it says nothing at all.
        let answer = if body.is_empty() { Some(Value::Null) } else { serde_json::from_slice(&body).ok() };
        if (200..300).contains(&status) {
            let none = "it answers in other words than MLflow does; check the URL";
            return answer.ok_or_else(|| Failure::Refused(format!("{url}: no MLflow server ({none})")));
        }
        let text = |key: &str| answer.as_ref().and_then(|answer| answer.get(key)?.as_str()).unwrap_or_default();
        let (code, message) = (text("error_code").to_owned(), one_line(text("message")));
        let said = match (code.as_str(), message.as_str()) {
            ("", "") => format!("HTTP status {status}"),
            _ => format!("{status} {code}: {message}"),
        };
        let known = ["RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"];
        Err(match status {
            500.. | 408 | 429 => {
                Failure::Unreachable(format!("{url}: MLflow fails at {what} ({said}); look into the server's log"))
            }
            401 | 403 => Failure::Refused(format!(
                "{url}: MLflow refuses {what} ({said}); set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or \
                 MLFLOW_TRACKING_TOKEN"
            )),
            404 if code.is_empty() => {
                Failure::Refused(format!("{url}: no MLflow server ({said} for {what}); check the URL"))
            }
            _ => {
                let message = format!("{url}: MLflow refuses {what} ({said}); look into the server's log");
                if known.contains(&code.as_str()) { Failure::Known(code, message) } else { Failure::Refused(message) }
            }
        })
    }
}

impl Failure {
    /// What went wrong and where, in one line.
    pub fn message(self) -> String {
        let (Failure::Unreachable(message) | Failure::Refused(message) | Failure::Known(_, message)) = self;
        message
    }
}

/// As MLflow's own clients take it from the environment.
fn authorization() -> Option<String> {
    let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let basic = |user: String| {
        let password = variable("MLFLOW_TRACKING_PASSWORD").unwrap_or_default();
        format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
    };
    let user = variable("MLFLOW_TRACKING_USERNAME").map(basic);
    user.or_else(|| variable("MLFLOW_TRACKING_TOKEN").map(|token| format!("Bearer {token}")))
}

/// The beginning of a text that may be anything, in one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST_MESSAGE).collect()
}
