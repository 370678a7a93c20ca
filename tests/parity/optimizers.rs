//! Every optimizer over several steps against its formulas in f64, on both executors: the gradients are the device's own.

use std::ops::ControlFlow;
use std::sync::Arc;

use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::data::Samples;
use gpu_fmnist::error::Result;
use gpu_fmnist::gemm::DeviceClass;
use gpu_fmnist::gpu::Gpu;
use gpu_fmnist::model::Model;
use gpu_fmnist::optimizers::{Adam, AdamW, Algorithm, Optimizer, Sgd, Undecayed};
use gpu_fmnist::plan::{Executor, Plan, Variable, VariableKind};
use gpu_fmnist::train::{Engine, Metrics, Setup};

const BATCH: usize = 12;
const STEPS: usize = 6;

fn model() -> Model {
    let text = "name = \"small\"\ninput = [6, 5, 1]\n[[layers]]\ntype = \"conv2d\"\nfilters = 3\nkernel = 3\nactivation = \"relu\"\n\
                [[layers]]\ntype = \"max_pool2d\"\nsize = 2\n[[layers]]\ntype = \"flatten\"\n\
                [[layers]]\ntype = \"dense\"\nunits = 70\nactivation = \"relu\"\n[[layers]]\ntype = \"dense\"\nunits = 4";
    toml::from_str(text).unwrap()
}

fn samples() -> Samples {
    let images: Vec<u8> = (0..STEPS * BATCH * 30).map(|at| (at * at * 7 % 256) as u8).collect();
    let labels = (0..STEPS * BATCH).map(|number| (number * number % 4) as u8).collect();
    Samples { images, labels, shape: [6, 5, 1] }
}

/// Of step `time`, from 1.
fn learning_rate(time: u32) -> f64 {
    0.05 / f64::from(time)
}

fn optimizers() -> Vec<Optimizer> {
    let adam = Adam { beta_1: 0.8, beta_2: 0.95, epsilon: 1e-4, weight_decay: 0.0 };
    let decayed = Algorithm::AdamW(AdamW { weight_decay: 0.3, ..AdamW::default() });
    let sgd = |momentum, nesterov, weight_decay| Algorithm::Sgd(Sgd { momentum, nesterov, weight_decay });
    vec![
        Optimizer::default(),
        Algorithm::Adam(adam).into(),
        Optimizer { ema_momentum: 0.6, ..Algorithm::Adam(Adam { weight_decay: 0.2, ..adam }).into() },
        Optimizer { weight_decay_exclude: vec![Undecayed::Bias, Undecayed::Gamma], ..decayed.clone().into() },
        Optimizer { global_clipnorm: 0.3, ema_momentum: 0.9, ..decayed.into() },
        sgd(0.0, false, 0.0).into(),
        Optimizer { weight_decay_exclude: vec![Undecayed::Bias], ..sgd(0.0, true, 0.4).into() },
        sgd(0.9, false, 0.0).into(),
        Optimizer { global_clipnorm: 0.2, ..sgd(0.9, true, 0.0).into() },
        // So large that nothing is clipped.
        Optimizer { global_clipnorm: 1e3, ema_momentum: 0.5, ..sgd(0.5, true, 0.4).into() },
    ]
}

/// A variable, and what the optimizer keeps of it, in f64.
struct Expected {
    decays: bool,
    values: Vec<f64>,
    states: Vec<Vec<f64>>,
    average: Vec<f64>,
}

impl Expected {
    fn begin(variable: &Variable, optimizer: &Optimizer, engine: &mut Engine) -> Self {
        let values: Vec<f64> = engine.get(variable.values).unwrap().into_iter().map(f64::from).collect();
        let is_excluded = variable.kind == VariableKind::Bias && !optimizer.weight_decay_exclude.is_empty();
        Self { decays: !is_excluded, states: vec![vec![0.0; values.len()]; 2], average: values.clone(), values }
    }

