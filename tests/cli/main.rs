//! The program from outside: real processes, real files.

mod bad_input;
mod baseline;
mod checkpoints;
mod commands;
mod exchange;
mod judging;
mod killed;
mod measuring;
mod no_memory;
mod pictures;
mod predict;
mod report;
mod resume;
mod scikit_learn;
mod stopping;
mod streaming;
mod support;
mod training;
mod tuning;
