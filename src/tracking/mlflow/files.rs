//! The files of a run that MLflow keeps beside its metrics.

use std::fs::File;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

/// What of a run's folder is sent once the run has ended, where it is there.
pub const FILES: [&str; 10] = [
    "report.html",
    "metrics.csv",
    "steps.csv",
    "config.toml",
    "environment.json",
    "train.log",
    "learning_curves.png",
    "learning_curves.svg",
    "checkpoints/best.safetensors",
    "checkpoints/last.safetensors",
];

/// What tells a file's contents; none where it is not there.
pub fn hash(path: &Path) -> Option<String> {
    let mut hash = Sha256::new();
    let file = path.is_file().then(|| File::open(path))?;
    io::copy(&mut file.ok()?, &mut HashWriter(&mut hash)).ok()?;
    Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The path below the server's own, of an artifact root that goes through it; none where the server has its clients write
/// elsewhere.
pub fn proxied(artifact_uri: &str) -> Option<&str> {
    let rest = artifact_uri.strip_prefix("mlflow-artifacts:")?;
    let path = match rest.strip_prefix("//") {
        Some(with_host) => with_host.split_once('/').map_or("", |(_, path)| path),
        None => rest,
    };
    Some(path.trim_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_goes_through_the_server_is_sent_to_it() {
        assert_eq!(proxied("mlflow-artifacts:/1/ab/artifacts"), Some("1/ab/artifacts"));
        assert_eq!(proxied("mlflow-artifacts://host:80/1/ab/artifacts"), Some("1/ab/artifacts"));
        assert_eq!(proxied("s3://bucket/1/ab"), None);
        assert_eq!(proxied("/home/me/mlruns/1/ab"), None);
    }
}
