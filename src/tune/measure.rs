//! Times the candidates for one product against the profile's configuration, and takes the fastest that computes what its CPU reference does.

use std::sync::Arc;
use std::time::Duration;

use web_time::Instant;

use crate::callback::ProgressCallback;
use crate::error::{Error, Result};
use crate::gemm::{GemmConfig, GemmProblem};
use crate::gpu::{Probe, Timed, Trial, Trials};
use crate::kernels::{
    Case, ConvWeightGradient, GemmKernel, Kernel, MicroBatches, Product, StepNumbers, Update, Updates,
};
use crate::optimizers::Optimizer;
use crate::precision::Precision;
use crate::selftest::compare;

/// A configuration must take this much less than the profile's, or the profile's stays.
pub const MARGIN: f64 = 0.05;
/// A candidate that takes longer to compile and run once is out: training would wait for it at each start.
pub const LONGEST_COMPILE: Duration = Duration::from_secs(5);
/// How long a timed submission of the profile's configuration should take, beside which handing it in is little.
const SUBMISSION: Duration = Duration::from_millis(20);
/// Candidates that are timed again and again, in turns with the profile's; the best of the rounds counts.
const FINALISTS: usize = 6;
const ROUNDS: usize = 7;

/// How long a product takes in one configuration, with the pass that adds its partitions up: a weight gradient's update, or
/// `split_k_reduce`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    pub config: GemmConfig,
    pub seconds: f64,
}

/// What the candidates for one product came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub problem: GemmProblem,
    /// Of the run that has the product.
    pub precision: Precision,
    pub table: Measured,
    /// Faster than the profile's by more than [`MARGIN`], and right to the bit.
    pub best: Option<Measured>,
    pub candidates: usize,
    /// Candidates that could not win, and why.
    pub dropped: Vec<(GemmConfig, String)>,
}

/// A candidate, ready to be timed.
struct Contender {
    config: GemmConfig,
    trial: Trial,
    /// The best so far.
    seconds: f64,
}

/// A product's buffers on the device.
struct Bench<'a> {
    product: Product,
    trials: Trials<'a>,
    /// How many partitions candidates for a weight gradient have. Each has a table for the update among the buffers.
    partitions: Vec<usize>,
    /// The first table's buffer.
    tables: usize,
}

/// Bindings of an update: see [`Rule::update`](crate::optimizers::Rule::update).
const GRADIENT: usize = 0;
const TABLE: usize = 3;

/// The update that adds up what the product leaves, and its table.
fn update(kernel: &ConvWeightGradient, read_ahead: bool) -> (Vec<u32>, Arc<dyn Kernel>) {
    let (mut first, mut variables) = (0, Vec::new());
    for gradient in kernel.partitions() {
        variables.push(Update { first, gradient, decays: false });
        first += gradient.words;
    }
    let (micro_batches, numbers) = (MicroBatches::ONE, StepNumbers::default());
    let updates = Updates { variables, micro_batches, numbers, read_ahead };
    (updates.table(), Optimizer::default().rule().update(updates))
}

