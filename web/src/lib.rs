//! The crate in a browser's worker: `perform` does one thing that the page asked for.
//!
//! It waits for the GPU as everywhere, by suspending its stack (`gpu/waiting.rs`): so it is entered by
//! `WebAssembly.promising`, and never while it is suspended, since both would have one stack.

mod ask;
mod files;
mod host;
mod judge;
mod proof;
mod session;
mod training;

use std::cell::RefCell;

use gpu_fmnist::{Error, Result};
use serde_json::{Value, json};

use session::Session;

thread_local! {
    static SESSION: RefCell<Session> = RefCell::new(Session::default());
}

/// Answers the request that the worker has ready: with one `answer` or one `error`, and any number of events before it.
#[unsafe(no_mangle)]
pub extern "C" fn perform() {
    std::panic::set_hook(Box::new(|panic| host::panicked(&panic.to_string())));
    SESSION.with_borrow_mut(|session| match serde_json::from_str(&host::request()) {
        Ok(request) => match session.perform(&request) {
            Ok((answer, bytes)) => host::tell("answer", &answer, bytes),
            Err(error) => host::tell("error", &json!({ "message": error.to_string() }), Vec::new()),
        },
        Err(error) => host::tell("error", &json!({ "message": format!("no request ({error})") }), Vec::new()),
    });
}

/// What a request is answered with: JSON, and the bytes of a file.
type Answer = Result<(Value, Vec<u8>)>;

/// An answer without a file.
fn plain(answer: Value) -> Answer {
    Ok((answer, Vec::new()))
}

/// What a request must say.
fn required<T>(value: Option<T>, what: &str) -> Result<T> {
    value.ok_or_else(|| Error::Usage(format!("the request has no {what}; reload the page")))
}
