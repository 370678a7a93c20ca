//! Hostile files: whatever is in one, reading it ends soon, asks for little memory, and is an answer or one line of error.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use gpu_fmnist::error::Error;
use gpu_fmnist::formats::{Checkpoint, Format, decode};

use crate::tiny;

/// The system's allocator, counting the bytes that each thread has and had at most.
struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
}

// Safety: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.get().wrapping_add(layout.size());
        HELD.set(held);
        // What another thread allocated and this one freed would wrap below zero.
        MOST.set(MOST.get().max(if held > isize::MAX as usize { 0 } else { held }));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.set(HELD.get().wrapping_sub(layout.size()));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Reads the bytes; says whether they were a network.
#[track_caller]
pub fn reads(bytes: &[u8], what: &str) -> std::result::Result<(), String> {
    let (before, start) = (HELD.get(), Instant::now());
    MOST.set(before);
    let read = decode(bytes, "file", None);
    let (taken, memory) = (start.elapsed(), MOST.get() - before);
    assert!(taken < Duration::from_secs(1), "{what}: {taken:?}");
    // Weights as bytes, as read and reordered, and the text of a model as one: 1 GB for the largest file that is read.
    let most = 3 * bytes.len() + 8 * bytes.len().min(1 << 24) + 100_000;
    assert!(memory <= most, "{what}: {memory} bytes of memory for a file of {}", bytes.len());
    match read {
        Ok(network) => {
            network.check("file").unwrap();
            Ok(())
        }
        Err(Error::Data(message)) => {
            assert!(message.starts_with("file: ") && message.contains("; "), "{what}: {message}");
            assert!(!message.contains('\n') && message.len() < 1000, "{what}: {message}");
            Err(message)
        }
        Err(other) => panic!("{what}: {other:?}"),
    }
}

/// The file after the change of that number: a bit, a byte, a part left out, doubled, or a number that is huge.
pub fn mutated(file: &[u8], number: usize) -> Vec<u8> {
    let random = |stream: usize| (number * 8 + stream).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    let place = random(0) % file.len();
    let end = place + random(1) % 32.min(file.len() - place);
    let mut changed = file.to_vec();
    match number % 8 {
        0 => changed[place] ^= 1 << (random(1) % 8),
        1 => changed[place] = random(1) as u8,
        2 => changed.truncate(place),
        3 => drop(changed.drain(place..end)),
        4 => drop(changed.splice(place..place, file[place..end].iter().copied())),
        5 => drop(changed.splice(place..end, [0xff; 9].into_iter().chain([1]))),
        6 => drop(changed.splice(place..end, b"99999999999999999999".iter().copied())),
        _ => (0..=random(1) % 8).for_each(|stream| changed[random(2 + stream) % file.len()] = random(stream) as u8),
    }
    changed
}

/// The formats that are read.
const READ: [Format; 2] = [Format::Onnx, Format::Safetensors];

#[test]
fn no_mutated_file_does_harm() {
    for format in READ {
        let file = format.encode(&tiny()).unwrap();
        reads(&file, format.name()).unwrap();
        let refused = (0..10_000)
            .filter(|&number| reads(&mutated(&file, number), &format!("{} {number}", format.name())).is_err());
        // Changes of weights and names leave a network.
        let refused = refused.count();
        assert!((2_000..10_000).contains(&refused), "{}: {refused} refused", format.name());
    }
}

/// As [`no_mutated_file_does_harm`], past the checksum.
#[test]
fn no_mutated_model_does_harm() {
    let file = Format::Safetensors.encode(&tiny()).unwrap();
    let Checkpoint { about, tensors } = Checkpoint::decode(&file, "file").unwrap();
    let refused = (0..10_000).filter(|&number| {
        let about = String::from_utf8_lossy(&mutated(about.as_bytes(), number)).into_owned();
        let file = Checkpoint { about, tensors: tensors.clone() }.encode().unwrap();
        reads(&file, &format!("model {number}")).is_err()
    });
    let refused = refused.count();
    assert!((2_000..10_000).contains(&refused), "{refused} refused");
}

#[test]
fn every_truncated_file_is_refused() {
    for format in READ {
        let file = format.encode(&tiny()).unwrap();
        for length in 0..file.len() {
            reads(&file[..length], format.name()).unwrap_err();
        }
    }
}

#[track_caller]
pub fn refused(bytes: &[u8], part: &str) {
    let message = reads(bytes, part).unwrap_err();
    assert!(message.contains(part), "no '{part}' in: {message}");
}

/// A safetensors file with that header and so many zeros after it.
fn safetensors(header: &str, zeros: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; zeros]].concat()
}

#[test]
fn lies_in_a_safetensors_header_are_refused() {
    let tensor = |about: &str| safetensors(&format!("{{\"a\":{about}}}"), 4);
    for about in [
        r#"{"dtype":"F32","shape":[18446744073709551615,18446744073709551615],"data_offsets":[0,4]}"#,
        r#"{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}"#,
        r#"{"dtype":"F32","shape":[1],"data_offsets":[4,0]}"#,
        r#"{"dtype":"F32","shape":[2],"data_offsets":[0,4]}"#,
        r#"{"dtype":"F33","shape":[1],"data_offsets":[0,4]}"#,
    ] {
        refused(&tensor(about), "not a whole safetensors file");
    }
    refused(&tensor(r#"{"dtype":"I32","shape":[1],"data_offsets":[0,4]}"#), "tensor a is I32, not F32");
    refused(&tensor(r#"{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#), "says nothing of the layers");
    refused(&safetensors(&"[".repeat(100_000), 0), "neither ONNX nor safetensors nor a file of Keras");
    refused(&safetensors(&"{\"a\":".repeat(100_000), 0), "not a whole safetensors file");
    refused(&[&[0xff; 7][..], b"\x7f{}"].concat(), "neither ONNX nor safetensors nor a file of Keras");
    refused(&safetensors(&format!("{{{}}}", " ".repeat(1 << 24)), 0), "longer than 16777216 bytes");
}

/// The metadata with that text for the model.
fn with_model(model: &str) -> Vec<u8> {
    Checkpoint { about: format!("{{\"model\":{model}}}"), tensors: Vec::new() }.encode().unwrap()
}

#[test]
fn impossible_models_are_refused() {
    let layers = |layers: &str| with_model(&format!(r#"{{"name":"m","input":[1,1,1],"layers":[{layers}]}}"#));
    refused(&with_model("{}"), "garbled");
    refused(&with_model(&"[".repeat(100_000)), "garbled");
    refused(&layers(&[r#"{"type":"flatten"}"#; 100_000].join(",")), "100000 layers; give at most 1000");
    refused(
        &layers(r#"{"type":"flatten"},{"type":"dense","units":18446744073709551615}"#),
        "units is 18446744073709551615",
    );
    refused(&layers(r#"{"type":"flatten"},{"type":"dense","units":4194304}"#), "has no tensor dense.kernel");
    refused(&layers(r#"{"type":"dropout","rate":1e999}"#), "garbled");
    let named = |name: &str| {
        let layers = r#"[{"type":"flatten"},{"type":"dense","units":2}]"#;
        with_model(&format!(r#"{{"name":{name:?},"input":[1,1,1],"layers":{layers}}}"#))
    };
    refused(&named("a/../../evil"), "is not a part of a folder's name");
    refused(&named(""), "is empty");
}
