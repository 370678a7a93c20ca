//! What the cases of the convolution kernels share.

use super::case::{Case, Draw, SENTINEL, Tolerance};
use super::fused_pool::NO_WINNER;
use super::{Access, Element};
use crate::gemm::examples::convolutions;
use crate::gemm::{Convolution, DeviceClass, GemmConfig, GemmKind, GemmProblem};
use crate::geometry::Window;

pub(super) fn describe(convolution: &Convolution, class: DeviceClass) -> String {
    let Window { size, stride, pad, input, .. } = convolution.window;
    let Convolution { batch, filters, pool, .. } = convolution;
    format!(
        "batch {batch} input {input:?} kernel {size:?} stride {stride:?} pad {pad:?} filters {filters} pool {pool} profile {class:?}"
    )
}

/// So many rows of a product, with a tile of eight, need more workgroups than one direction of a dispatch holds.
pub(super) const TALL: usize = 8 * 32_769;

/// Every geometry with every device profile, and one with a product of [`TALL`] rows.
pub(super) fn for_each_convolution(
    tall: Convolution,
    make: impl Fn(&Convolution, DeviceClass, &mut Draw) -> Case,
) -> Vec<Case> {
    let convolutions = convolutions();
    let pairs =
        DeviceClass::ALL.iter().flat_map(|class| convolutions.iter().map(move |convolution| (*class, convolution)));
    let pairs = pairs.chain([(DeviceClass::OldSoftware, &tall)]);
    let case = |(number, (class, convolution))| {
        let case: Case = make(convolution, class, &mut Draw::new(number));
        Case { class: Some(class), ..case }
    };
    pairs.enumerate().map(case).collect()
}

/// Threads of the subgroups of known devices: eight lanes of a CPU, and GPUs.
const SUBGROUPS: [[usize; 2]; 3] = [[8, 1], [16, 2], [16, 4]];

/// Every geometry in fragments of `size`, for subgroups of every size; and one whose numbers have more bits than f16.
pub(super) fn for_each_matrix_product(
    kind: GemmKind,
    size: usize,
    make: impl Fn(&Convolution, GemmConfig, &mut Draw) -> Case,
) -> Vec<Case> {
    let dense = Convolution::dense(33, 130, 10);
    let all = convolutions().into_iter().map(|convolution| (convolution, false)).chain([(dense, true)]);
    let all = all.flat_map(|one| SUBGROUPS.map(|threads| (one, threads)));
    let case = |(number, ((convolution, rounded), threads)): (usize, ((Convolution, bool), [usize; 2]))| {
        let problem = GemmProblem::new(kind, &convolution);
        let terms = if kind == GemmKind::WeightGradient { convolution.window_elements() } else { 1 };
        let (rows, columns, depth) = (16, 2, 16 / terms);
        let config = GemmConfig { threads, rows, columns, depth, stage_b: true, matrix: size, ..GemmConfig::PLAIN };
        let partitions = if kind == GemmKind::WeightGradient { 1 + convolution.filters % 4 } else { 1 };
        let config = GemmConfig { threads_per_row: problem.threads_per_row(&config), partitions, ..config };
        let draw = &mut Draw::new(number);
        let mut case = Case { label: format!("{problem}: {config}"), ..make(&convolution, config, draw) };
        if rounded {
            case.label += ", rounded";
            for (binding, memory) in case.kernel.descriptor().bindings.iter().zip(&mut case.memory) {
                if binding.access == Access::Read && binding.element != Element::Words {
                    *memory = draw.numbers(memory.len(), 1.0);
                }
                // Sums of 130 products at most, in any order.
                case.tolerances.push(Tolerance { relative: 1e-6, absolute: 4e-6 });
            }
        }
        case
    };
    all.enumerate().map(case).collect()
}

/// `argmax` as conv_forward leaves it, with random window elements, and none of some.
pub(super) fn winners(convolution: &Convolution, positions_per_word: usize, draw: &mut Draw) -> Vec<u32> {
    if convolution.pool == 1 {
        return vec![0];
    }
    let words = convolution.positions().div_ceil(positions_per_word) * convolution.filters;
    let winner = |draw: &mut Draw| [0, 1, 2, 3, NO_WINNER][draw.0.below(5) as usize];
    let word = |draw: &mut Draw| (0..positions_per_word).map(|position| winner(draw) << (4 * position)).sum();
    (0..words).map(|_| word(draw)).collect()
}

pub(super) fn positions_per_word(convolution: &Convolution, class: DeviceClass) -> usize {
    class.config(GemmKind::Forward, convolution).rows / convolution.window_elements()
}

/// An input gradient before its kernel runs: zero where no output reaches, unwritten elsewhere.
pub(super) fn unreached(convolution: &Convolution) -> Vec<u32> {
    let ([height, width, channels], [reached_height, reached_width]) =
        (convolution.window.input, convolution.reached());
    let word = |at: usize| {
        let (y, x) = (at / (width * channels) % height, at / channels % width);
        if y < reached_height && x < reached_width { SENTINEL } else { 0 }
    };
    (0..convolution.inputs()).map(word).collect()
}
