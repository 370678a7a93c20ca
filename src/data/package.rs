//! Takes the data set out of Debian's package, without installing it and without root.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::checksums::RawFile;
use super::partial::Partial;

/// Where the package keeps its files, below the root.
const FOLDER: &str = "usr/share/datasets/fashion-mnist";

/// Downloads `package` with `apt-get`, which has mirrors of its own, and puts `files` from it into the folder `into`.
///
/// # Errors
///
/// Says in one line why a system cannot do this: it has no `apt-get`, it is offline, its archive lacks the package, or
/// the package holds other bytes.
pub(super) fn fetch(package: &str, files: &[RawFile], into: &Path) -> Result<(), String> {
    let scratch = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let archive = download(package, scratch.path())?;
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

/// The package's archive, below `scratch`. A fresh system has no package lists, and only root may fetch them where they
/// belong: then they are fetched into `scratch`, too.
fn download(package: &str, scratch: &Path) -> Result<PathBuf, String> {
    let folder = |name: &str| {
        let path = scratch.join(name);
        std::fs::create_dir_all(&path).map(|()| path).map_err(|error| format!("no temporary folder: {error}"))
    };
    let target = folder("download")?;
    let quick = ["Acquire::Retries=0", "Acquire::http::Timeout=10", "Acquire::https::Timeout=10"].map(str::to_owned);
    let apt_get = |options: &[String], arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(options.iter().flat_map(|option| ["-o", option.as_str()]));
        run(command.args(arguments).current_dir(&target))
    };
    if apt_get(&quick, &["download", package]).is_err() {
        folder("lists/partial")?;
        folder("cache/archives/partial")?;
        let own = [
            format!("Dir::State::Lists={}", scratch.join("lists").display()),
            format!("Dir::Cache={}", scratch.join("cache").display()),
            // The user that apt-get becomes as root cannot read a temporary folder of root's.
            "APT::Sandbox::User=root".to_owned(),
            "Debug::NoLocking=true".to_owned(),
        ];
        let options = [&quick[..], &own[..]].concat();
        apt_get(&options, &["update"])?;
        apt_get(&options, &["download", package])?;
    }
    let downloaded = std::fs::read_dir(&target).and_then(|mut entries| entries.next().transpose());
    Ok(downloaded.ok().flatten().ok_or("apt-get downloaded nothing")?.path())
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
