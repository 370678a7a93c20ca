//! Several processes that train together, as threads of this one: however many they are, all end with the same bits, those
//! of one process alone.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use gpu_fmnist::Samples;
use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::error::Result;
use gpu_fmnist::gemm::DeviceClass;
use gpu_fmnist::gpu::{Adapter, Gpu, adapters};
use gpu_fmnist::kernels::LossScale;
use gpu_fmnist::model::{Model, parse};
use gpu_fmnist::optimizers::{Algorithm, Optimizer, Sgd};
use gpu_fmnist::parallel::{Communicator, Share, Threads, UnderWay, gather, threads};
use gpu_fmnist::plan::{Executor, Plan, Program};
use gpu_fmnist::precision::Precision;
use gpu_fmnist::train::{Engine, Setup};

/// With statistics of batches, dropout, and variables of many sizes.
const NETWORK: &str = "
input = [8, 8, 1]
layers = [
    { type = 'conv2d', filters = 5, kernel = 3, use_bias = false },
    { type = 'batch_normalization', momentum = 0.9 },
    { type = 'activation', activation = 'relu' },
    { type = 'max_pool2d', size = 2 },
    { type = 'dropout', rate = 0.25 },
    { type = 'flatten' },
    { type = 'dense', units = 19, activation = 'relu' },
    { type = 'batch_normalization' },
    { type = 'dropout', rate = 0.5 },
    { type = 'dense', units = 4 },
]
";
const BATCH: usize = 60;
/// The largest scale of a loss.
const LARGEST: f32 = 16_777_216.0;
/// Two whole batches, and one whose last micro-batches are short and empty.
const SAMPLES: usize = 2 * BATCH + 29;

fn model() -> Model {
    parse("network.toml", NETWORK).unwrap().0
}

fn samples() -> Samples {
    let images = (0..SAMPLES * 64).map(|at| (at * at * 31 % 253) as u8).collect();
    Samples { images, labels: (0..SAMPLES).map(|number| (number * 7 % 4) as u8).collect(), shape: [8, 8, 1] }
}

type Make<'a> = &'a (dyn Fn(Arc<Plan>) -> Result<Box<dyn Executor>> + Sync);

struct Work<'a> {
    class: DeviceClass,
    make: Make<'a>,
    optimizer: Optimizer,
    precision: Precision,
    /// Of the first step, in f16.
    scale: f32,
    /// Micro-batches of a step.
    parts: usize,
}

/// All numbers of the variables and of what is kept of them, metrics, and logits.
type Outcome = (Vec<u32>, [f64; 4], Vec<u32>);

impl<'m> Work<'m> {
    fn in_f32(class: DeviceClass, make: Make<'m>, optimizer: Optimizer, parts: usize) -> Self {
        Self { class, make, optimizer, precision: Precision::F32, scale: 1.0, parts }
    }

    fn engine<'a>(&self, samples: &'a Samples, among: Option<Rc<dyn Communicator>>, speeds: &[f64]) -> Engine<'a> {
        let mut setup = Setup::new(&model(), samples, BATCH, self.class).in_micro_batches(BATCH / self.parts);
        setup.seed = 11;
        setup.options.optimizer = self.optimizer.clone();
        setup.options.precision = self.precision;
        setup.options.average = self.optimizer.averages();
        let Some(communicator) = among else { return setup.initialised(self.make).unwrap() };
        setup.options.share = Some(Share::new(communicator.rank(), self.parts, speeds).unwrap());
        let mut engine = setup.engine(self.make).unwrap().among(communicator).unwrap();
        engine.initialise().unwrap();
        engine
    }

    fn outcome(&self, engine: &mut Engine) -> Outcome {
        let order: Vec<u32> = (0..SAMPLES as u32).rev().collect();
        engine.set_loss_scale(LossScale { scale: self.scale, ..LossScale::FIRST }).unwrap();
        let mut trained = engine.train(&order, 0.02, &mut |_| ControlFlow::Continue(())).unwrap();
        trained = engine
            .train_from(trained, &order, &|time| 0.1 / f64::from(time), &mut |_| ControlFlow::Continue(()))
            .unwrap();
        let evaluated = engine.evaluate(&order).unwrap();
        let (predicted, logits) = engine.predict(&order[7..]).unwrap();
        assert_eq!(predicted.samples, SAMPLES as u64 - 7);
        let mut numbers = Vec::new();
        for variable in engine.plan().variables.clone() {
            let states = variable.training.iter().flat_map(|training| training.states.clone());
            for place in [variable.values].into_iter().chain(states) {
                numbers.extend(engine.get(place).unwrap().into_iter().map(f32::to_bits));
            }
        }
        numbers.extend(engine.loss_scale().unwrap().map_or(Vec::new(), |scale| scale.words()));
        let metrics = [trained.loss, trained.correct as f64, evaluated.loss, evaluated.correct as f64];
        (numbers, metrics, logits.into_iter().map(f32::to_bits).collect())
    }

    /// That of each of several ranks.
    fn outcomes(&self, speeds: &[f64]) -> Vec<Outcome> {
        let samples = samples();
        thread::scope(|scope| {
            let one = |rank: Threads| {
                let samples = &samples;
                scope.spawn(move || self.outcome(&mut self.engine(samples, Some(Rc::new(rank)), speeds)))
            };
            let running: Vec<_> = threads(speeds.len()).into_iter().map(one).collect();
            running.into_iter().map(|rank| rank.join().unwrap()).collect()
        })
    }

    fn check(&self, shares: &[&[f64]]) {
        let samples = samples();
        let alone = self.outcome(&mut self.engine(&samples, None, &[]));
        assert!(alone.0.iter().all(|bits| f32::from_bits(*bits).is_finite()));
        for speeds in shares {
            for (rank, together) in self.outcomes(speeds).into_iter().enumerate() {
                assert!(together == alone, "{:?}, {} parts, {speeds:?}: rank {rank} differs", self.class, self.parts);
            }
        }
    }
}

