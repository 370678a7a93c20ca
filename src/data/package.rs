//! Takes the data set out of Debian's package, without installing it and without root.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::checksums::RawFile;
use super::partial::Partial;

/// Where the package keeps its files, below the root.
const FOLDER: &str = "usr/share/datasets/fashion-mnist";

/// Downloads `package` with `apt-get`, which has mirrors of its own, and puts `files` from it into the folder `into`.
///
/// # Errors
///
/// Says in one line why a system cannot do this: it has no `apt-get`, its package lists are empty, it is offline, or
/// the package holds other bytes.
pub(super) fn fetch(package: &str, files: &[RawFile], into: &Path) -> Result<(), String> {
    let scratch = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let options = ["-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10", "-o", "Acquire::https::Timeout=10"];
    run(Command::new("apt-get").args(options).args(["download", package]).current_dir(&scratch))?;
    let downloaded = std::fs::read_dir(&scratch).and_then(|mut entries| entries.next().transpose());
    let archive = downloaded.ok().flatten().ok_or("apt-get downloaded nothing")?.path();
    let unpacked = scratch.path().join("unpacked");
    run(Command::new("dpkg-deb").arg("-x").args([&archive, &unpacked]))?;
    for file in files {
        let name = format!("{}.gz", file.name);
        let right = copy(file, &unpacked.join(FOLDER).join(&name), into).map_err(|error| format!("{name}: {error}"))?;
        if !right {
            return Err(format!("{name} has the wrong checksum"));
        }
    }
    Ok(())
}

fn copy(file: &RawFile, from: &Path, into: &Path) -> io::Result<bool> {
    let mut partial = Partial::create(file, into)?;
    io::copy(&mut File::open(from)?, &mut partial)?;
    partial.finish()
}

/// Runs a command to its end, or says why it failed: its own first error, without what else it printed.
fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let messages = String::from_utf8_lossy(&output.stderr);
    let error = messages.lines().find(|line| line.starts_with("E: ")).or_else(|| messages.lines().last());
    Err(format!("{program}: {}", error.unwrap_or("failed")))
}
