//! Times the candidates for one product against the table's cut, and takes the fastest that computes what its twin does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::callback::ProgressCallback;
use crate::error::{Error, Result};
use crate::gpu::{Probe, Trial, Trials};
use crate::kernels::{Case, ConvWeightGradient, Cut, Kernel, MicroBatches, Product, Tiled, Update, Updates};
use crate::optimizers::Optimizer;
use crate::selftest::compare;

/// A cut must take this much less than the table's, or the table's stays.
pub const MARGIN: f64 = 0.05;
/// A candidate that takes longer to compile and run once is out: training would wait for it at each start.
pub const LONGEST_COMPILE: Duration = Duration::from_secs(5);
/// How long a timed submission of the table's cut should take, beside which handing it in is little.
const SUBMISSION: Duration = Duration::from_millis(20);
/// Candidates that are timed again and again, in turns with the table's cut; the best of the rounds counts.
const FINALISTS: usize = 6;
const ROUNDS: usize = 7;

/// How long a product takes, cut in one way, with the pass that adds its slots up: a weight gradient's update, or `join`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    pub cut: Cut,
    pub seconds: f64,
}

/// What the candidates for one product came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub product: Product,
    pub table: Measured,
    /// Faster than the table's by more than [`MARGIN`], and right to the bit.
    pub best: Option<Measured>,
    pub candidates: usize,
    /// Candidates that could not win, and why.
    pub dropped: Vec<(Cut, String)>,
}

/// A candidate, ready to be timed.
struct Contender {
    cut: Cut,
    trial: Trial,
    /// The best so far.
    seconds: f64,
}

/// A product's buffers on the device.
struct Bench<'a> {
    tiled: Tiled,
    trials: Trials<'a>,
    /// The slots that candidates for a weight gradient have. Each has a table for the update among the buffers.
    slots: Vec<usize>,
    /// The first table's buffer.
    tables: usize,
}

/// Bindings of an update: see [`Rule::update`](crate::optimizers::Rule::update).
const GRADIENT: usize = 0;
const TABLE: usize = 3;

/// The update that adds up what the product leaves, and its table.
fn update(kernel: &ConvWeightGradient) -> (Vec<u32>, Arc<dyn Kernel>) {
    let (mut first, mut variables) = (0, Vec::new());
    for gradient in kernel.partitions() {
        variables.push(Update { first, gradient });
        first += gradient.words;
    }
    let updates = Updates { variables, micro_batches: MicroBatches { count: 1, stride: 0 } };
    (updates.table(), Optimizer::default().rule().update(updates))
}

/// Measures a product, which comes with the table's cut, in all the ways to cut it. `callback` is called before each
/// candidate and may stop, which gives `None`. `case` is what a cut has to compute: [`Tiled::case`].
///
/// # Errors
/// Where the device fails at the table's cut itself.
pub fn measure(
    probe: &Probe,
    tiled: Tiled,
    candidates: &[Cut],
    case: impl Fn(&Tiled) -> Case,
    callback: ProgressCallback<()>,
) -> Result<Option<Outcome>> {
    let bench = Bench::new(probe, tiled, candidates)?;
    let mut table = bench.contender(tiled.cut(), 1)?;
    let repeats = (SUBMISSION.as_secs_f64() / table.seconds.max(1e-6)).clamp(1.0, 100.0) as usize;
    let (mut contenders, mut dropped) = (Vec::new(), Vec::new());
    for &cut in candidates {
        if callback(()).is_break() {
            return Ok(None);
        }
        let start = Instant::now();
        match bench.contender(cut, repeats.div_ceil(4)) {
            Err(error) => dropped.push((cut, error.to_string())),
            Ok(_) if start.elapsed() > LONGEST_COMPILE => {
                let (seconds, most) = (start.elapsed().as_secs_f64(), LONGEST_COMPILE.as_secs_f64());
                dropped.push((cut, format!("takes {seconds:.1} s to compile, and {most} s are the most")));
            }
            Ok(contender) => contenders.push(contender),
        }
    }
    contenders.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    contenders.truncate(FINALISTS);
    for finalist in contenders.iter_mut().chain([&mut table]) {
        finalist.seconds = f64::INFINITY;
    }
    for _ in 0..ROUNDS {
        for finalist in contenders.iter_mut().chain([&mut table]) {
            finalist.seconds = finalist.seconds.min(bench.seconds(&finalist.trial, repeats)?);
        }
    }
    contenders.retain(|contender| contender.seconds < table.seconds * (1.0 - MARGIN));
    contenders.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    let fastest = contenders.into_iter().map(|Contender { cut, seconds, .. }| Measured { cut, seconds });
    let best = first_right(fastest, &mut dropped, |cut| check(probe, &case(&tiled.with(cut))));
    let table = Measured { cut: table.cut, seconds: table.seconds };
    Ok(Some(Outcome { product: tiled.product(), table, best, candidates: candidates.len(), dropped }))
}