/// Measures a product, which comes with the profile's configuration, in all candidates for another. `callback` is called before each
/// candidate and may stop, which gives `None`. `case` is what a configuration has to compute: [`Product::case`].
///
/// # Errors
/// Where the device fails at the profile's configuration itself.
pub fn measure(
    probe: &Probe,
    product: Product,
    candidates: &[GemmConfig],
    case: impl Fn(&Product) -> Case,
    callback: ProgressCallback<()>,
) -> Result<Option<Outcome>> {
    let bench = Bench::new(probe, product, candidates)?;
    let own = bench.compiled(&[product.config()]).remove(0)?;
    let (mut table, _) = bench.contender(product.config(), own.0, 1)?;
    let repeats = (SUBMISSION.as_secs_f64() / table.seconds.max(1e-6)).clamp(1.0, 100.0) as usize;
    let (mut contenders, mut dropped) = (Vec::new(), Vec::new());
    for configs in candidates.chunks(rayon::current_num_threads()) {
        for (&config, compiled) in configs.iter().zip(bench.compiled(configs)) {
            if callback(()).is_break() {
                return Ok(None);
            }
            let timed = compiled.and_then(|(trial, took)| {
                let (contender, first) = bench.contender(config, trial, repeats.div_ceil(4))?;
                Ok((contender, took + first))
            });
            match timed {
                Err(error) => dropped.push((config, error.to_string())),
                Ok((_, took)) if took > LONGEST_COMPILE => {
                    let (seconds, most) = (took.as_secs_f64(), LONGEST_COMPILE.as_secs_f64());
                    dropped.push((config, format!("takes {seconds:.1} s to compile, and {most} s are the most")));
                }
                Ok((contender, _)) => contenders.push(contender),
            }
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
    let fastest = contenders.into_iter().map(|Contender { config, seconds, .. }| Measured { config, seconds });
    let best = first_right(fastest, &mut dropped, |config| check(probe, &case(&product.with(config))));
    let table = Measured { config: table.config, seconds: table.seconds };
    let Product { precision, .. } = product;
    Ok(Some(Outcome { problem: product.problem(), precision, table, best, candidates: candidates.len(), dropped }))
}

impl<'a> Bench<'a> {
    fn new(probe: &'a Probe, product: Product, candidates: &[GemmConfig]) -> Result<Self> {
        let mut memory: Vec<(Vec<u32>, usize)> = product.case().memory.into_iter().map(|words| (words, 0)).collect();
        for (words, length) in &mut memory {
            *length = words.len();
        }
        for words in candidates.iter().map(|config| product.with(*config).kernel().words()) {
            for ((_, length), words) in memory.iter_mut().zip(words) {
                *length = words.max(*length);
            }
        }
        let mut partitions = Vec::new();
        match product.gemm {
            // What the update has beside the gradient and its table: numbers of the step, progress, values and states.
            GemmKernel::WeightGradient(kernel) => {
                let words = update(&kernel, false).1.words().into_iter().enumerate();
                let own = words.filter(|(binding, _)| ![GRADIENT, TABLE].contains(binding));
                memory.extend(own.map(|(_, words)| (Vec::new(), words)));
                partitions = candidates.iter().chain([&kernel.config]).map(|config| config.partitions).collect();
                partitions.sort_unstable();
                partitions.dedup();
                let config = |&partitions: &usize| GemmConfig { partitions, ..kernel.config };
                let table = |partitions| update(&ConvWeightGradient { config: config(partitions), ..kernel }, false).0;
                memory.extend(partitions.iter().map(table).map(|table| (table.clone(), table.len())));
            }
            // What partitions are added up in.
            GemmKernel::Forward(kernel) => {
                memory.push((Vec::new(), kernel.convolution.positions() * kernel.convolution.filters));
            }
            GemmKernel::InputGradient(_) => {}
        }
        let tables = memory.len() - partitions.len();
        Ok(Self { product, trials: Trials::new(probe, &memory)?, partitions, tables })
    }

    /// Compiles some configurations at once; each by itself where that takes long, or one is refused. With how long each
    /// took.
    fn compiled(&self, configs: &[GemmConfig]) -> Vec<Result<(Trial, Duration)>> {
        let start = Instant::now();
        let passes: Vec<Vec<Timed>> = configs.iter().map(|config| self.passes(*config)).collect();
        match self.trials.prepare(&passes) {
            Ok(trials) if configs.len() == 1 || start.elapsed() < LONGEST_COMPILE => {
                let each = start.elapsed() / configs.len() as u32;
                trials.into_iter().map(|trial| Ok((trial, each))).collect()
            }
            Err(error) if configs.len() == 1 => vec![Err(error)],
            _ => configs.iter().flat_map(|config| self.compiled(&[*config])).collect(),
        }
    }

    /// What is timed of a configuration.
    fn passes(&self, config: GemmConfig) -> Vec<Timed> {
        let product = self.product.with(config);
        let kernel = product.kernel();
        let bindings = kernel.descriptor().bindings.len();
        let mut passes = vec![(kernel, (0..bindings).collect())];
        match product.gemm {
            GemmKernel::WeightGradient(kernel) => {
                // Profiles that stage B are a GPU's, which reads ahead.
                let update = update(&kernel, self.product.config().stage_b).1;
                // The product's output, and the buffers after its own.
                let mut bound: Vec<usize> = (bindings - 1..bindings - 2 + update.descriptor().bindings.len()).collect();
                let count = kernel.config.partitions;
                let table = self.partitions.iter().position(|own| *own == count).expect("each candidate has a table");
                bound.insert(TABLE, self.tables + table);
                passes.push((update, bound));
            }
            // The product's output, its weights, and the buffer after its own.
            GemmKernel::Forward(_) => passes.extend(product.reduction().map(|one| (one, vec![2, 1, bindings]))),
            GemmKernel::InputGradient(_) => {}
        }
        passes
    }

    /// Gets a first impression of how long a configuration takes, and how long its first run does.
    fn contender(&self, config: GemmConfig, trial: Trial, repeats: usize) -> Result<(Contender, Duration)> {
        // Some drivers compile at the first run.
        let first = self.trials.time(&trial, 1)?;
        let seconds = self.seconds(&trial, repeats)?.min(self.seconds(&trial, repeats)?);
        Ok((Contender { config, trial, seconds }, first))
    }

    /// Seconds of one run, of so many in a row.
    fn seconds(&self, trial: &Trial, repeats: usize) -> Result<f64> {
        Ok(self.trials.time(trial, repeats)?.as_secs_f64() / repeats as f64)
    }
}

/// The first that is right; those before it are dropped.
fn first_right(
    fastest: impl IntoIterator<Item = Measured>,
    dropped: &mut Vec<(GemmConfig, String)>,
    check: impl Fn(GemmConfig) -> std::result::Result<(), String>,
) -> Option<Measured> {
    fastest.into_iter().find(|measured| match check(measured.config) {
        Ok(()) => true,
        Err(problem) => {
            dropped.push((measured.config, problem));
            false
        }
    })
}

/// Holds a configuration to its CPU reference, to the bit.
fn check(probe: &Probe, case: &Case) -> std::result::Result<(), String> {
    let actual = probe.run(case).map_err(|error: Error| error.to_string())?;
    compare(case, &actual).map(drop).map_err(|problem| format!("a wrong result: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::{Convolution, DeviceClass, GemmKind};

    #[test]
    fn a_wrong_configuration_is_passed_over_however_fast_it_is() {
        let config = DeviceClass::Gpu.config(GemmKind::Forward, &Convolution::dense(64, 64, 64));
        let measured =
            |partitions| Measured { config: GemmConfig { partitions, ..config }, seconds: partitions as f64 };
        let all = [1, 2, 3, 4].map(measured);
        let of = |right: &[usize]| {
            let mut dropped = Vec::new();
            let check =
                |config: GemmConfig| if right.contains(&config.partitions) { Ok(()) } else { Err("wrong".into()) };
            let best = first_right(all, &mut dropped, check).map(|best| best.config.partitions);
            (best, dropped.iter().map(|(config, _)| config.partitions).collect::<Vec<_>>())
        };
        assert_eq!(of(&[1, 2]), (Some(1), vec![]));
        assert_eq!(of(&[3, 4]), (Some(3), vec![1, 2]));
        assert_eq!(of(&[]), (None, vec![1, 2, 3, 4]));
    }
}
