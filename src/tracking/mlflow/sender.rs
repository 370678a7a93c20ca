//! Sends of a run what the server does not have yet.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::batches::{MOST_PARAMETERS, milliseconds, of_configuration, of_epochs, of_steps, of_test, pairs};
use super::client::{Answer, Client, Failure};
use super::files::{FILES, hash, proxied};
use crate::error::Result;
use crate::tracking::{Status, TrackedRun};

/// A server, an experiment there, and what is known of the runs in it.
#[derive(Debug)]
pub struct Sender {
    client: Client,
    experiment: String,
    /// The experiment's number, once it was asked for.
    experiment_id: Option<String>,
    /// By our runs' folders.
    known: BTreeMap<PathBuf, Known>,
}

/// A run at the server.
#[derive(Clone, Debug, Default)]
struct Known {
    id: String,
    artifact_uri: String,
    status: String,
    tags: BTreeMap<String, String>,
    parameters: BTreeMap<String, String>,
}

/// What was sent just now.
#[derive(Debug, Default)]
pub struct Sent {
    pub epochs: usize,
    pub steps: usize,
    pub files: usize,
    /// The page of the run.
    pub page: String,
    /// Where its files go, when they do not go through the server.
    pub elsewhere: Option<String>,
}

/// Tags that say what was sent.
const ID: &str = "gpu_fmnist_id";
const STEPS: &str = "gpu_fmnist.sent.steps";
const EPOCHS: &str = "gpu_fmnist.sent.epochs";
const TEST: &str = "gpu_fmnist.sent.test";

impl Sender {
    /// For the experiment of that name at an address.
    ///
    /// # Errors
    /// [`crate::error::Error::Usage`] for what is no address.
    pub fn new(url: &str, experiment: &str) -> Result<Self> {
        let client = Client::new(url)?;
        Ok(Self { client, experiment: experiment.to_owned(), experiment_id: None, known: BTreeMap::new() })
    }

    /// Sends what the server does not have: the configuration, epochs and steps; of a run that has ended, the test's result
    /// and its files, too.
    ///
    /// # Errors
    /// Why it cannot. What was sent until then is not sent again.
    pub fn send(&mut self, run: &TrackedRun) -> Answer<Sent> {
        let was_known = self.known.contains_key(run.path());
        let sent = self.try_to_send(run);
        if sent.is_err() {
            self.experiment_id = None;
        }
        match sent {
            // A server with another database, since it was asked.
            Err(Failure::Known(..)) if was_known => self.try_to_send(run),
            sent => sent,
        }
    }

    fn try_to_send(&mut self, run: &TrackedRun) -> Answer<Sent> {
        let experiment = self.experiment_id()?;
        let mut known = match self.known.remove(run.path()) {
            Some(known) => known,
            None => self.find_or_create(&experiment, run)?,
        };
        let sent = self.send_rest(&experiment, run, &mut known)?;
        // After a failure the server is asked again what it has.
        self.known.insert(run.path().to_owned(), known);
        Ok(sent)
    }

    fn experiment_id(&mut self) -> Answer<String> {
        if let Some(id) = &self.experiment_id {
            return Ok(id.clone());
        }
        let named = || {
            let answer = self.client.get("experiments/get-by-name", &[("experiment_name", &self.experiment)])?;
            self.text(&answer, "/experiment/experiment_id")
        };
        let id = match named() {
            Err(Failure::Known(..)) => {
                let created = self.client.post("experiments/create", &json!({ "name": self.experiment }));
                match created {
                    // Another process was quicker.
                    Err(Failure::Known(..)) => named()?,
                    answer => self.text(&answer?, "/experiment_id")?,
                }
            }
            id => id?,
        };
        self.experiment_id = Some(id.clone());
        Ok(id)
    }

    fn find_or_create(&self, experiment: &str, run: &TrackedRun) -> Answer<Known> {
        let id = identity(run);
        let search = json!({
            "experiment_ids": [experiment], "filter": format!("tags.{ID} = '{id}'"), "max_results": 1,
        });
        let found = self.client.post("runs/search", &search)?;
        if let Some(there) = found.pointer("/runs/0") {
            return self.known(there);
        }
        let began = run.steps().first().map(|step| step.time);
        let began = began.or_else(|| run.epochs.first().map(|epoch| epoch.time)).unwrap_or_default();
        let create = json!({
            "experiment_id": experiment,
            "run_name": run.name(),
            "start_time": milliseconds(began),
            "tags": pairs(&tags(run, id)),
        });
        let created = self.client.post("runs/create", &create)?;
        self.known(created.get("run").unwrap_or(&Value::Null))
    }

    /// What an answer says of a run.
    fn known(&self, run: &Value) -> Answer<Known> {
        let map = |place: &str| {
            let pairs = run.pointer(place).and_then(Value::as_array).into_iter().flatten();
            let pair =
                |pair: &Value| Some((pair.get("key")?.as_str()?.to_owned(), pair.get("value")?.as_str()?.to_owned()));
            pairs.filter_map(pair).collect()
        };
        let text = |place| self.text(run, place);
        Ok(Known {
            id: text("/info/run_id")?,
            artifact_uri: text("/info/artifact_uri")?,
            status: text("/info/status")?,
            tags: map("/data/tags"),
            parameters: map("/data/params"),
        })
    }

