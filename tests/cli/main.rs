//! The program from outside: real processes, real files.

mod bad_input;
mod checkpoints;
mod commands;
mod exchange;
mod measuring;
mod resume;
mod support;
mod training;
mod tuning;