    /// As the model format has it.
    fn step(&mut self, optimizer: &Optimizer, gradient: &[f64], time: u32) {
        let (rate, t) = (learning_rate(time), f64::from(time));
        for (place, g) in gradient.iter().enumerate() {
            let (w, [first, second]) = (&mut self.values[place], &mut self.states[..]) else { unreachable!() };
            let mut decay = |weight_decay: f64| *w -= if self.decays { *w * weight_decay * rate } else { 0.0 };
            let mut adam = |weight_decay, beta_1: f64, beta_2: f64, epsilon| {
                decay(weight_decay);
                let (m, v) = (&mut first[place], &mut second[place]);
                *m = beta_1 * *m + (1.0 - beta_1) * g;
                *v = beta_2 * *v + (1.0 - beta_2) * g * g;
                let corrected = rate * (1.0 - beta_2.powf(t)).sqrt() / (1.0 - beta_1.powf(t));
                corrected * *m / (v.sqrt() + epsilon)
            };
            let change = match optimizer.algorithm {
                Algorithm::Adam(Adam { beta_1, beta_2, epsilon, weight_decay }) => {
                    -adam(weight_decay, beta_1, beta_2, epsilon)
                }
                Algorithm::AdamW(AdamW { beta_1, beta_2, epsilon, weight_decay }) => {
                    -adam(weight_decay, beta_1, beta_2, epsilon)
                }
                Algorithm::Sgd(Sgd { momentum, nesterov, weight_decay }) => {
                    decay(weight_decay);
                    let v = &mut first[place];
                    *v = momentum * *v - rate * g;
                    if nesterov { momentum * *v - rate * g } else { *v }
                }
            };
            *w += change;
            let kept = if time == 1 { 0.0 } else { optimizer.ema_momentum };
            self.average[place] = kept * self.average[place] + (1.0 - kept) * *w;
        }
    }

    /// Holds the device's values and states to these.
    fn check(&self, variable: &Variable, optimizer: &Optimizer, engine: &mut Engine, what: &str) {
        let training = variable.training.as_ref().unwrap();
        let own = optimizer.rule().states().len();
        let mut expected = vec![&self.values];
        expected.extend(&self.states[..own]);
        if optimizer.averages() {
            expected.push(&self.average);
        }
        let places = [&[variable.values], &training.states[..]].concat();
        assert_eq!(places.len(), expected.len(), "{what}");
        for (number, (place, expected)) in places.into_iter().zip(expected).enumerate() {
            for (actual, expected) in engine.get(place).unwrap().into_iter().zip(expected) {
                let difference = (f64::from(actual) - expected).abs();
                assert!(
                    difference <= 2e-6 * expected.abs() + 3e-7,
                    "{what}, part {number}: {actual} is not {expected}"
                );
            }
        }
    }
}

type Make = fn(Arc<Plan>) -> Result<Box<dyn Executor>>;

/// The CPU path and the adapter.
fn executors() -> [(DeviceClass, Make); 2] {
    [
        (DeviceClass::Cpu, |plan| Ok(Box::new(Cpu::new(plan)?))),
        (crate::adapter().class(), |plan| Ok(Box::new(Gpu::new(crate::adapter(), plan)?))),
    ]
}

fn setup<'a>(samples: &'a Samples, class: DeviceClass, optimizer: &Optimizer, rows: usize) -> Setup<'a> {
    let mut setup = Setup::new(&model(), samples, BATCH, class).in_micro_batches(rows);
    setup.options.optimizer = optimizer.clone();
    setup
}

fn train(engine: &mut Engine, steps: std::ops::Range<usize>) {
    let order: Vec<u32> = (steps.start * BATCH..steps.end * BATCH).map(|number| number as u32).collect();
    engine.train_from(Metrics::default(), &order, &learning_rate, &mut |_| ControlFlow::Continue(())).unwrap();
}

#[test]
fn every_step_is_the_formulas() {
    let samples = samples();
    for optimizer in optimizers() {
        for (class, make) in executors() {
            for rows in [BATCH, 5] {
                let mut engine = setup(&samples, class, &optimizer, rows).initialised(make).unwrap();
                let variables = engine.plan().variables.clone();
                let mut expected: Vec<Expected> =
                    variables.iter().map(|variable| Expected::begin(variable, &optimizer, &mut engine)).collect();
                let mut clipped = 0;
                for step in 0..STEPS {
                    train(&mut engine, step..step + 1);
                    let gradients = engine.gradients().unwrap();
                    let squares = gradients.iter().flatten().map(|g| f64::from(*g).powi(2)).sum::<f64>();
                    let clip = optimizer.global_clipnorm;
                    let factor = if clip > 0.0 { (clip / squares.sqrt()).min(1.0) } else { 1.0 };
                    clipped += usize::from(factor < 0.9);
                    for ((expected, variable), gradient) in expected.iter_mut().zip(&variables).zip(gradients) {
                        let gradient: Vec<f64> = gradient.into_iter().map(|g| f64::from(g) * factor).collect();
                        expected.step(&optimizer, &gradient, step as u32 + 1);
                        let what = format!("{optimizer:?}, {class:?}, {rows} rows, step {step}, {}", variable.name());
                        expected.check(variable, &optimizer, &mut engine, &what);
                    }
                }
                let clips = (0.0..1.0).contains(&optimizer.global_clipnorm) && optimizer.clips();
                assert_eq!(clipped > 0, clips, "{optimizer:?}: gradients that are clipped");
            }
        }
    }
}

