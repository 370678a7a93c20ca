//! What the cases of the convolution kernels share.

use super::case::{Case, Draw, SENTINEL, Tolerance};
use super::fused_pool::NO_WINNER;
use super::{Access, Element};
use crate::gemm::examples::convolutions;
use crate::gemm::{ArgmaxWord, Convolution, DeviceClass, GemmConfig, GemmKind, GemmProblem};
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
const LANES: [[usize; 2]; 3] = [[8, 1], [16, 2], [16, 4]];
/// Several subgroups of a workgroup.
const SUBGROUPS: [[usize; 2]; 3] = [[2, 1], [1, 2], [2, 2]];

/// Every geometry in fragments of `size`, for subgroups of every size, one to a workgroup and several; and one whose
/// numbers have more bits than f16.
pub(super) fn for_each_matrix_product(
    kind: GemmKind,
    size: usize,
    make: impl Fn(&Convolution, GemmConfig, &mut Draw) -> Case,
) -> Vec<Case> {
    let dense = Convolution::dense(33, 130, 10);
    let all = convolutions().into_iter().map(|convolution| (convolution, false)).chain([(dense, true)]);
    let mut cases: Vec<Case> = Vec::new();
    for (place, (convolution, rounded)) in all.enumerate() {
        let problem = GemmProblem::new(kind, &convolution);
        let terms = if kind == GemmKind::WeightGradient { convolution.window_elements() } else { 1 };
        let partitions = if kind == GemmKind::WeightGradient { 1 + convolution.filters % 4 } else { 1 };
        let several = SUBGROUPS[place % SUBGROUPS.len()];
        for ([x, y], subgroups) in LANES.into_iter().flat_map(|lanes| [(lanes, [1; 2]), (lanes, several)]) {
            let threads = [x * subgroups[0], y * subgroups[1]];
            let tile = GemmConfig { threads, rows: 16, columns: 2, depth: 16 / terms, ..GemmConfig::PLAIN };
            let mut config = GemmConfig { stage_b: true, partitions, matrix: size, subgroups, ..tile };
            config.threads_per_row = problem.threads_per_row(&config);
            let draw = &mut Draw::new(cases.len());
            let case = Case { label: format!("{problem}: {config}"), ..make(&convolution, config, draw) };
            cases.push(if rounded { with_more_bits(case, draw) } else { case });
        }
    }
    cases
}

/// The case on numbers that f16 rounds.
fn with_more_bits(mut case: Case, draw: &mut Draw) -> Case {
    case.label += ", rounded";
    for (binding, memory) in case.kernel.descriptor().bindings.iter().zip(&mut case.memory) {
        if binding.access == Access::Read && binding.element != Element::Words {
            *memory = draw.numbers(memory.len(), 1.0);
        }
        // Sums of 130 products at most, in any order.
        case.tolerances.push(Tolerance { relative: 1e-6, absolute: 4e-6 });
    }
    case
}

/// `argmax` as conv_forward leaves it, with random window elements, and none of some.
pub(super) fn winners(convolution: &Convolution, word: ArgmaxWord, draw: &mut Draw) -> Vec<u32> {
    if convolution.pool == 1 {
        return vec![0];
    }
    let winners = word.positions * word.filters;
    let winner = |draw: &mut Draw| [0, 1, 2, 3, NO_WINNER][draw.0.below(5) as usize];
    let of_word = |draw: &mut Draw| (0..winners).map(|place| winner(draw) << (4 * place)).sum();
    (0..word.words(convolution)).map(|_| of_word(draw)).collect()
}

/// What a word of `argmax` holds with the forward product's configuration.
pub(super) fn word(convolution: &Convolution, class: DeviceClass) -> ArgmaxWord {
    ArgmaxWord::of(convolution, &class.config(GemmKind::Forward, convolution))
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
