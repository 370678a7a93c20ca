//! The program from outside: real processes, real files.

mod bad_input;
mod baseline;
mod checkpoints;
mod class_names;
mod commands;
mod exchange;
mod judging;
mod killed;
mod measuring;
mod pictures;
mod predict;
mod report;
mod resume;
mod scikit_learn;
mod small_data;
mod stopping;
mod support;
mod training;
mod tuning;
mod unwritable;
