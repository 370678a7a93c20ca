//! The reduction of a forward product in partitions (split-K): host side and CPU reference of `shaders/split_k_reduce.wgsl`.

use rayon::prelude::*;

use super::case::{Case, Draw, case, unwritten};
use super::vectors::vectorised;
use super::{BINDINGS, Constants, Descriptor, Kernel, floats, floats_mut, grid, read, read_weights, write_activation};

pub const DESCRIPTOR: Descriptor = Descriptor {
    name: "split_k_reduce",
    about: "adds up the partitions of a forward product (split-K), then bias and ReLU",
    wgsl: shader!("split_k_reduce", "read_ahead"),
    bindings: &[read("sums"), read_weights("weights"), write_activation("output")],
    cases,
};

/// output `[rows, filters]` = relu(the sum of `[partitions, rows, filters]` over its partitions + bias), the bias being the last row
/// of the weights `[depth + 1, filters]`.
#[derive(Clone, Copy, Debug)]
pub struct SplitKReduce {
    pub rows: usize,
    pub depth: usize,
    pub filters: usize,
    pub partitions: usize,
    pub bias: bool,
    pub relu: bool,
}

const THREADS: usize = 64;
/// Values of one task of the CPU path: its sums stay in the first cache.
const TASK_VALUES: usize = 4096;

impl SplitKReduce {
    fn values(&self) -> usize {
        self.rows * self.filters
    }

    /// Words of the weights.
    fn weights(&self) -> usize {
        (self.depth + usize::from(self.bias)) * self.filters
    }
}

impl Kernel for SplitKReduce {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn constants(&self) -> Constants {
        vec![
            ("ROWS", self.rows.into()),
            ("DEPTH", self.depth.into()),
            ("FILTERS", self.filters.into()),
            ("PARTITIONS", self.partitions.into()),
            ("BIAS", self.bias.into()),
            ("RELU", self.relu.into()),
            ("THREADS", THREADS.into()),
            ("GRID_WIDTH", self.workgroups()[0].into()),
        ]
    }

    fn workgroups(&self) -> [usize; 3] {
        let [x, y] = grid(self.values().div_ceil(THREADS));
        [x, y, 1]
    }

    /// The partitions but the first, and the bias.
    fn operations(&self) -> usize {
        self.values() * (self.partitions - 1 + usize::from(self.bias))
    }

    fn traffic(&self, binding: &str, words: usize) -> usize {
        match binding {
            "weights" => {
                if self.bias {
                    self.filters
                } else {
                    0
                }
            }
            _ => words,
        }
    }

    fn words(&self) -> Vec<usize> {
        vec![self.partitions * self.values(), self.weights(), self.values()]
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        let [sums, weights, output] = memory else { unreachable!("{BINDINGS}") };
        let (sums, values) = (floats(sums), self.values());
        let bias = self.bias.then(|| &floats(weights)[self.depth * self.filters..][..self.filters]);
        // Whole rows.
        let block = TASK_VALUES.div_ceil(self.filters) * self.filters;
        floats_mut(output)[..values].par_chunks_mut(block).enumerate().for_each(|(number, output)| {
            let first = number * block;
            vectorised(
                #[inline(always)]
                || {
                    output.copy_from_slice(&sums[first..first + output.len()]);
                    for partition in sums.chunks_exact(values).take(self.partitions).skip(1) {
                        output.iter_mut().zip(&partition[first..]).for_each(|(sum, value)| *sum += value);
                    }
                },
            );
            add_bias_and_relu(output, bias, self.relu);
        });
    }
}

/// The end of a product: bias and ReLU of rows as long as the bias, in place.
pub(super) fn add_bias_and_relu(rows: &mut [f32], bias: Option<&[f32]>, relu: bool) {
    vectorised(
        #[inline(always)]
        || match bias {
            Some(bias) => {
                for row in rows.chunks_exact_mut(bias.len()) {
                    for (value, bias) in row.iter_mut().zip(bias) {
                        *value += bias;
                        if relu {
                            *value = value.max(0.0);
                        }
                    }
                }
            }
            None if relu => rows.iter_mut().for_each(|value| *value = value.max(0.0)),
            None => {}
        },
    );
}

fn cases() -> Vec<Case> {
    let make = |(number, (rows, depth, filters, partitions, relu)): (usize, (usize, usize, usize, usize, bool))| {
        let bias = number != 2;
        let kernel = SplitKReduce { rows, depth, filters, partitions, bias, relu };
        let draw = &mut Draw::new(number);
        let memory =
            vec![draw.eighths(partitions * rows * filters), draw.eighths(kernel.weights()), unwritten(rows * filters)];
        let label =
            format!("{rows} rows, depth {depth}, {filters} filters, {partitions} partitions, bias {bias}, ReLU {relu}");
        case(label, kernel, memory)
    };
    // The last has more workgroups than one direction of a dispatch holds.
    [
        (5, 7, 3, 2, true),
        (64, 33, 128, 13, true),
        (33, 130, 10, 3, false),
        (1, 1, 1, 1, false),
        (8 * 32_769, 2, 8, 2, true),
    ]
    .into_iter()
    .enumerate()
    .map(make)
    .collect()
}
