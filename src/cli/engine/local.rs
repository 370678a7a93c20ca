//! Processes on this machine: one a task, some at a time.

use std::collections::VecDeque;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{available_parallelism, scope, sleep};
use std::time::Duration;

use super::work::{AUTO, Work};
use crate::cli::console::Console;
use crate::cli::interrupt;
use crate::error::{Error, Result};
use crate::gpu;
use crate::shell::quoted;
use crate::sweep::{Outcome, Standing};

/// How often a process is looked at, and how often a task that another process does.
const SOON: Duration = Duration::from_millis(20);
const LATER: Duration = Duration::from_secs(1);
/// The exit codes of a task that another process does, and of one that was interrupted.
const BUSY: i32 = 7;
const INTERRUPTED: i32 = 130;

/// What the workers share.
struct State<'a> {
    waiting: VecDeque<usize>,
    /// Tasks that other processes do, which may yet leave them undone.
    elsewhere: Vec<usize>,
    /// Those of which that was said.
    told: Vec<usize>,
    /// How many processes are under way.
    under_way: usize,
    ended: usize,
    failed: Vec<(usize, String)>,
    console: &'a mut Console,
}

pub fn run(work: &Work, left: &[usize], console: &mut Console) -> Result<()> {
    let adapters = adapters(&work.adapters);
    let jobs = usize::from(work.options.jobs);
    let workers: Vec<&String> = adapters.iter().flat_map(|adapter| vec![adapter; jobs]).take(left.len()).collect();
    let on_cpu = workers.iter().filter(|adapter| adapter.as_str() == "cpu").count();
    let cores = available_parallelism().map_or(1, usize::from);
    let threads = (on_cpu > 1).then(|| (cores / on_cpu).max(1));
    let tasks = work.manifest.tasks.len();
    interrupt::watch(console);
    console.say(&format!("{} of {tasks} tasks on {}, {} at a time", left.len(), adapters.join(", "), workers.len()));
    let state = Mutex::new(State {
        waiting: left.iter().copied().collect(),
        elsewhere: Vec::new(),
        told: Vec::new(),
        under_way: 0,
        ended: tasks - left.len(),
        failed: Vec::new(),
        console,
    });
    scope(|scope| {
        for adapter in workers {
            let state = &state;
            scope.spawn(move || Worker { work, state, adapter, threads }.work());
        }
    });
    let State { ended, mut failed, .. } = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    let folder = quoted(work.manifest.folder().as_os_str());
    if interrupt::requested(()).is_break() {
        let message = format!("{ended} of {tasks} tasks have ended; go on with: gpu-fmnist sweep run {folder}");
        return Err(Error::Interrupted(message));
    }
    failed.sort_unstable();
    match failed.first() {
        None => Ok(()),
        Some((number, problem)) => {
            let failures = failed.len();
            let which = if failures == 1 { String::new() } else { format!(", and {} more", failures - 1) };
            Err(Error::Failed(format!(
                "task {number}: {problem}{which}; try again with: gpu-fmnist sweep run {folder}"
            )))
        }
    }
}

/// Every GPU of the kind that a run takes by itself, or the CPU path; or what is asked for.
fn adapters(given: &[String]) -> Vec<String> {
    if given != [AUTO] {
        return given.to_vec();
    }
    let adapters = gpu::adapters();
    let Some(first) = adapters.first().filter(|adapter| !adapter.is_software()) else { return vec!["cpu".into()] };
    // The same GPU is there for several backends.
    let alike = |(_, adapter): &(usize, &gpu::Adapter)| {
        adapter.backend() == first.backend() && adapter.device_type() == first.device_type()
    };
    adapters.iter().enumerate().filter(alike).map(|(place, _)| place.to_string()).collect()
}

/// Does one task after the other on an adapter.
struct Worker<'a, 'b> {
    work: &'a Work<'a>,
    state: &'a Mutex<State<'b>>,
    adapter: &'a str,
    threads: Option<usize>,
}

/// What there is to do.
enum Next {
    Task(usize),
    /// Perhaps later.
    Nothing,
    NothingMore,
}