    fn send_rest(&self, experiment: &str, run: &TrackedRun, known: &mut Known) -> Answer<Sent> {
        let page = format!("{}/#/experiments/{experiment}/runs/{}", self.client.url(), known.id);
        let mut sent = Sent { page, ..Sent::default() };
        self.send_parameters(run, known)?;
        let number = |known: &Known, tag: &str| known.tags.get(tag).and_then(|value| value.parse().ok()).unwrap_or(0);
        for batch in of_steps(run.steps(), number(known, STEPS)) {
            sent.steps += batch.metrics.len() / 3;
            self.log(known, batch.metrics, STEPS, batch.last.to_string())?;
        }
        let before = number(known, EPOCHS);
        for batch in of_epochs(&run.epochs, before) {
            self.log(known, batch.metrics, EPOCHS, batch.last.to_string())?;
        }
        sent.epochs = number(known, EPOCHS) - before;
        let time = run.epochs.last().map(|epoch| epoch.time).or_else(|| run.steps().last().map(|step| step.time));
        let time = time.unwrap_or_default();
        if run.status != Status::Running {
            if let Some(test) = &run.test {
                let value = run.epochs.len().to_string();
                if known.tags.get(TEST) != Some(&value) {
                    self.log(known, of_test(test, time, run.epochs.len()), TEST, value)?;
                }
            }
            match proxied(&known.artifact_uri).map(str::to_owned) {
                Some(root) => sent.files = self.send_files(run, known, &root)?,
                None => sent.elsewhere = Some(known.artifact_uri.clone()),
            }
        }
        self.send_status(run, known, time)?;
        Ok(sent)
    }

    /// Parameters stay as they were first sent; what was changed since, the epochs of a resumed run say, is a tag.
    fn send_parameters(&self, run: &TrackedRun, known: &mut Known) -> Answer<()> {
        let all = of_configuration(run);
        let (there, new): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, _)| known.parameters.contains_key(name));
        for part in new.chunks(MOST_PARAMETERS) {
            self.client.post("runs/log-batch", &json!({ "run_id": known.id, "params": pairs(part) }))?;
            known.parameters.extend(part.iter().cloned());
        }
        for (name, value) in there {
            let tag = format!("now.{name}");
            let present = known.tags.get(&tag).or_else(|| known.parameters.get(&name));
            if present != Some(&value) {
                self.log(known, Vec::new(), &tag, value)?;
            }
        }
        Ok(())
    }

    /// Metrics, and a tag that says so.
    fn log(&self, known: &mut Known, metrics: Vec<Value>, tag: &str, value: String) -> Answer<()> {
        let tags = [(tag.to_owned(), value)];
        let batch = json!({ "run_id": known.id, "metrics": metrics, "tags": pairs(&tags) });
        self.client.post("runs/log-batch", &batch)?;
        known.tags.extend(tags);
        Ok(())
    }

    /// How many files were sent: those that the server does not have as they are.
    fn send_files(&self, run: &TrackedRun, known: &mut Known, root: &str) -> Answer<usize> {
        let mut sent = 0;
        for name in FILES {
            let path = run.path().join(name);
            let tag = format!("gpu_fmnist.sent.{name}");
            let Some(hash) = hash(&path).filter(|hash| known.tags.get(&tag) != Some(hash)) else { continue };
            self.client.put(&format!("{root}/{name}"), &path)?;
            self.log(known, Vec::new(), &tag, hash)?;
            sent += 1;
        }
        Ok(sent)
    }

    fn send_status(&self, run: &TrackedRun, known: &mut Known, time: f64) -> Answer<()> {
        let status = match run.status {
            Status::Running => "RUNNING",
            Status::Finished => "FINISHED",
            Status::Stopped => "KILLED",
        };
        if known.status != status {
            let mut update = json!({ "run_id": known.id, "status": status });
            if run.status != Status::Running {
                update["end_time"] = milliseconds(time).into();
            }
            self.client.post("runs/update", &update)?;
            known.status = status.to_owned();
        }
        Ok(())
    }

    fn text(&self, answer: &Value, place: &str) -> Answer<String> {
        let text = answer.pointer(place).and_then(Value::as_str).map(str::to_owned);
        let url = self.client.url();
        text.ok_or_else(|| {
            Failure::Refused(format!("{url}: no MLflow server (no {place} in its answer); check the URL"))
        })
    }
}

/// A run's identity as a word without quotes.
fn identity(run: &TrackedRun) -> String {
    let hash = Sha256::digest(run.id().as_bytes());
    hash[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn tags(run: &TrackedRun, id: String) -> Vec<(String, String)> {
    let mut tags = vec![
        (ID.to_owned(), id),
        ("mlflow.source.name".into(), env!("CARGO_PKG_NAME").into()),
        ("mlflow.source.type".into(), "LOCAL".into()),
        ("folder".into(), run.path().display().to_string()),
    ];
    if let Some(environment) = &run.environment {
        let command = environment.commands.first().cloned().unwrap_or_default();
        let said = [
            ("command", command),
            ("device", environment.device.clone()),
            ("backend", environment.backend.clone()),
            ("driver", format!("{} {}", environment.driver, environment.driver_info)),
            ("version", environment.version.clone()),
        ];
        // MLflow takes 5,000 bytes of a tag.
        let short = |text: String| text.trim().chars().take(1000).collect::<String>();
        let said = said.map(|(name, value)| (name.to_owned(), short(value)));
        tags.extend(said.into_iter().filter(|(_, value)| !value.is_empty()));
    }
    tags
}
