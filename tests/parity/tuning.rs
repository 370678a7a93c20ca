//! What `tune` lets win: a cut that is faster than the table's, and right.

use std::ops::ControlFlow;

use gpu_fmnist::kernels::{ConvForward, Convolution, Cut, Tile, Tiled};
use gpu_fmnist::tune::{Outcome, measure};

const SLOW: Tile = Tile { threads: [8, 1], rows: 1, columns: 1, depth: 1, share: 1, stage_columns: false, chains: 1 };
const FAST: Tile = Tile { threads: [64, 1], rows: 16, depth: 16, share: 16, ..SLOW };
/// As fast, but wrong: with more threads to a row than the tile is deep, nothing is loaded.
const WRONG: Tile = Tile { share: 32, ..FAST };

fn measured(candidates: &[Tile]) -> Outcome {
    let convolution = Convolution::dense(512, 256, 128);
    let slow = Tiled::Forward(ConvForward { convolution, relu: true, tile: SLOW });
    let cuts: Vec<Cut> = candidates.iter().map(|&tile| Cut { tile, slots: 1 }).collect();
    measure(crate::probe(), slow, &cuts, &mut || ControlFlow::Continue(())).unwrap().unwrap()
}

#[test]
fn a_faster_cut_wins_if_its_result_is_right() {
    assert!(fast_won(&measured(&[FAST])));
    let outcome = measured(&[WRONG, FAST]);
    assert!(fast_won(&outcome), "the wrong one is passed over: {outcome:?}");
    let outcome = measured(&[WRONG]);
    assert_eq!(outcome.best, None);
    assert!(outcome.dropped[0].1.starts_with("a wrong result: output["), "{outcome:?}");
}

fn fast_won(outcome: &Outcome) -> bool {
    outcome.best.is_some_and(|best| best.cut.tile == FAST && best.seconds < outcome.table.seconds)
}

#[test]
fn measuring_can_be_stopped() {
    let tiled = Tiled::Forward(ConvForward { convolution: Convolution::dense(8, 8, 8), relu: true, tile: SLOW });
    let cuts = [Cut { tile: FAST, slots: 1 }];
    assert!(measure(crate::probe(), tiled, &cuts, &mut || ControlFlow::Break(())).unwrap().is_none());
}
