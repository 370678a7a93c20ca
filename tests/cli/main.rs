//! The program from outside: real processes, real files.

mod bad_input;
mod baseline;
mod checkpoints;
mod commands;
mod exchange;
mod forged;
mod judging;
mod killed;
mod measuring;
mod pictures;
mod predict;
mod report;
mod resume;
mod scikit_learn;
mod stopping;
mod support;
mod training;
mod tuning;
