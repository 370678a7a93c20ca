//! Keras' two formats: [`h5`], the full-model HDF5 file of Keras 2 and 3, and [`zip`], Keras 3's `.keras`.
//!
//! Both hold the layers as Keras' JSON and the weights as HDF5 datasets. An exported model takes pixels / 255, as training
//! here does, and `predict` gives probabilities: the softmax that is part of our loss becomes the last layer's activation.
//!
//! A file is not trusted. What of it a reader may cost is bounded: by the largest file, the longest JSON, and a fixed
//! number of bytes that the HDF5 library may ask for or unpack (`hdf5_reader.rs`).

mod activations;
mod compile;
mod config;
mod contents;
mod draft;
mod graph;
pub mod h5;
mod hdf5_reader;
mod hdf5_writer;
mod initializers;
mod layers;
mod message;
mod network;
mod optimizer;
mod pixels;
mod settings;
mod variables;
mod views;
mod walk;
mod written;
pub mod zip;
