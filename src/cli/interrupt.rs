//! Ctrl-C: the first one asks for an orderly end, the second ends at once.

use std::io;
use std::ops::ControlFlow;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

#[cfg(unix)]
use signal_hook::consts::SIGHUP;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::console::Console;

static REQUESTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
/// The exit code of a process that is ended at once.
const ENDED: i32 = 130;

/// From now on an interrupt (SIGINT, SIGTERM, SIGHUP) only shows in [`requested`]. It needs no thread.
pub fn watch(console: &mut Console) {
    #[cfg(unix)]
    watch_for_all(&[SIGINT, SIGTERM, SIGHUP], console);
    #[cfg(not(unix))]
    watch_for_all(&[SIGINT, SIGTERM], console);
}

/// The same for who reads keys: a terminal that hangs up ends the process, since reading from it would never end.
pub fn watch_but_for_hangups(console: &mut Console) {
    watch_for_all(&[SIGINT, SIGTERM], console);
}

fn watch_for_all(signals: &[i32], console: &mut Console) {
    for &signal in signals {
        if let Err(error) = watch_for(signal) {
            console.say(&format!(
                "signal {signal} cannot be watched for ({error}): it will end the process without saving"
            ));
        }
    }
}

fn watch_for(signal: i32) -> io::Result<()> {
    // In this order: what the first signal sets is for the second to see.
    flag::register_conditional_shutdown(signal, ENDED, REQUESTED.clone())?;
    flag::register(signal, REQUESTED.clone())?;
    Ok(())
}

/// A progress callback of any kind: `Break` once an interrupt came.
pub fn requested<Progress>(_: Progress) -> ControlFlow<()> {
    if REQUESTED.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Asks a process for an orderly end, too. Where there are no signals, it heard of the interrupt itself.
pub fn hand_on(child: &Child) {
    #[cfg(unix)]
    if let Some(process) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // It may have ended by itself.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
    }
    #[cfg(not(unix))]
    let _ = child;
}
