//! Keras' formats: files of Keras itself, what we write and read again, files that nobody should write, and real Keras.

mod fixtures;
mod kinds;
mod mutations;
mod oracle;
mod refusals;
mod round_trip;
mod support;
