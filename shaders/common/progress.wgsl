// How far training is: src/kernels/progress.rs.
struct Progress { batch: u32, step: u32, samples: u32, micro_batch: u32, seed: vec2<u32> }
