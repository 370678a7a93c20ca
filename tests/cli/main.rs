//! The program from outside: real processes, real files.

mod accuracy;
mod adapters;
mod augmentation;
mod bad_input;
mod baseline;
mod built_in;
mod checkpoints;
mod class_names;
mod commands;
mod exchange;
mod foreign;
mod forged;
mod initial_weights;
mod judging;
mod killed;
mod measuring;
mod micro_batch;
mod mlflow;
#[cfg(unix)]
mod mlflow_real;
mod mlflow_server;
mod no_memory;
mod old_checkpoints;
#[path = "../support/onnx.rs"]
mod onnx;
mod own_data;
mod own_pictures;
mod pictures;
mod precision;
mod predict;
#[path = "../support/python.rs"]
mod python;
mod recipe;
mod report;
mod resume;
mod scikit_learn;
#[path = "../support/skips.rs"]
mod skips;
#[cfg(target_os = "linux")]
mod slurm;
mod small_data;
mod stopping;
mod streaming;
mod support;
mod survey;
mod sweep;
mod sweep_processes;
mod tensorboard;
#[cfg(target_os = "linux")]
mod threads;
mod trainable;
mod training;
mod tta;
mod tuning;
mod unvalidated;
mod unwritable;
mod watching;
mod web;