fn optimizers() -> [Optimizer; 2] {
    let sgd = Algorithm::Sgd(Sgd { momentum: 0.9, nesterov: true, weight_decay: 0.01 });
    [Optimizer::default(), Optimizer { global_clipnorm: 0.4, ema_momentum: 0.8, ..sgd.into() }]
}

#[test]
fn any_number_of_ranks_ends_with_the_same_bits_on_the_cpu_path() {
    for (optimizer, parts) in optimizers().into_iter().zip([10, 12]) {
        let make: Make = &|plan| Ok(Box::new(Cpu::new(plan)?));
        let work = Work::in_f32(DeviceClass::Cpu, make, optimizer, parts);
        work.check(&[&[1.0; 2], &[1.0; 3], &[1.0; 4], &[1.0; 8], &[2.0, 1.0, 4.0], &[1.0; 10]]);
    }
}

#[test]
fn any_number_of_ranks_ends_with_the_same_bits_on_the_first_adapter() {
    let adapters = adapters();
    let adapter: &Adapter = adapters.first().expect("no adapter: scripts/test brings a software one");
    for (optimizer, parts) in optimizers().into_iter().zip([10, 12]) {
        let make: Make = &|plan| Ok(Box::new(Gpu::new(adapter, plan)?));
        Work::in_f32(adapter.class(), make, optimizer, parts).check(&[&[1.0; 2], &[1.0, 3.0, 1.0]]);
    }
}

/// Whether a step counts follows from the sum of all ranks' gradients, so that all decide alike: as well where none
/// overflows as where the first steps' do, and are left out.
#[test]
fn ranks_scale_the_loss_alike_in_16_bits() {
    for (precision, scale, parts) in [
        (Precision::F16, LossScale::FIRST.scale, 10),
        (Precision::F16, LARGEST, 2),
        (Precision::F16, LARGEST, 12),
        (Precision::Bf16, 1.0, 10),
    ] {
        let make: Make = &|plan| Ok(Box::new(Cpu::new(plan)?));
        let work = Work { class: DeviceClass::Cpu, make, optimizer: Optimizer::default(), precision, scale, parts };
        let samples = samples();
        let mut engine = work.engine(&samples, None, &[]);
        work.outcome(&mut engine);
        let ended = engine.loss_scale().unwrap();
        assert!(ended.is_none_or(|ended| (ended.scale < scale) == (scale == LARGEST)), "{ended:?}");
        work.check(if parts == 2 { &[&[1.0; 2]] } else { &[&[1.0; 2], &[2.0, 1.0, 4.0]] });
    }
}

/// A rank that notes when sums go on their way, and when they are waited for.
struct Noting {
    rank: Threads,
    notes: Rc<RefCell<Vec<&'static str>>>,
}

impl Communicator for Noting {
    fn rank(&self) -> usize {
        self.rank.rank()
    }

    fn size(&self) -> usize {
        self.rank.size()
    }

    fn local_rank(&self) -> usize {
        self.rank.local_rank()
    }