impl<'a> Bench<'a> {
    fn new(probe: &'a Probe, tiled: Tiled, candidates: &[Cut]) -> Result<Self> {
        let mut memory: Vec<(Vec<u32>, usize)> = tiled.case().memory.into_iter().map(|words| (words, 0)).collect();
        for (words, length) in &mut memory {
            *length = words.len();
        }
        for words in candidates.iter().map(|cut| tiled.with(*cut).kernel().words()) {
            for ((_, length), words) in memory.iter_mut().zip(words) {
                *length = words.max(*length);
            }
        }
        let mut slots = Vec::new();
        match tiled {
            // What the update has beside the gradient and its table: numbers of the step, progress, values and states.
            Tiled::WeightGradient(kernel) => {
                let words = update(&kernel).1.words().into_iter().enumerate();
                let own = words.filter(|(binding, _)| ![GRADIENT, TABLE].contains(binding));
                memory.extend(own.map(|(_, words)| (Vec::new(), words)));
                slots = candidates.iter().map(|cut| cut.slots).chain([kernel.slots]).collect();
                slots.sort_unstable();
                slots.dedup();
                let table = |&slots: &usize| update(&ConvWeightGradient { slots, ..kernel }).0;
                memory.extend(slots.iter().map(table).map(|table| (table.clone(), table.len())));
            }
            // What slots are joined in.
            Tiled::Forward(kernel) => {
                memory.push((Vec::new(), kernel.convolution.positions() * kernel.convolution.filters));
            }
            Tiled::InputGradient(_) => {}
        }
        let tables = memory.len() - slots.len();
        Ok(Self { tiled, trials: Trials::new(probe, &memory)?, slots, tables })
    }

    /// Compiles a cut and gets a first impression of how long it takes.
    fn contender(&self, cut: Cut, repeats: usize) -> Result<Contender> {
        let tiled = self.tiled.with(cut);
        let bindings = tiled.kernel().row().bindings.len();
        let mut passes: Vec<(&(dyn Kernel + 'static), Vec<usize>)> = vec![(tiled.kernel(), (0..bindings).collect())];
        let (update, join);
        match tiled {
            Tiled::WeightGradient(kernel) => {
                update = self::update(&kernel).1;
                // The product's output, and the buffers after its own.
                let mut bound: Vec<usize> = (bindings - 1..bindings - 2 + update.row().bindings.len()).collect();
                let table = self.slots.iter().position(|slots| *slots == kernel.slots).expect("each cut has a table");
                bound.insert(TABLE, self.tables + table);
                passes.push((&*update, bound));
            }
            Tiled::Forward(kernel) => {
                join = kernel.join();
                // The product's output, its weights, and the buffer after its own.
                passes.extend(join.iter().map(|join| (join as &(dyn Kernel + 'static), vec![2, 1, bindings])));
            }
            Tiled::InputGradient(_) => {}
        }
        let trial = self.trials.prepare(&passes)?;
        // Some drivers compile at the first run.
        self.trials.time(&trial, 1)?;
        let seconds = self.seconds(&trial, repeats)?.min(self.seconds(&trial, repeats)?);
        Ok(Contender { cut, trial, seconds })
    }

    /// Seconds of one run, of so many in a row.
    fn seconds(&self, trial: &Trial, repeats: usize) -> Result<f64> {
        Ok(self.trials.time(trial, repeats)?.as_secs_f64() / repeats as f64)
    }
}

/// The first that is right; those before it are dropped.
fn first_right(
    fastest: impl IntoIterator<Item = Measured>,
    dropped: &mut Vec<(Cut, String)>,
    check: impl Fn(Cut) -> std::result::Result<(), String>,
) -> Option<Measured> {
    fastest.into_iter().find(|measured| match check(measured.cut) {
        Ok(()) => true,
        Err(problem) => {
            dropped.push((measured.cut, problem));
            false
        }
    })
}

/// Holds a cut to its twin, to the bit.
fn check(probe: &Probe, case: &Case) -> std::result::Result<(), String> {
    let actual = probe.run(case).map_err(|error: Error| error.to_string())?;
    compare(case, &actual).map(drop).map_err(|problem| format!("a wrong result: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::{Convolution, Tiles};

    #[test]
    fn a_wrong_cut_is_passed_over_however_fast_it_is() {
        let tile = Tiles::Gpu.forward(&Convolution::dense(64, 64, 64));
        let all = [1, 2, 3, 4].map(|slots| Measured { cut: Cut { tile, slots }, seconds: slots as f64 });
        let of = |right: &[usize]| {
            let mut dropped = Vec::new();
            let check = |cut: Cut| if right.contains(&cut.slots) { Ok(()) } else { Err("wrong".into()) };
            let best = first_right(all, &mut dropped, check).map(|best| best.cut.slots);
            (best, dropped.iter().map(|(cut, _)| cut.slots).collect::<Vec<_>>())
        };
        assert_eq!(of(&[1, 2]), (Some(1), vec![]));
        assert_eq!(of(&[3, 4]), (Some(3), vec![1, 2]));
        assert_eq!(of(&[]), (None, vec![1, 2, 3, 4]));
    }
}
