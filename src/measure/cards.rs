//! Well-known GPUs as data, and how long a training step should take on each: a model, for cards that are not there.

use super::Work;
use super::profile::work;
use crate::plan::{Pass, Plan, Program};

/// A GPU, by its maker's numbers at boost clock.
#[derive(Debug)]
pub struct Card {
    /// As the command line has it.
    pub key: &'static str,
    pub name: &'static str,
    /// NVIDIA's multiprocessors, AMD's compute units, Apple's cores, Intel's Xe cores.
    pub units: usize,
    pub hertz: f64,
    /// Multiply-adds of a unit in a cycle; with as many instructions to issue.
    pub lanes: f64,
    /// Words of workgroup memory and first cache that a unit moves in a cycle.
    pub words: f64,
    pub bytes_per_second: f64,
}

pub const CARDS: [Card; 6] = [
    Card { key: "rtx-3060", name: "NVIDIA RTX 3060", units: 28, hertz: 1.78e9, bytes_per_second: 360e9, ..RTX_4090 },
    RTX_4090,
    Card { key: "h100", name: "NVIDIA H100 SXM", units: 132, hertz: 1.98e9, bytes_per_second: 3350e9, ..RTX_4090 },
    // Two multiply-adds of a lane at a time where the compiler pairs them.
    Card { key: "rx-7900-xtx", name: "AMD RX 7900 XTX", units: 96, hertz: 2.5e9, bytes_per_second: 960e9, ..RTX_4090 },
    Card { key: "m1-max", name: "Apple M1 Max", units: 32, hertz: 1.3e9, bytes_per_second: 400e9, ..RTX_4090 },
    Card { key: "arc-a770", name: "Intel Arc A770", units: 32, hertz: 2.1e9, bytes_per_second: 560e9, ..RTX_4090 },
];

const RTX_4090: Card = Card {
    key: "rtx-4090",
    name: "NVIDIA RTX 4090",
    units: 128,
    hertz: 2.52e9,
    lanes: 128.0,
    words: 32.0,
    bytes_per_second: 1008e9,
};

/// Seconds between the end of a pass and the start of the next: on an H100 the shortest passes took 6 to 9 microseconds.
pub const DISPATCH: f64 = 6e-6;
/// The part of its roof that a pass reaches: what products reached on an H100.
pub const REACHED: f64 = 0.6;
/// Cycles that a tile waits for memory before it can be multiplied.
pub const LATENCY: f64 = 400.0;
/// Threads that a compute unit has at a time, of however many workgroups.
pub const RESIDENT: usize = 1024;

/// What sets the time of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Dispatch,
    /// Multiply-adds and the instructions around them.
    Compute,
    /// Workgroup memory.
    Shared,
    /// Tiles that wait for memory, in workgroups that are few.
    Latency,
    Memory,
}

impl Limit {
    pub fn name(self) -> &'static str {
        match self {
            Limit::Dispatch => "dispatch",
            Limit::Compute => "compute",
            Limit::Shared => "shared",
            Limit::Latency => "latency",
            Limit::Memory => "memory",
        }
    }
}

/// A pass of a training step on a card, as the model has it.
#[derive(Clone, Debug)]
pub struct Modelled {
    pub work: Work,
    pub seconds: f64,
    pub limit: Limit,
}

impl Card {
    /// Every pass of the plan's training step. The seconds are what lies between two passes, and then the longest of the
    /// roofs, of which a part is reached. A unit that has one workgroup more than others is waited for; memory moves
    /// what the pass is given and gives once, whatever a large cache may save.
    pub fn step(&self, plan: &Plan) -> Vec<Modelled> {
        let modelled = |pass: &Pass| {
            let work = work(pass);
            let (seconds, limit) = self.seconds(pass, &work);
            Modelled { work, seconds, limit }
        };
        plan.passes(Program::Training).iter().map(modelled).collect()
    }

    fn seconds(&self, pass: &Pass, work: &Work) -> (f64, Limit) {
        let mut roofs = vec![(work.bytes as f64 / self.bytes_per_second, Limit::Memory)];
        if let Some(on_chip) = pass.kernel.on_chip() {
            let workgroups: usize = pass.kernel.workgroups().iter().product();
            let busiest = workgroups.div_ceil(self.units);
            let at_a_time = (RESIDENT / pass.kernel.threads()).max(1);
            let cycles = |of_workgroup: f64| busiest as f64 * of_workgroup / self.hertz;
            let compute = on_chip.multiply_adds * on_chip.instructions / self.lanes;
            let latency = busiest.div_ceil(at_a_time) as f64 / busiest as f64 * (on_chip.tiles * LATENCY + compute);
            roofs.push((cycles(compute), Limit::Compute));
            roofs.push((cycles(on_chip.multiply_adds * on_chip.turns / self.words), Limit::Shared));
            roofs.push((cycles(latency), Limit::Latency));
        }
        let (roof, limit) = roofs.into_iter().max_by(|one, other| one.0.total_cmp(&other.0)).expect("there is one");
        let seconds = roof / REACHED;
        (DISPATCH + seconds, if seconds < DISPATCH { Limit::Dispatch } else { limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::{DeviceClass, GemmSelection};
    use crate::model::built_in;
    use crate::network::{Options, lower};

    fn step(card: &str, model: &str, tiles: impl Into<GemmSelection>) -> (f64, Vec<Modelled>) {
        let (model, _) = built_in(model).unwrap();
        let plan = lower(&model, Options::new(512, tiles, 512)).unwrap().steps;
        let passes = CARDS.iter().find(|known| known.key == card).unwrap().step(&plan);
        (passes.iter().map(|pass| pass.seconds).sum(), passes)
    }

    /// With the configurations that an H100 ran last; its shaders had another layout of threads.
    #[test]
    fn the_model_is_within_three_tenths_of_what_an_h100_measured() {
        let tiles: GemmSelection =
            serde_json::from_str(r#"{"table":"gpu","split_forward":true,"revision":2}"#).unwrap();
        for (model, images) in [("cnn1", 2.725e6), ("cnn2", 1.560e6), ("cnn3", 0.694e6)] {
            let (seconds, _) = step("h100", model, tiles.clone());
            let ratio = 512.0 / seconds / images;
            assert!((0.7..1.3).contains(&ratio), "{model}: {ratio}");
        }
    }

    #[test]
    fn a_card_with_more_of_everything_is_faster_and_each_limit_is_met() {
        let seconds = |card| step(card, "cnn3", DeviceClass::Gpu).0;
        assert!(seconds("rtx-3060") > 2.0 * seconds("rtx-4090"));
        assert!(seconds("rtx-3060") > 2.0 * seconds("h100"));
        let (_, passes) = step("rtx-3060", "cnn3", DeviceClass::Gpu);
        let limit = |layer, kernel| {
            passes.iter().find(|pass| pass.work.layer == layer && pass.work.kernel == kernel).unwrap().limit
        };
        assert_eq!(limit("loss", "advance"), Limit::Dispatch);
        assert_eq!(limit("conv2d", "conv_forward"), Limit::Memory);
        assert_eq!(limit("conv2d_1", "conv_forward"), Limit::Compute);
        assert!(passes.iter().all(|pass| pass.seconds > DISPATCH));
    }
}
