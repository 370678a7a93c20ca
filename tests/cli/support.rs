//! A scratch folder with a small data set and model, and the program run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

#[cfg(unix)]
pub use nix::sys::signal::Signal;

use tempfile::TempDir;

/// Training images of the small data set.
pub const COUNT: usize = 300;
pub const IMAGES: &str = "train-images-idx3-ubyte";
pub const LABELS: &str = "train-labels-idx1-ubyte";

/// Every kernel of a training step but the free-standing pool's.
pub const MODEL: &str = r#"
input = [8, 8, 1]
layers = [
    { type = "conv2d", filters = 4, kernel = 3, activation = "relu" },
    { type = "max_pool2d", size = 2 },
    { type = "flatten" },
    { type = "dense", units = 16, activation = "relu" },
    { type = "dropout", rate = 0.25 },
    { type = "dense", units = 4 },
]
"#;

/// A scratch folder; the data set is in `data`, where the program looks, and the model is `tiny.toml`.
pub struct Scratch(TempDir);

/// A process of a test, which it does not outlive: a panic would leave it running otherwise.
pub struct Running(Option<Child>);

/// What a process left.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Scratch {
    pub fn new() -> Self {
        Self::with_images(COUNT)
    }

    pub fn with_images(count: usize) -> Self {
        let scratch = Self(tempfile::tempdir().unwrap());
        fs::write(scratch.path("tiny.toml"), MODEL).unwrap();
        fs::create_dir(scratch.path("data")).unwrap();
        for (images, labels, count) in
            [(IMAGES, LABELS, count), ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 100)]
        {
            // Each class has a bright quarter of its own, over noise.
            let label = |sample: usize| sample * 7 % 4;
            let pixel = |sample: usize, place: usize| {
                let quarter = place / 32 * 2 + place % 8 / 4;
                let noise = (sample * 64 + place).wrapping_mul(0x9E37_79B9) >> 7 & 0x7f;
                noise as u8 + if quarter == label(sample) { 0x80 } else { 0 }
            };
            let pixels = (0..count).flat_map(|sample| (0..64).map(move |place| pixel(sample, place)));
            fs::write(scratch.path("data").join(images), idx(0x0803, &[count, 8, 8], pixels)).unwrap();
            let classes = (0..count).map(|sample| label(sample) as u8);
            fs::write(scratch.path("data").join(labels), idx(0x0801, &[count], classes)).unwrap();
        }
        scratch
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program with arguments separated by spaces, in this folder.
    pub fn command(&self, arguments: &str) -> Command {
        self.prepared(Command::new(env!("CARGO_BIN_EXE_gpu-fmnist")), arguments)
    }

    /// The same on the Vulkan driver that these tests run on.
    pub fn on_the_tests_driver(&self, arguments: &str) -> Command {
        let program = env!("CARGO_BIN_EXE_gpu-fmnist");
        let command = match std::env::var_os("SOFTWARE_VULKAN_LAUNCHER") {
            Some(launcher) => {
                let mut command = Command::new(launcher);
                command.args(["run", program]);
                command
            }
            None => Command::new(program),
        };
        self.prepared(command, arguments)
    }

    /// Any program with arguments separated by spaces, in this folder.
    pub fn prepared(&self, mut command: Command, arguments: &str) -> Command {
        command.args(arguments.split_whitespace()).current_dir(self.0.path());
        // A home of its own: nothing that the user has is found, and nothing is left there.
        let own = ["GPU_FMNIST_DATA", "GPU_FMNIST_ADAPTER", "GPU_FMNIST_CACHE", "KERAS_HOME", "XDG_CACHE_HOME"];
        for variable in own.iter().chain(&["WGPU_BACKEND", "WGPU_ADAPTER_NAME", "WGPU_POWER_PREF"]) {
            command.env_remove(variable);
        }
        command.env("HOME", self.0.path());
        command
    }

    pub fn run(&self, arguments: &str) -> Ended {
        ended(self.command(arguments).output().unwrap())
    }

    /// Runs what must succeed.
    #[track_caller]
    pub fn succeed(&self, arguments: &str) -> Ended {
        self.run(arguments).succeeded(arguments)
    }

    /// Trains the small model on the CPU path with small batches; draws no pictures.
    #[track_caller]
    pub fn train(&self, arguments: &str) -> Ended {
        self.succeed(&format!("train --model tiny.toml --adapter cpu --batch-size 32 --no-report {arguments}"))
    }

    pub fn last(&self, run: &str) -> Vec<u8> {
        fs::read(self.path(run).join("checkpoints/last.safetensors")).unwrap()
    }
}

impl Running {
    /// Starts the command; what it prints is kept for [`Self::ended`].
    pub fn start(command: &mut Command) -> Self {
        Self::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
    }

    /// Starts the command, which prints to where it was told to.
    pub fn spawn(command: &mut Command) -> Self {
        Self(Some(command.spawn().unwrap()))
    }

    /// Starts a command that nobody listens to.
    pub fn silent(command: &mut Command) -> Self {
        Self(Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()))
    }

    pub fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    #[cfg(unix)]
    pub fn send(&mut self, signal: Signal) {
        let process = nix::unistd::Pid::from_raw(self.child().id().try_into().unwrap());
        nix::sys::signal::kill(process, signal).unwrap();
    }

    /// Waits for its end.
    pub fn ended(mut self) -> Ended {
        ended(self.0.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Ended {
    #[track_caller]
    pub fn succeeded(self, arguments: &str) -> Self {
        assert_eq!(self.code, Some(0), "{arguments}: {self:?}");
        self
    }

    /// Asserts an exit code and exactly one line of error that contains `part`.
    #[track_caller]
    pub fn failed(&self, code: i32, part: &str) {
        let lines: Vec<&str> = self.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!((self.code, lines.len()), (Some(code), 1), "{self:?}");
        assert!(self.stderr.ends_with(&format!("{}\n", lines[0])), "more follows the error: {self:?}");
        assert!(lines[0].contains(part), "no '{part}' in: {}", lines[0]);
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }

    /// stdout as a JSON value a line.
    #[track_caller]
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub fn ended(output: Output) -> Ended {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// An IDX file: the magic number, the sizes and the values.
pub fn idx(magic: u32, sizes: &[usize], values: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let header = std::iter::once(magic).chain(sizes.iter().map(|&size| size as u32));
    header.flat_map(u32::to_be_bytes).chain(values).collect()
}

/// The names in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[cfg(unix)]
#[test]
fn a_process_ends_with_a_test_that_panics() {
    use nix::{sys::signal::kill, unistd::Pid};

    let scratch = Scratch::new();
    let mut process = None;
    let test = std::panic::AssertUnwindSafe(|| {
        let arguments = "train --model tiny.toml --adapter cpu --batch-size 4 --epochs 100000";
        let mut running = Running::start(&mut scratch.command(arguments));
        process = Some(Pid::from_raw(running.child().id().try_into().unwrap()));
        kill(process.unwrap(), None).expect("it runs");
        panic!("as a test does");
    });
    assert!(std::panic::catch_unwind(test).is_err());
    assert_eq!(kill(process.unwrap(), None), Err(nix::errno::Errno::ESRCH));
}
