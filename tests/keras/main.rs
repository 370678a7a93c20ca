//! Keras' formats: files of Keras itself, what we write and read again, files that nobody should write, and real Keras.

mod compiled;
mod fixtures;
mod graphs;
mod kinds;
mod mutations;
mod oracle;
#[path = "../support/python.rs"]
mod python;
mod refusals;
mod round_trip;
#[path = "../support/skips.rs"]
mod skips;
mod support;
