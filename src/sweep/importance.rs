//! How much of the spread of a sweep's results is due to each parameter by itself: functional ANOVA over a random forest
//! (Hutter, Hoos and Leyton-Brown, "An Efficient Approach for Assessing Hyperparameter Importance", 2014).
//!
//! The forest's trees say what any combination of values would come to, and are constant on boxes, so that the variance
//! over the whole space, and that of each parameter's means over all others, are sums over the leaves.

use std::ops::Range;

use crate::random::{Sequence, Stream};

/// What there is to know of the parameters, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Importance {
    /// Of the variance, the part that each explains by itself.
    pub alone: Vec<f64>,
    /// The rest, which only combinations of parameters explain.
    pub together: f64,
}

/// As many trees as Optuna's evaluator has.
const TREES: u32 = 64;

/// A part of the space in which the tree says one value.
struct Leaf {
    /// From 0 to 1, in each parameter.
    sides: Vec<Range<f64>>,
    value: f64,
}

/// A run: where each parameter was, from 0 to 1, and what it came to.
type Run = (Vec<f64>, f64);

/// The importance of the parameters of these runs, at least two, which have as many of them; none where all came to the
/// same.
pub fn importance(runs: &[Run]) -> Option<Importance> {
    let forest = (0..TREES).map(|tree| {
        // Each from as many runs as there are, drawn with replacement.
        let mut random = Sequence::new(0, Stream::Sweeps, u32::MAX - tree);
        let drawn = (0..runs.len()).map(|_| &runs[random.below(runs.len() as u32) as usize]).collect();
        leaves(drawn)
    });
    mean(forest.filter_map(|leaves| explained(&leaves)).collect())
}

/// Over trees that each say something.
fn mean(trees: Vec<Importance>) -> Option<Importance> {
    let count = trees.len() as f64;
    let first = trees.first()?;
    let alone = |place: usize| trees.iter().map(|tree| tree.alone[place]).sum::<f64>() / count;
    let alone: Vec<f64> = (0..first.alone.len()).map(alone).collect();
    Some(Importance { together: (1.0 - alone.iter().sum::<f64>()).max(0.0), alone })
}

/// A tree that is grown until no leaf has two runs that differ.
fn leaves(runs: Vec<&Run>) -> Vec<Leaf> {
    let whole = vec![0.0..1.0; runs.first().map_or(0, |(places, _)| places.len())];
    let (mut open, mut leaves) = (vec![(whole, runs)], Vec::new());
    while let Some((sides, runs)) = open.pop() {
        let Some((parameter, at)) = split(&runs) else {
            let value = runs.iter().map(|(_, value)| value).sum::<f64>() / runs.len().max(1) as f64;
            leaves.push(Leaf { sides, value });
            continue;
        };
        let (below, above) = runs.into_iter().partition(|(places, _)| places[parameter] < at);
        for (range, runs) in [(sides[parameter].start..at, below), (at..sides[parameter].end, above)] {
            let mut sides = sides.clone();
            sides[parameter] = range;
            open.push((sides, runs));
        }
    }
    leaves
}

/// The parameter and the place between two runs that leave the least squares from the two means; none where there is
/// nothing to divide.
fn split(runs: &[&Run]) -> Option<(usize, f64)> {
    let count = runs.len() as f64;
    let total: f64 = runs.iter().map(|(_, value)| value).sum();
    if runs.iter().all(|(_, value)| *value == runs[0].1) {
        return None;
    }
    let mut best: Option<(f64, usize, f64)> = None;
    for parameter in 0..runs[0].0.len() {
        let mut sorted: Vec<(f64, f64)> = runs.iter().map(|(places, value)| (places[parameter], *value)).collect();
        sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut sum = 0.0;
        for (before, pair) in sorted.windows(2).enumerate() {
            sum += pair[0].1;
            if pair[0].0 == pair[1].0 {
                continue;
            }
            let below = before as f64 + 1.0;
            // The squares between the means; those within are what is left of all.
            let gain = sum * sum / below + (total - sum).powi(2) / (count - below);
            if best.is_none_or(|(most, ..)| gain > most) {
                best = Some((gain, parameter, 0.5 * (pair[0].0 + pair[1].0)));
            }
        }
    }
    best.map(|(_, parameter, at)| (parameter, at))
}

