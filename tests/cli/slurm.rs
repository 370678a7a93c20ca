//! A sweep by a real Slurm: one controller, one node, and munge between them, all on this machine and without systemd.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::skips::skip;
use crate::support::{Running, Scratch};

/// The daemons, which end with it.
struct Slurm {
    daemons: Vec<Running>,
    folder: tempfile::TempDir,
}

/// Where Debian has a daemon.
fn program(name: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists())
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Slurm {
    /// None, and why, where there is no Slurm or it cannot be started.
    fn start() -> Result<Self, String> {
        let missing = |name: &str| format!("{name} is not installed (Debian: slurm-wlm, munge)");
        let find = |name: &'static str| program(name).ok_or_else(|| missing(name));
        let [munged, slurmctld, slurmd] = [find("munged")?, find("slurmctld")?, find("slurmd")?];
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path();
        // Only its owner may go into a temporary folder, and munge wants others to see its socket.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["munge", "state", "spool"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        let key = folder.join("munge/key");
        fs::write(&key, (0..1024).map(|place| (place * 37 % 251) as u8).collect::<Vec<u8>>()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
        let host = fs::read_to_string("/proc/sys/kernel/hostname").map_err(|error| error.to_string())?;
        fs::write(folder.join("slurm.conf"), configuration(folder, host.trim())).unwrap();
        fs::write(folder.join("cgroup.conf"), "CgroupPlugin=cgroup/v1\n").unwrap();
        let mut slurm = Self { daemons: Vec::new(), folder: scratch };
        let munge = slurm.path("munge");
        let of = |option: &str, name: &str| format!("--{option}={}", munge.join(name).display());
        slurm.daemon(Command::new(munged).args(["--force", "--foreground"]).args([
            of("key-file", "key"),
            of("socket", "socket"),
            of("pid-file", "pid"),
            of("seed-file", "seed"),
            of("log-file", "log"),
        ]));
        slurm.until("munged has no socket", || munge.join("socket").exists())?;
        slurm.daemon(Command::new(slurmctld).arg("-D"));
        slurm.daemon(Command::new(slurmd).args(["-D", "-N", host.trim()]));
        slurm.until("the node is not idle", || slurm.says("sinfo", &["--noheader", "-o", "%T"]).trim() == "idle")?;
        Ok(slurm)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What Slurm's programs are told, whoever starts them.
    fn configured<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("SLURM_CONF", self.path("slurm.conf"))
    }

    fn daemon(&mut self, command: &mut Command) {
        self.configured(command).stdin(Stdio::null());
        self.daemons.push(Running::silent(command));
    }

    fn until(&self, what: &str, is_so: impl Fn() -> bool) -> Result<(), String> {
        let began = Instant::now();
        while !is_so() {
            if began.elapsed() > Duration::from_secs(60) {
                return Err(format!("Slurm: {what} after a minute"));
            }
            sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn says(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.configured(Command::new(program).args(arguments)).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The states of the jobs that have not ended, by the array's places.
    fn queue(&self) -> Vec<String> {
        let text = self.says("squeue", &["--array", "--noheader", "-o", "%K %T"]);
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        // What is left of a test that failed.
        self.says("scancel", &["--user=root"]);
    }
}

/// A node with more processors than there may be: what is tried is not how fast it is.
fn configuration(folder: &Path, host: &str) -> String {
    let [controller, node] = [free_port(), free_port()];
    let folder = folder.display();
    format!(
        "ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={controller}
SlurmdPort={node}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES State=UP
"
    )
}

/// Slow, and it needs Slurm: `scripts/test --all` has it done.
#[ignore = "needs Debian's slurm-wlm and munge"]
#[test]
fn a_task_that_is_killed_and_requeued_ends_as_the_others() {
    let slurm = match Slurm::start() {
        Ok(slurm) => slurm,
        Err(problem) => return skip(&format!("a sweep by Slurm: {problem}")),
    };
    let scratch = Scratch::new();
    let parameters =
        "model = 'tiny.toml'\nbatch_size = 8\nepochs = 400\nlearning_rate = [1e-3, 2e-3]\nseed = [1, 2, 3]";
    fs::write(scratch.path("space.toml"), format!("[parameters]\n{parameters}\n")).unwrap();
    scratch.succeed("sweep new space.toml --run-dir s -q");
    let mut submit = scratch.command("sweep run s --engine slurm --adapter cpu");
    let job = Running::start(slurm.configured(&mut submit)).ended().succeeded("sbatch").stdout.trim().to_owned();
    // In the middle of the first task.
    let log =
        |task: usize| fs::read_to_string(scratch.path(&format!("s/tasks/{task}/metrics.csv"))).unwrap_or_default();
    slurm.until("the first task has no epoch", || log(1).lines().count() > 3).unwrap();
    slurm.says("scancel", &["--signal=KILL", &format!("{job}_1")]);
    let ended = || !slurm.queue().iter().any(|line| line.starts_with("1 "));
    slurm.until("the killed job goes on", ended).unwrap();
    assert!(!scratch.path("s/tasks/1/result.json").exists(), "killed too late to say anything");
    slurm.says("scontrol", &["requeue", &format!("{job}_1")]);
    // Not first in two minutes, when what it was allowed before has expired.
    slurm.says("scontrol", &["update", &format!("JobId={job}_1"), "StartTime=now"]);
    let began = Instant::now();
    while !slurm.queue().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(300), "{:?}", slurm.queue());
        sleep(Duration::from_millis(200));
    }
    scratch.succeed("collect s -q");
    let table = fs::read_to_string(scratch.path("s/sweep.csv")).unwrap();
    assert_eq!(table.lines().filter(|line| line.contains(",complete,400,")).count(), 6, "{table}");
    let environment = fs::read_to_string(scratch.path("s/tasks/1/environment.json")).unwrap();
    assert_eq!(environment.matches("gpu-fmnist task ").count(), 2, "it was begun and gone on with: {environment}");
    for task in 1..=6 {
        scratch.succeed(&format!("task s {task} --adapter cpu -q"));
        let log = fs::read_to_string(scratch.path(&format!("s/tasks/{task}/train.log"))).unwrap();
        assert_eq!(log.matches("Epoch 400/400: ").count(), 1, "task {task}");
    }
    // To the bit, as if it had never been killed.
    let rest = "--batch-size 8 --epochs 400 --learning-rate 1e-3 --seed 1 --no-report";
    scratch.succeed(&format!("train --model tiny.toml --adapter cpu {rest} --run-dir whole -q"));
    assert!(scratch.last("s/tasks/1") == scratch.last("whole"));
}