    fn all_to_all(&self, parts: Vec<u8>, bytes: &[usize], from: &[usize]) -> Result<UnderWay> {
        let arriving = self.rank.all_to_all(parts, bytes, from)?;
        self.notes.borrow_mut().push("sent");
        let notes = self.notes.clone();
        Ok(Box::new(move || {
            notes.borrow_mut().push("awaited");
            arriving()
        }))
    }

    fn all_gather(&self, part: &[u8], bytes: &[usize]) -> Result<Vec<u8>> {
        self.rank.all_gather(part, bytes)
    }

    fn broadcast(&self, of_first: Vec<u8>) -> Result<Vec<u8>> {
        self.rank.broadcast(of_first)
    }

    fn abort(&self, code: u8) {
        self.rank.abort(code);
    }
}

#[test]
fn the_last_layers_sums_travel_while_the_first_layers_gradients_are_made() {
    let (samples, make): (_, Make) = (samples(), &|plan| Ok(Box::new(Cpu::new(plan)?)));
    let work = Work::in_f32(DeviceClass::Cpu, make, Optimizer::default(), 10);
    let order: Vec<u32> = (0..BATCH as u32).collect();
    thread::scope(|scope| {
        for rank in threads(2) {
            let (samples, work, order) = (&samples, &work, &order);
            scope.spawn(move || {
                let notes = Rc::new(RefCell::new(Vec::new()));
                let rank = Rc::new(Noting { rank, notes: notes.clone() });
                let mut engine = work.engine(samples, Some(rank), &[1.0; 2]);
                engine.train(order, 0.1, &mut |_| ControlFlow::Continue(())).unwrap();
                // The second ones are sent once the rest of the step is done.
                assert_eq!(*notes.borrow(), ["sent", "sent", "awaited", "awaited"]);
                assert!(!engine.plan().steps.passes(Program::Rest).is_empty());
            });
        }
    });
}

#[test]
fn all_ranks_stop_when_one_is_to_and_where_it_is_known_to_all() {
    let (samples, make): (_, Make) = (samples(), &|plan| Ok(Box::new(Cpu::new(plan)?)));
    let work = Work::in_f32(DeviceClass::Cpu, make, Optimizer::default(), 10);
    let order: Vec<u32> = (0..SAMPLES as u32).collect();
    let steps = thread::scope(|scope| {
        let one = |rank: Threads| {
            let (samples, work, order) = (&samples, &work, &order);
            scope.spawn(move || {
                let stops = rank.rank() == 1;
                let mut engine = work.engine(samples, Some(Rc::new(rank)), &[1.0; 3]);
                let stop = |_| if stops { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
                engine.train(order, 0.1, &mut { stop }).unwrap();
                engine.iterations
            })
        };
        let running: Vec<_> = threads(3).into_iter().map(one).collect();
        running.into_iter().map(|rank| rank.join().unwrap()).collect::<Vec<u32>>()
    });
    assert_eq!(steps, [2; 3]);
}

#[test]
fn what_ranks_say_reaches_the_others_and_one_that_is_gone_leaves_nobody_waiting() {
    let heard = thread::scope(|scope| {
        let one = |rank: Threads| {
            scope.spawn(move || {
                let own = rank.rank() as u8;
                let sent: Vec<u8> = (0..4).flat_map(|to| vec![10 * own + to; to as usize]).collect();
                let to_each = rank.all_to_all(sent, &[0, 1, 2, 3], &[own as usize; 4]).unwrap()().unwrap();
                let from_first = rank.broadcast(vec![own + 7; 2]).unwrap();
                let of_all = gather(&rank, &vec![own; own as usize]).unwrap();
                if own == 2 {
                    rank.abort(3);
                    return (to_each, from_first, of_all);
                }
                assert!(rank.all_gather(&[1], &[1; 4]).is_err());
                (to_each, from_first, of_all)
            })
        };
        let running: Vec<_> = threads(4).into_iter().map(one).collect();
        running.into_iter().map(|rank| rank.join().unwrap()).collect::<Vec<_>>()
    });
    for (rank, (to_each, from_first, of_all)) in heard.into_iter().enumerate() {
        let expected: Vec<u8> = (0..4).flat_map(|from| vec![10 * from + rank as u8; rank]).collect();
        assert_eq!((to_each, from_first), (expected, vec![7, 7]));
        assert_eq!(of_all, [vec![], vec![1], vec![2; 2], vec![3; 3]]);
    }
}