impl<'b> Worker<'_, 'b> {
    fn work(&self) {
        while interrupt::requested(()).is_continue() {
            match self.next() {
                Next::Task(number) => {
                    let ended = self.task(number);
                    let mut state = self.state();
                    state.under_way -= 1;
                    ended.unwrap_or_else(|error| state.failed.push((number, error.to_string())));
                }
                Next::Nothing => sleep(SOON),
                Next::NothingMore => return,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State<'b>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Next {
        let mut state = self.state();
        match state.waiting.pop_front() {
            Some(number) => {
                state.under_way += 1;
                Next::Task(number)
            }
            None if state.elsewhere.is_empty() && state.under_way == 0 => Next::NothingMore,
            None if state.elsewhere.is_empty() => Next::Nothing,
            None => {
                drop(state);
                self.wait(LATER);
                let mut state = self.state();
                let elsewhere = std::mem::take(&mut state.elsewhere);
                state.waiting.extend(elsewhere);
                Next::Nothing
            }
        }
    }

    /// As long as that, or until an interrupt.
    fn wait(&self, time: Duration) {
        let steps = time.as_millis() / SOON.as_millis();
        (0..steps).take_while(|_| interrupt::requested(()).is_continue()).for_each(|_| sleep(SOON));
    }

    /// Does a task in a process of its own, and says what it came to.
    fn task(&self, number: usize) -> Result<()> {
        if let Standing::Ended(_) = self.work.manifest.standing(number)? {
            // By another process, since.
            self.state().ended += 1;
            return Ok(());
        }
        let words = self.work.command(&number.to_string(), self.adapter)?;
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg("--quiet");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        if let Some(threads) = self.threads {
            command.env("RAYON_NUM_THREADS", threads.to_string());
        }
        // An interrupt at the keyboard is handed on by this process, once.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let failed = |error| Error::Failed(format!("no process can be started or waited for ({error})"));
        let mut child = command.spawn().map_err(failed)?;
        let code = ended(&mut child).map_err(failed)?;
        let mut said = String::new();
        drop(child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut said)));
        let last = said.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let mut state = self.state();
        match code {
            Some(0) => {
                state.ended += 1;
                let (ended, tasks) = (state.ended, self.work.manifest.tasks.len());
                if let Standing::Ended(outcome) = self.work.manifest.standing(number)? {
                    let line = told(number, &self.work.manifest.tasks[number - 1].described(), &outcome);
                    state.console.say(&format!("{ended}/{tasks}: {line}"));
                }
            }
            Some(BUSY) => {
                if !state.told.contains(&number) {
                    state.told.push(number);
                    state.console.say(&format!("task {number}: left to the process that does it"));
                }
                state.elsewhere.push(number);
            }
            Some(INTERRUPTED) if interrupt::requested(()).is_break() => {}
            Some(code) => return Err(Error::Failed(format!("exit code {code} ({last})"))),
            None => return Err(Error::Failed("it was killed".into())),
        }
        Ok(())
    }
}

/// Waits for the end of a process, whose exit code is none where it was killed; hands an interrupt on to it.
fn ended(child: &mut Child) -> std::io::Result<Option<i32>> {
    let mut handed_on = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code());
        }
        if interrupt::requested(()).is_break() && !handed_on {
            handed_on = true;
            interrupt::hand_on(child);
        }
        sleep(SOON);
    }
}

/// `task 3 (learning_rate = 0.01): complete, 3 epochs in 0.4 s, test accuracy 0.91`
fn told(number: usize, values: &str, outcome: &Outcome) -> String {
    let values = if values.is_empty() { String::new() } else { format!(" ({values})") };
    let Outcome { status, epochs, seconds, test_accuracy, .. } = outcome;
    let test = test_accuracy.map(|accuracy| format!(", test accuracy {accuracy:.4}")).unwrap_or_default();
    let epochs = if *epochs == 1 { "1 epoch".to_owned() } else { format!("{epochs} epochs") };
    format!("task {number}{values}: {}, {epochs} in {seconds:.1} s{test}", status.name())
}
