//! What `bench` prints: the table and the JSON object.

use serde_json::{Value, json};

use super::device::Device;
use super::output;
use crate::measure::{Ceilings, TOLERANCE, median, spread};

/// One model on one adapter.
pub struct Outcome {
    /// The adapter, by its place on the command line.
    pub adapter: usize,
    pub model: String,
    /// Images a step.
    pub batch: usize,
    /// Seconds a step, of each repeat.
    pub seconds: Vec<f64>,
    pub steps: usize,
    /// Useful ones of a step.
    pub operations: usize,
    pub memory: u64,
    /// Seconds to open the adapter, to make everything the plan needs there, and for the first step.
    pub start_up: f64,
    /// The part of the tolerance that the comparison used; none on the CPU path, which is compared with.
    pub used: Option<f64>,
}

/// What was measured of what.
pub struct Report {
    pub devices: Vec<Device>,
    pub ceilings: Vec<Ceilings>,
    pub outcomes: Vec<Outcome>,
}

const GIGA: f64 = 1e-9;

impl Report {
    fn operations_per_second(outcome: &Outcome) -> f64 {
        outcome.operations as f64 / median(outcome.seconds.iter().copied())
    }

    fn of_ceiling(&self, outcome: &Outcome) -> f64 {
        Self::operations_per_second(outcome) / self.ceilings[outcome.adapter].operations_per_second
    }

    /// How many times as fast as the first adapter it is with this model, by the repeats that stood side by side.
    fn ratio(&self, outcome: &Outcome) -> f64 {
        let same = |other: &&Outcome| other.adapter == 0 && other.model == outcome.model;
        let first = self.outcomes.iter().find(same).map_or(&[][..], |first| &first.seconds);
        median(first.iter().zip(&outcome.seconds).map(|(first, own)| first / own))
    }

    /// The models' batch sizes, each once.
    fn batches(&self) -> Vec<usize> {
        let mut batches: Vec<usize> = self.outcomes.iter().map(|outcome| outcome.batch).collect();
        batches.dedup();
        batches
    }

    pub fn text(&self) -> String {
        let batches: Vec<String> = self.batches().iter().map(usize::to_string).collect();
        let mut text = format!("batches of {} pseudo-random images\n\n", batches.join(" and "));
        for (number, (device, ceilings)) in self.devices.iter().zip(&self.ceilings).enumerate() {
            let driver = device.driver().join(" ");
            let driver = if driver.trim().is_empty() { String::new() } else { format!("driver {}; ", driver.trim()) };
            text += &format!(
                "{}: {}\n   {driver}at most {:.1} GFLOP/s, {:.1} GB/s\n",
                number + 1,
                device.describe(),
                GIGA * ceilings.operations_per_second,
                GIGA * ceilings.bytes_per_second,
            );
        }
        let mut headings = vec![
            "model",
            "adapter",
            "ms/step",
            "min to max",
            "images/s",
            "GFLOP/s",
            "of ceiling",
            "memory",
            "start-up",
            "tolerance used",
        ];
        let compared = self.devices.len() > 1;
        if compared {
            headings.push("ratio");
        }
        let row = |outcome: &Outcome| {
            let seconds = median(outcome.seconds.iter().copied());
            let [least, most] = spread(&outcome.seconds);
            let mut row = vec![
                outcome.model.clone(),
                format!("{}: {}", outcome.adapter + 1, self.devices[outcome.adapter].backend()),
                format!("{:.3}", 1e3 * seconds),
                format!("{:.3} to {:.3}", 1e3 * least, 1e3 * most),
                format!("{:.0}", outcome.batch as f64 / seconds),
                format!("{:.1}", GIGA * Self::operations_per_second(outcome)),
                format!("{:.0} %", 100.0 * self.of_ceiling(outcome)),
                format!("{:.1} MB", outcome.memory as f64 * 1e-6),
                format!("{:.2} s", outcome.start_up),
                outcome.used.map_or("reference".into(), |used| format!("{:.1} %", 100.0 * used)),
            ];
            if compared {
                row.push(format!("{:.2}", self.ratio(outcome)));
            }
            row
        };
        let rows: Vec<Vec<String>> = self.outcomes.iter().map(row).collect();
        text + "\n" + &output::table(&headings, &rows)
    }

    pub fn json(&self) -> Value {
        let adapter =
            |(device, ceilings): (&Device, &Ceilings)| json!({ "about": device.about(), "ceilings": ceilings });
        let result = |outcome: &Outcome| {
            let seconds = median(outcome.seconds.iter().copied());
            json!({
                "model": outcome.model,
                "adapter": outcome.adapter,
                "batch_size": outcome.batch,
                "steps": outcome.steps,
                "seconds_per_step": seconds,
                "seconds_per_step_of_repeats": outcome.seconds,
                "images_per_second": outcome.batch as f64 / seconds,
                "operations_per_step": outcome.operations,
                "operations_per_second": Self::operations_per_second(outcome),
                "of_ceiling": self.of_ceiling(outcome),
                "memory_bytes": outcome.memory,
                "start_up_seconds": outcome.start_up,
                "tolerance_used": outcome.used,
                "ratio": self.ratio(outcome),
            })
        };
        json!({
            "batch_size": if let [one] = self.batches()[..] { Some(one) } else { None },
            "tolerance": TOLERANCE,
            "adapters": self.devices.iter().zip(&self.ceilings).map(adapter).collect::<Vec<_>>(),
            "results": self.outcomes.iter().map(result).collect::<Vec<_>>(),
        })
    }
}
