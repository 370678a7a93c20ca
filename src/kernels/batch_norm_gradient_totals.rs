//! Gradients of gamma and beta: host side and CPU reference of `shaders/batch_norm_gradient_totals.wgsl`.

use super::case::{Case, Draw, case, unwritten};
use super::channels::{ChannelValues, both_ways, shapes};
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, read, write};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "batch_norm_gradient_totals",
    about: "adds up the partitions of the gradients of each channel's scale and offset",
    wgsl: shader!("batch_norm_gradient_totals", "channels", "partitions", "read_ahead", "partials"),
    bindings: &[read("partials"), write("totals")],
    cases,
};

/// totals `[2, channels]`, the gradients of gamma and beta: the sums of partials `[partitions, 2, channels]`
/// ([`BatchNormGradientSums`](super::BatchNormGradientSums)).
#[derive(Clone, Copy, Debug)]
pub struct BatchNormGradientTotals {
    pub values: ChannelValues,
    /// See [`DeviceProfile::read_ahead`](crate::gemm::DeviceProfile::read_ahead): it changes no sum.
    pub read_ahead: bool,
}

impl Kernel for BatchNormGradientTotals {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        [self.values.partition_constants(), vec![("READ_AHEAD", self.read_ahead.into())]].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        [1, 1, self.values.tiles()]
    }

    fn operations(&self) -> usize {
        self.values.partials()
    }

    fn words(&self) -> Vec<usize> {
        vec![self.values.partials(), 2 * self.values.channels]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [partials, totals] = memory else { unreachable!("{BINDINGS}") };
        let totals = &mut floats_mut(totals)[..2 * self.values.channels];
        totals.fill(0.0);
        for partial in floats(partials)[..self.values.partials()].chunks_exact(totals.len()) {
            totals.iter_mut().zip(partial).for_each(|(total, value)| *total += value);
        }
    }
}

fn cases() -> Vec<Case> {
    let make = |number, (label, values, _): (String, ChannelValues, Vec<u32>), read_ahead| {
        let memory = vec![Draw::new(number).eighths(values.partials()), unwritten(2 * values.channels)];
        case(label, BatchNormGradientTotals { values, read_ahead }, memory)
    };
    both_ways(shapes(), make)
}