/// All numbers of the variables and of what is kept of them.
fn numbers(engine: &mut Engine) -> Vec<u32> {
    let variables = engine.plan().variables.clone();
    let places = variables
        .iter()
        .flat_map(|variable| [&[variable.values], &variable.training.as_ref().unwrap().states[..]].concat());
    places.flat_map(|place| engine.get(place).unwrap()).map(f32::to_bits).collect()
}

#[test]
fn steps_of_one_submission_are_steps_by_themselves() {
    let samples = samples();
    for optimizer in optimizers() {
        for (class, make) in executors() {
            let mut all = setup(&samples, class, &optimizer, 5).initialised(make).unwrap();
            train(&mut all, 0..STEPS);
            let mut each = setup(&samples, class, &optimizer, 5).initialised(make).unwrap();
            (0..STEPS).for_each(|step| train(&mut each, step..step + 1));
            assert!(numbers(&mut all) == numbers(&mut each), "{optimizer:?}, {class:?}");
        }
    }
}

/// Evaluation takes the averages where it is to, and training does not notice.
#[test]
fn averages_are_evaluated() {
    let samples = samples();
    let order: Vec<u32> = (0..2 * BATCH as u32 + 5).collect();
    for optimizer in optimizers().into_iter().filter(Optimizer::averages) {
        for (class, make) in executors() {
            let plain = setup(&samples, class, &optimizer, 5);
            let mut averaging = setup(&samples, class, &optimizer, 5);
            averaging.options.average = true;
            let [mut plain, mut averaging] = [plain, averaging].map(|setup| setup.initialised(make).unwrap());
            // Before the first step an average is what the weight is.
            assert_eq!(plain.predict(&order).unwrap(), averaging.predict(&order).unwrap());
            train(&mut plain, 0..STEPS);
            train(&mut averaging, 0..STEPS);
            assert!(numbers(&mut plain) == numbers(&mut averaging), "{optimizer:?}, {class:?}");
            let averages = averaging.predict(&order).unwrap();
            assert_ne!(plain.predict(&order).unwrap(), averages);
            for variable in plain.plan().variables.clone() {
                let average = *variable.training.as_ref().unwrap().states.last().unwrap();
                let values = plain.get(average).unwrap();
                plain.put(variable.values, &values).unwrap();
            }
            assert_eq!(plain.predict(&order).unwrap(), averages, "{optimizer:?}, {class:?}");
        }
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let samples = samples();
    let refused = |optimizer: Optimizer, average: bool, words: &str| {
        let mut setup = setup(&samples, DeviceClass::Cpu, &optimizer, 5);
        setup.options.average = average;
        assert_eq!(setup.plan().unwrap_err().to_string(), words);
    };
    let none = "`average`: the optimizer keeps none; give it an ema_momentum such as 0.99";
    refused(Optimizer::default(), true, none);
    let sgd = |momentum| Algorithm::Sgd(Sgd { momentum, ..Sgd::default() });
    refused(sgd(1.0).into(), false, "[optimizer]: momentum is 1; give a number from 0 to below 1");
    refused(sgd(f64::NAN).into(), false, "[optimizer]: momentum is NaN; give a number from 0 to below 1");
    let clip = Optimizer { global_clipnorm: -1.0, ..Optimizer::default() };
    refused(clip, false, "[optimizer]: global_clipnorm is -1; give a number, 0 or more");
    let average = Optimizer { ema_momentum: 1.0, ..Optimizer::default() };
    refused(average, true, "[optimizer]: ema_momentum is 1; give a number from 0 to below 1");
    let adam = |adam| Optimizer::from(Algorithm::Adam(adam));
    let defaults = Adam::default();
    let wrong = "[optimizer]: epsilon is 0; give a number above 0";
    refused(adam(Adam { epsilon: 0.0, ..defaults }), false, wrong);
    let wrong = "[optimizer]: weight_decay is inf; give a number, 0 or more";
    refused(adam(Adam { weight_decay: f64::INFINITY, ..defaults }), false, wrong);
}
