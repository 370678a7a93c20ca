//! Gradient of a depthwise convolution's kernel and bias: host side and CPU reference of
//! `shaders/depthwise_weight_gradient.wgsl`.

use rayon::prelude::*;

use super::case::{Case, case, unwritten};
use super::depthwise::{Depthwise, add_products, depthwise_examples, zeros};
use super::updates::Partitions;
use super::vectors::vectorised;
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read_activation, write};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "depthwise_weight_gradient",
    about: "gradient of a depthwise convolution's kernel and bias, in partitions",
    wgsl: shader!("depthwise_weight_gradient", "convolution"),
    bindings: &[read_activation("input"), read_activation("output_gradient"), write("weight_gradient")],
    cases,
};

/// weight gradient `[partitions, taps + bias, C*M]` from the input and the output's gradient, each partition over its own
/// images.
#[derive(Clone, Copy, Debug)]
pub struct DepthwiseWeightGradient {
    pub depthwise: Depthwise,
    /// Images of every partition but the last, which may have fewer.
    pub partition_images: usize,
}

/// Threads that share out the rows of one channel's outputs.
const LANES: usize = 4;

impl DepthwiseWeightGradient {
    /// The rule that its numbers break, if any.
    pub(super) fn broken_rule(&self) -> Option<&'static str> {
        let none = (self.partition_images == 0).then_some("a partition has images");
        none.or_else(|| self.depthwise.broken_rule())
    }

    /// In at most so many partitions.
    pub fn new(depthwise: Depthwise, most_partitions: usize) -> Self {
        Self { depthwise, partition_images: depthwise.batch.div_ceil(most_partitions.max(1)) }
    }

    fn partition_count(&self) -> usize {
        self.depthwise.batch.div_ceil(self.partition_images)
    }

    /// Where the gradients of the kernel, and of the bias if there is one, lie in the weight gradient.
    pub fn partitions(&self) -> Vec<Partitions> {
        let (all, kernel) = (self.depthwise.weights(), self.depthwise.taps() * self.depthwise.filters());
        let of = |first, words| Partitions { first, words, count: self.partition_count(), stride: all };
        [of(0, kernel)].into_iter().chain(self.depthwise.bias.then(|| of(kernel, all - kernel))).collect()
    }
}

impl Kernel for DepthwiseWeightGradient {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        let options = vec![
            ("BIAS", self.depthwise.bias.into()),
            ("PARTITIONS", self.partition_count().into()),
            ("PARTITION_IMAGES", self.partition_images.into()),
            ("THREADS_X", Depthwise::threads(self.depthwise.filters()).into()),
            ("THREADS_Y", LANES.into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
        ];
        [self.depthwise.constants(), options].concat()
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.depthwise.weight_rows() * self.partition_count());
        let filters = self.depthwise.filters();
        [x, y, filters.div_ceil(Depthwise::threads(filters))]
    }

    fn threads(&self) -> usize {
        Depthwise::threads(self.depthwise.filters()) * LANES
    }

    fn operations(&self) -> usize {
        2 * self.depthwise.outputs() * self.depthwise.taps()
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        if binding == "weight_gradient" { self.partition_count() * self.depthwise.weights() } else { words }
    }

    fn words(&self) -> Vec<usize> {
        let Self { depthwise, .. } = self;
        vec![depthwise.inputs(), depthwise.outputs(), self.partition_count() * depthwise.weights()]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [input, output_gradient, weight_gradient] = memory else { unreachable!("{BINDINGS}") };
        let Self { depthwise, partition_images } = *self;
        let [inputs, outputs] = [depthwise.inputs(), depthwise.outputs()].map(|all| all / depthwise.batch);
        let (filters, period, (runs, next_row)) = (depthwise.filters(), depthwise.period(), depthwise.runs());
        let images = floats(&input[..depthwise.inputs()]).par_chunks(partition_images * inputs);
        let images = images.zip(floats(&output_gradient[..depthwise.outputs()]).par_chunks(partition_images * outputs));
        let partitions = floats_mut(weight_gradient).par_chunks_exact_mut(depthwise.weights());
        partitions.zip(images).for_each(|(weight_gradient, (images, output_gradients))| {
            let (mut frame, mut sums) =
                (zeros(depthwise.frame_values()), zeros(depthwise.weight_rows() * depthwise.period()));
            let (frame, sums) = (floats_mut(&mut frame), floats_mut(&mut sums));
            let pairs = images.chunks_exact(inputs).zip(output_gradients.chunks_exact(outputs));
            vectorised(
                #[inline(always)]
                || {
                    for (image, output_gradient) in pairs.clone() {
                        depthwise.fill(image, frame);
                        let rows = output_gradient.chunks_exact(outputs / depthwise.window.output[0]);
                        for (y, row) in rows.enumerate() {
                            for range in depthwise.ranges() {
                                let (first, gradients) = (y * next_row + range.start, &row[range]);
                                for (run, sums) in runs.iter().zip(sums.chunks_exact_mut(period)) {
                                    add_products(sums, &frame[*run as usize + first..], gradients);
                                }
                                for sums in sums.chunks_exact_mut(period).skip(depthwise.taps()) {
                                    sums.iter_mut().zip(gradients).for_each(|(sum, value)| *sum += value);
                                }
                            }
                        }
                    }
                    let rows = weight_gradient.chunks_exact_mut(filters).zip(sums.chunks_exact(period));
                    for (row, repeated) in rows {
                        row.fill(0.0);
                        for values in repeated.chunks_exact(filters) {
                            row.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                        }
                    }
                },
            );
        });
    }
}

fn cases() -> Vec<Case> {
    let make = |(number, depthwise): (usize, Depthwise)| {
        let [input, _, output_gradient] = depthwise.draw(number);
        let most_partitions = if depthwise.batch > 1000 { depthwise.batch } else { 1 + number % 4 };
        let kernel = DepthwiseWeightGradient::new(depthwise, most_partitions);
        let memory = vec![input, output_gradient, unwritten(kernel.partition_count() * depthwise.weights())];
        case(format!("{depthwise:?} images a partition {}", kernel.partition_images), kernel, memory)
    };
    depthwise_examples().into_iter().enumerate().map(make).collect()
}
