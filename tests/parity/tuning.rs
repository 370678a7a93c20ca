//! What `tune` lets win: a cut that is faster than the table's, and right.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use gpu_fmnist::geometry::Padding;
use gpu_fmnist::kernels::{Case, ConvForward, Convolution, Cut, Tile, Tiled, Tiles};
use gpu_fmnist::layers::{Activation, Conv2d, Dense, Flatten, Layer, MaxPool2d};
use gpu_fmnist::model::{Model, NAMES, notebook};
use gpu_fmnist::network::Options;
use gpu_fmnist::selftest::compare;
use gpu_fmnist::tune::{Outcome, candidates, measure, products};

use crate::mutation::{Broken, mutation};
use crate::skips::skip;

const SLOW: Tile =
    Tile { threads: [8, 1], rows: 1, columns: 1, depth: 1, share: 1, stage_columns: false, chains: 1, keep: false };
const FAST: Tile = Tile { threads: [64, 1], rows: 8, depth: 4, share: 4, ..SLOW };
const AS_FAST: Tile = Tile { depth: 8, ..FAST };
/// With more threads to a row than the tile is deep, nothing would be loaded.
const IMPOSSIBLE: Tile = Tile { share: 8, ..FAST };

fn measured(candidates: &[Tile], slots: usize) -> Outcome {
    measured_against(candidates, slots, Tiled::case)
}

/// Holds cuts to what `case` says of each.
fn measured_against(candidates: &[Tile], slots: usize, case: fn(&Tiled) -> Case) -> Outcome {
    // Submissions run one after the other: a test would time another's with its own.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let convolution = Convolution::dense(512, 256, 128);
    let slow = Tiled::Forward(ConvForward { convolution, relu: true, tile: SLOW, slots: 1 });
    let cuts: Vec<Cut> = candidates.iter().map(|&tile| Cut { tile, slots }).collect();
    measure(crate::probe(), slow, &cuts, case, &mut |()| ControlFlow::Continue(())).unwrap().unwrap()
}

#[test]
fn a_faster_cut_wins_if_its_result_is_right() {
    if crate::adapter().tiles() == Tiles::OldSoftware {
        return skip("whether a faster tile wins: an old lavapipe runs all of them at much the same speed");
    }
    assert!(fast_won(&measured(&[FAST], 1)));
    assert!(fast_won(&measured(&[FAST], 3)), "in slots, with what joins them");
    let outcome = measured(&[IMPOSSIBLE, FAST], 1);
    assert!(fast_won(&outcome), "the impossible one is passed over: {outcome:?}");
    assert_eq!(outcome.dropped[0].1, "conv_forward is impossible: its share divides its depth");
}

#[test]
fn a_faster_cut_does_not_win_if_its_result_is_wrong() {
    if crate::adapter().tiles() == Tiles::OldSoftware {
        return skip("whether a wrong tile is passed over: an old lavapipe runs all of them at much the same speed");
    }
    let outcome = measured_against(&[FAST], 1, miscompiled);
    assert_eq!(outcome.best, None);
    let why = outcome.dropped.first().map(|(_, why)| why.as_str()).unwrap_or_default();
    assert!(why.starts_with("a wrong result: output["), "{outcome:?}");
    let outcome = measured_against(&[FAST, AS_FAST], 1, miscompiled);
    assert!(outcome.best.is_some_and(|best| best.cut.tile == AS_FAST), "the next one is taken: {outcome:?}");
}

/// The fast tile's shader as a driver might get it wrong: it adds something else than the bias.
fn miscompiled(tiled: &Tiled) -> Case {
    let case = tiled.case();
    if tiled.cut().tile != FAST {
        return case;
    }
    let broken = mutation("the bias", "kernel_value(DEPTH, first_column", "kernel_value(0u, first_column");
    let row = broken.of(crate::row("conv_forward"));
    let Case { label, kernel, memory, tolerances, tiles } = case;
    Case { label, kernel: Box::new(Broken { kernel: Box::leak(kernel), row }), memory, tolerances, tiles }
}

fn fast_won(outcome: &Outcome) -> bool {
    outcome.best.is_some_and(|best| best.cut.tile == FAST && best.seconds < outcome.table.seconds)
}

#[test]
fn measuring_can_be_stopped() {
    let convolution = Convolution::dense(8, 8, 8);
    let tiled = Tiled::Forward(ConvForward { convolution, relu: true, tile: SLOW, slots: 1 });
    let cuts = [Cut { tile: FAST, slots: 1 }];
    assert!(measure(crate::probe(), tiled, &cuts, Tiled::case, &mut |()| ControlFlow::Break(())).unwrap().is_none());
}

/// A convolution with a pool and a stride over channels, then a dense layer: every kind of product.
fn network() -> Model {
    let conv = |filters, stride| {
        Layer::Conv2d(Conv2d {
            filters,
            kernel: [3, 3],
            stride: [stride; 2],
            padding: Padding::Same,
            activation: Activation::Relu,
        })
    };
    let pool = || Layer::MaxPool2d(MaxPool2d { size: [2, 2], stride: None });
    let dense = Layer::Dense(Dense { units: 40, activation: Activation::Linear });
    let layers = vec![conv(9, 1), pool(), conv(20, 2), pool(), Layer::Flatten(Flatten {}), dense];
    Model::sequence("candidates", [17, 19, 1], layers)
}

/// The rules for cuts leave nothing out that a shader needs: one in eleven of the candidates of every column.
#[test]
fn candidates_compute_what_the_twins_do() {
    const ONE_IN: usize = 11;
    let mut checked = 0;
    for table in [Tiles::Gpu, Tiles::Software, Tiles::OldSoftware] {
        for tiled in products(&network(), Options::new(33, table, 33)).unwrap() {
            let cuts = candidates(&tiled, table, &crate::adapter().limits());
            for cut in cuts.into_iter().skip(checked % ONE_IN).step_by(ONE_IN) {
                let case = tiled.with(cut).case();
                let actual = crate::probe().run(&case).unwrap_or_else(|error| panic!("{}: {error}", case.label));
                compare(&case, &actual).unwrap_or_else(|problem| panic!("{}: {problem}", case.label));
                checked += 1;
            }
        }
    }
    assert!(checked > 30, "only {checked} candidates");
}

/// A GPU's tiles depend on how large a product is, and the cases are small.
#[test]
fn a_gpus_tiles_are_right_at_the_networks_own_sizes() {
    let mut known = HashSet::new();
    for name in NAMES {
        let (model, _) = notebook(name).unwrap();
        for tiled in products(&model, Options::new(512, Tiles::Gpu, 512)).unwrap() {
            if known.insert(tiled.product()) {
                let case = tiled.case();
                let actual = crate::probe().run(&case).unwrap_or_else(|error| panic!("{}: {error}", case.label));
                compare(&case, &actual).unwrap_or_else(|problem| panic!("{}: {problem}", case.label));
            }
        }
    }
}