/// What a tree's parameters explain of its variance; none where it has none.
fn explained(leaves: &[Leaf]) -> Option<Importance> {
    let length = |range: &Range<f64>| range.end - range.start;
    let volume = |leaf: &Leaf| leaf.sides.iter().map(length).product::<f64>();
    let mean: f64 = leaves.iter().map(|leaf| volume(leaf) * leaf.value).sum();
    let variance: f64 = leaves.iter().map(|leaf| volume(leaf) * (leaf.value - mean).powi(2)).sum();
    if variance <= 0.0 {
        return None;
    }
    let alone = |parameter: usize| {
        let mut ends: Vec<f64> =
            leaves.iter().flat_map(|leaf| [leaf.sides[parameter].start, leaf.sides[parameter].end]).collect();
        ends.sort_unstable_by(f64::total_cmp);
        ends.dedup();
        let of = |ends: &[f64]| {
            let within = |leaf: &&Leaf| leaf.sides[parameter].start <= ends[0] && ends[1] <= leaf.sides[parameter].end;
            let others = |leaf: &Leaf| volume(leaf) / length(&leaf.sides[parameter]);
            let marginal: f64 = leaves.iter().filter(within).map(|leaf| others(leaf) * leaf.value).sum();
            (ends[1] - ends[0]) * (marginal - mean).powi(2)
        };
        ends.windows(2).map(of).sum::<f64>() / variance
    };
    let alone: Vec<f64> = (0..leaves[0].sides.len()).map(alone).collect();
    Some(Importance { together: (1.0 - alone.iter().sum::<f64>()).max(0.0), alone })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(steps: usize, value: impl Fn(f64, f64) -> f64) -> Vec<Run> {
        let place = |step: usize| (step as f64 + 0.5) / steps as f64;
        let run = |one: usize, other: usize| (vec![place(one), place(other)], value(place(one), place(other)));
        (0..steps)
            .flat_map(|one| (0..steps).map(move |other| (one, other)))
            .map(|(one, other)| run(one, other))
            .collect()
    }

    fn close(importance: &Importance, expected: [f64; 3], by: f64) {
        let found = [importance.alone[0], importance.alone[1], importance.together];
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < by), "{found:?}");
    }

    /// Of a whole grid, a whole tree's are those of the analysis of variance: the squares of 3 and 1, and of a product.
    #[test]
    fn one_tree_of_a_whole_grid_is_the_analysis_of_variance() {
        let of = |runs: &[Run]| explained(&leaves(runs.iter().collect())).unwrap();
        close(&of(&grid(4, |one, other| 3.0 * one + other)), [0.9, 0.1, 0.0], 1e-12);
        close(&of(&grid(4, |one, other| (one - 0.5) * (other - 0.5))), [0.0, 0.0, 1.0], 1e-12);
        close(&of(&grid(2, |one, other| if one < 0.5 && other < 0.5 { 1.0 } else { 0.0 })), [1.0 / 3.0; 3], 1e-12);
    }

    #[test]
    fn a_forest_comes_near_to_it() {
        let runs = grid(8, |one, other| 3.0 * one + other);
        close(&importance(&runs).unwrap(), [0.9, 0.1, 0.0], 0.05);
        assert_eq!(importance(&runs), importance(&runs));
        // What has no part in the results has none here.
        close(&importance(&grid(8, |one, _| one)).unwrap(), [1.0, 0.0, 0.0], 0.02);
    }

    #[test]
    fn equal_results_say_nothing() {
        assert_eq!(importance(&grid(3, |_, _| 0.5)), None);
        assert_eq!(importance(&[(vec![0.1], 1.0)]), None);
    }
}
