//! Traces in Chrome's trace-event format, which <https://ui.perfetto.dev> and `chrome://tracing` show.

use serde_json::{Value, json};

/// Something that took time.
#[derive(Clone, Debug)]
pub struct Event {
    pub name: String,
    /// The number of its track.
    pub track: usize,
    /// Microseconds.
    pub start: f64,
    pub duration: f64,
    /// A JSON object, shown beside the event.
    pub arguments: Value,
}

/// The file of some events: a process of that name with the named tracks, one below the other.
pub fn trace(process: &str, tracks: &[String], events: &[Event]) -> Vec<u8> {
    const PROCESS: usize = 1;
    let about = |kind: &str, track: usize, arguments: Value| json!({ "ph": "M", "name": kind, "pid": PROCESS, "tid": track, "args": arguments });
    let tracks = tracks.iter().enumerate().flat_map(|(track, name)| {
        [
            about("thread_name", track, json!({ "name": name })),
            about("thread_sort_index", track, json!({ "sort_index": track })),
        ]
    });
    let events = events.iter().map(|event| {
        let Event { name, track, start, duration, arguments } = event;
        json!({
            "ph": "X", "name": name, "pid": PROCESS, "tid": track, "ts": start, "dur": duration, "args": arguments,
        })
    });
    let all: Vec<Value> =
        std::iter::once(about("process_name", 0, json!({ "name": process }))).chain(tracks).chain(events).collect();
    json!({ "displayTimeUnit": "ms", "traceEvents": all }).to_string().into_bytes()
}
