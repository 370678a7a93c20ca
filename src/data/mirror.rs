//! Downloads files of the data set from one web server.

use std::io::{self, Read, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use ureq::Agent;

use super::checksums::RawFile;
use super::partial::Partial;
use super::problem::problem_with;
use crate::error::{Error, Result, remedy};

/// How far a fetch has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// The name of the file, or of the package.
    pub file: &'a str,
    /// The mirror's address, or `apt-get`.
    pub source: &'a str,
    /// The number of bytes received.
    pub done: u64,
    /// The number of bytes to receive, if the source told.
    pub total: Option<u64>,
}

/// A web server that may have the files, and what went wrong with it so far.
pub(super) struct Mirror<'a> {
    address: &'a str,
    agent: Agent,
    /// Whether it ever failed to answer. It is then left alone, so that a machine without a network is told so quickly.
    unreachable: bool,
    /// The first failure.
    failure: Option<String>,
}

/// Why a download failed.
enum Failure {
    /// The server did not answer the request.
    Unreachable(String),
    /// It answered with something other than the right file.
    Unusable(String),
    /// No server can help: the disk cannot be written, or the caller wants no more.
    Fatal(Error),
}

impl<'a> Mirror<'a> {
    /// The server whose files are at `address`, which ends in `/`, followed by their names and `.gz`.
    pub(super) fn new(address: &'a str) -> Self {
        // ureq waits for a name server in a thread, and panics where the system allows none.
        let thread = thread::Builder::new().spawn(|| {}).map(thread::JoinHandle::join);
        let config = Agent::config_builder()
            .timeout_resolve(thread.is_ok().then_some(Duration::from_secs(5)))
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_recv_response(Some(Duration::from_secs(15)))
            .timeout_per_read(Some(Duration::from_secs(30)))
            .build();
        Self { address, agent: config.into(), unreachable: false, failure: None }
    }

    /// Puts `file` as `.gz` into the folder `into`, or returns `false` if this server does not have it.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] when the folder cannot be written, or the error that `report` returned.
    pub(super) fn fetch(
        &mut self,
        file: &RawFile,
        into: &Path,
        report: &mut dyn FnMut(&Progress) -> Result<()>,
    ) -> Result<bool> {
        if self.unreachable {
            return Ok(false);
        }
        let reason = match self.download(file, into, report) {
            Ok(()) => return Ok(true),
            Err(Failure::Fatal(error)) => return Err(error),
            Err(Failure::Unusable(reason)) => reason,
            Err(Failure::Unreachable(reason)) => {
                self.unreachable = true;
                reason
            }
        };
        self.failure.get_or_insert(reason);
        Ok(false)
    }

    /// The address and the first failure, if there was one, in one line.
    pub(super) fn complaint(&self) -> Option<String> {
        let reason = self.failure.as_ref()?.replace(['\r', '\n'], " ");
        Some(format!("{} ({reason})", self.address))
    }

    fn download(
        &self,
        file: &RawFile,
        into: &Path,
        report: &mut dyn FnMut(&Progress) -> Result<()>,
    ) -> std::result::Result<(), Failure> {
        let fatal = |error: io::Error| {
            let problem = format!("the file cannot be written ({error}); {}", remedy(&error));
            Failure::Fatal(problem_with(&into.join(file.name), problem))
        };
        let unusable = |error: io::Error| Failure::Unusable(error.to_string());
        let url = format!("{}{}.gz", self.address, file.name);
        let body = self.agent.get(&url).call().map_err(refusal)?.into_body();
        let mut progress = Progress { file: file.name, source: self.address, done: 0, total: body.content_length() };
        // Not even a file that is hard to compress is longer than this, so whoever sends more sends something else.
        let mut body = body.into_with_config().limit(file.length + (1 << 16)).reader();
        let mut partial = Partial::create(file, into).map_err(fatal)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            report(&progress).map_err(Failure::Fatal)?;
            let read = body.read(&mut buffer).map_err(unusable)?;
            if read == 0 {
                break;
            }
            partial.write_all(&buffer[..read]).map_err(fatal)?;
            progress.done += read as u64;
        }
        match partial.finish().map_err(fatal)? {
            true => Ok(()),
            false => Err(Failure::Unusable("wrong checksum".to_owned())),
        }
    }
}

/// Tells a server that has no such file from one that does not answer.
fn refusal(error: ureq::Error) -> Failure {
    match error {
        ureq::Error::StatusCode(status) => Failure::Unusable(format!("HTTP status {status}")),
        other => Failure::Unreachable(other.to_string()),
    }
}
