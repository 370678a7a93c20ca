//! From a model to the plan that trains and evaluates it: its graph of values, what is fused in it, and the passes.

#[cfg(test)]
mod arena_tests;
mod averages;
#[cfg(test)]
mod branch_tests;
mod ends;
mod graph;
mod lower;
mod rewrites;
#[cfg(test)]
mod share_tests;
#[cfg(test)]
mod tests;
mod training_plan;

pub use lower::{LARGEST_BATCH, Options, equal_parts, lower, most_rows};
pub use rewrites::{REWRITES, Rewrite};
pub use training_plan::TrainingPlan;
