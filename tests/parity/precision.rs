//! Activations in 16 bits: every shader that has some against its CPU reference in the same precision, to the bit where it
//! is to the bit in f32; and the functions by which words are read and written, broken.

use std::ops::ControlFlow;
use std::sync::Arc;

use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::error::Result;
use gpu_fmnist::gemm::DeviceClass;
use gpu_fmnist::gpu::Gpu;
use gpu_fmnist::kernels::{Case, Constants, Descriptor, Element, Kernel, LossScale, REGISTRY, ScaleLoss};
use gpu_fmnist::measure::{Steps, Synthetic, agree};
use gpu_fmnist::model::{Model, parse};
use gpu_fmnist::network::TrainingPlan;
use gpu_fmnist::optimizers::Optimizer;
use gpu_fmnist::plan::{Buffer, BufferId, Executor, Pass, Place, Plan};
use gpu_fmnist::precision::Precision;
use gpu_fmnist::selftest::{cases_in, compare};
use gpu_fmnist::train::{Engine, Setup};

use crate::skips::skip;
use crate::{adapter, probe, row};

/// Those that the adapter's shaders can store.
pub fn precisions() -> Vec<Precision> {
    let has_f16 = adapter().has(Precision::F16);
    if !has_f16 {
        skip("activations in f16, which this adapter's shaders do not have");
    }
    [Precision::Bf16, Precision::F16].into_iter().filter(|one| has_f16 || *one == Precision::Bf16).collect()
}

/// The kernel's cases that the adapter compiles quickly.
fn cases(row: &Descriptor, precision: Precision) -> Vec<Case> {
    cases_in(row, precision, adapter().class())
}

#[test]
fn every_kernel_agrees_with_its_cpu_reference_in_16_bits() {
    for precision in precisions() {
        let mut count = 0;
        for row in REGISTRY {
            for case in cases(row, precision) {
                let actual = probe().run(&case).unwrap_or_else(|error| panic!("{}, {}: {error}", row.name, case.label));
                compare(&case, &actual).unwrap_or_else(|problem| panic!("{}, {}: {problem}", row.name, case.label));
                count += 1;
            }
        }
        assert!(count > 150, "only {count} cases in {}", precision.name());
    }
}

/// A kernel with another word in its text.
#[derive(Debug)]
struct Edited {
    kernel: Box<dyn Kernel>,
    from: &'static str,
    to: &'static str,
}

impl Kernel for Edited {
    fn descriptor(&self) -> &'static Descriptor {
        self.kernel.descriptor()
    }

    fn constants(&self) -> Constants {
        self.kernel.constants()
    }

    fn text(&self) -> String {
        let text = self.kernel.text();
        assert!(text.contains(self.from), "\"{}\" must stand there:\n{text}", self.from);
        text.replace(self.from, self.to)
    }

    fn precision(&self, binding: usize) -> Precision {
        self.kernel.precision(binding)
    }

    fn workgroups(&self) -> [usize; 3] {
        self.kernel.workgroups()
    }

    fn operations(&self) -> usize {
        self.kernel.operations()
    }

    fn words(&self) -> Vec<usize> {
        self.kernel.words()
    }

    fn reference(&self, memory: &mut [&mut [u32]]) {
        self.kernel.reference(memory);
    }
}

#[test]
fn every_broken_function_is_noticed() {
    const BF16: [(&str, &str); 9] = [
        ("word << 16", "word"),
        ("word & 0xffff0000u", "word << 16"),
        ("at % 2u == 1u", "at % 2u == 0u"),
        ("16u * (at % 2u)", "0u"),
        ("change << shift", "change"),
        (") & 0xffffu;", ");"),
        ("+ 0x7fffu +", "+"),
        ("(bits >> 16) & 1u", "1u"),
        ("rounded(weights", "(weights"),
    ];
    const F16: [(&str, &str); 3] = [("+ 0xfffu +", "+"), ("(bits >> 13) & 1u", "1u"), ("rounded(weights", "(weights")];
    for precision in precisions() {
        let edits: &[(&str, &str)] = if precision == Precision::F16 { &F16 } else { &BF16 };
        for (from, to) in edits.iter().copied() {
            let is_red = |case: Case| {
                let case = Case { kernel: Box::new(Edited { kernel: case.kernel, from, to }), ..case };
                let actual = probe().run(&case).unwrap_or_else(|error| panic!("{from}: {error}"));
                compare(&case, &actual).is_err()
            };
            let name = precision.name();
            assert!(both(precision).any(is_red), "no case notices {to} instead of {from} in {name}");
        }
        for case in both(precision) {
            compare(&case, &probe().run(&case).unwrap()).unwrap_or_else(|problem| panic!("{}: {problem}", case.label));
        }
    }
}

/// Cases with weights, as they are and with weights that have more digits than 16 bits have, whose products and sums f32
/// has all the same.
fn both(precision: Precision) -> impl Iterator<Item = Case> {
    let all =
        move || ["conv_forward", "depthwise_forward"].into_iter().flat_map(move |name| cases(row(name), precision));
    all().chain(all().map(|mut case| {
        for (words, binding) in case.memory.iter_mut().zip(case.kernel.descriptor().bindings) {
            if binding.element == Element::Weights {
                words.iter_mut().for_each(|word| *word = (f32::from_bits(*word) + 1.0 / 4096.0).to_bits());
            }
        }
        case
    }))
}

/// A network of every kind of pass that has activations.
const NETWORK: &str = "input = [12, 12, 1]
layers = [
    { type = 'conv2d', filters = 6, kernel = 3, activation = 'relu' },
    { type = 'max_pool2d', size = 2 },
    { type = 'conv2d', filters = 8, kernel = 3, padding = 'same', use_bias = false },
    { type = 'batch_normalization', momentum = 0.5 },
    { type = 'activation', activation = 'relu', name = 'a' },
    { type = 'depthwise_conv2d', kernel = 3, padding = 'same' },
    { type = 'batch_normalization', name = 'b' },
    { type = 'add', inputs = ['a', 'b'], name = 'sum' },
    { type = 'concatenate', inputs = ['sum', 'a'] },
    { type = 'average_pool2d', size = 2 },
    { type = 'activation', activation = 'silu' },
    { type = 'flatten' },
    { type = 'dropout', rate = 0.25 },
    { type = 'dense', units = 21, activation = 'relu' },
    { type = 'dense', units = 4 },
]";

fn network() -> (Model, Synthetic) {
    let (model, _) = parse("network.toml", NETWORK).unwrap();
    let data = Synthetic::new(&model, 8);
    (model, data)
}

/// What trains the network in steps of two micro-batches, weight averages included.
fn setup<'a>(model: &Model, data: &'a Synthetic, precision: Precision, class: DeviceClass) -> Setup<'a> {
    let mut setup = data.setup(model, class).in_micro_batches(4);
    setup.options.precision = precision;
    setup.options.optimizer = Optimizer { ema_momentum: 0.5, global_clipnorm: 1.0, ..Optimizer::default() };
    setup
}

/// The bytes of activations and their gradients are half of f32's, but for those of pixels and logits.
#[test]
fn a_plan_in_16_bits_has_half_of_the_activations() {
    let (model, data) = network();
    for class in DeviceClass::ALL {
        let bytes = Precision::ALL.map(|precision| {
            let plan = setup(&model, &data, precision, class).plan().unwrap();
            let f32s = ["input", "logits", "logits.gradient", "patches"];
            let counts = |name: &str| name.contains(".output") || name.contains(".gradient.") || name.contains(".copy");
            let own = plan.steps.buffers.iter().filter(|buffer| counts(&buffer.name) && !f32s.contains(&&*buffer.name));
            own.filter(|buffer| buffer.words > 64).map(|buffer| buffer.words).sum::<usize>()
        });
        assert!(bytes[1] == bytes[2] && bytes[1] * 2 < bytes[0] * 21 / 20, "{class:?}: {bytes:?}");
    }
}

/// Steps of the whole network are the same on the adapter, step by step from the same weights.
#[test]
fn networks_train_as_on_the_cpu_path_in_16_bits() {
    let (model, data) = network();
    for precision in precisions() {
        let class = adapter().class();
        let run = |make: Make, precision: Precision, reference: Option<&Steps>| {
            let mut engine = setup(&model, &data, precision, class).initialised(make).unwrap();
            Steps::run(&mut engine, &data, 4, reference, &mut |()| ControlFlow::Continue(())).unwrap()
        };
        let on_cpu: Make = &|plan| Ok(Box::new(Cpu::new(plan)?));
        let reference = run(on_cpu, precision, None);
        let wide = run(on_cpu, Precision::F32, Some(&reference));
        let steps = run(&|plan| Ok(Box::new(Gpu::new(adapter(), plan)?)), precision, Some(&reference));
        agree(&reference, &steps, Some(&wide)).unwrap_or_else(|problem| panic!("{}: {problem}", precision.name()));
    }
}

/// A plan that multiplies the first gradient by a number of its own ahead of the updates, and that number's buffer.
fn with_injection(plan: TrainingPlan) -> (TrainingPlan, BufferId) {
    let steps = &*plan.steps;
    let (mut buffers, mut training) = (steps.buffers.clone(), steps.training.clone());
    let looks = training.iter().position(|pass| pass.kernel.descriptor().name == "gradient_squares").unwrap();
    let injected = BufferId(buffers.len());
    let initial = LossScale { scale: f32::NAN, ..LossScale::FIRST }.words();
    let (name, shape, words) = ("injected".to_owned(), vec![initial.len()], initial.len());
    buffers.push(Buffer { name, shape, precision: Precision::F32, words, initial });
    let pass = Pass {
        layer: "injected".into(),
        kernel: Arc::new(ScaleLoss { values: 1 }),
        buffers: vec![injected, training[looks].buffers[0]],
        offsets: vec![0, 0],
    };
    training.insert(looks, pass);
    let Plan { log, training_rows, .. } = *steps;
    let evaluation = steps.evaluation.clone();
    let steps = Plan { buffers, training, evaluation, log, training_rows, ..Plan::default() };
    (TrainingPlan { steps: Arc::new(steps), ..plan }, injected)
}

/// Weights and all that the optimizer keeps of them.
fn kept(engine: &mut Engine) -> Vec<Vec<f32>> {
    let trained =
        engine.plan().variables.clone().into_iter().filter_map(|one| Some((one.values, one.training?.states)));
    let places: Vec<Place> = trained.flat_map(|(values, states)| [vec![values], states].concat()).collect();
    engine.get_all(&places).unwrap()
}

type Make<'a> = &'a dyn Fn(Arc<Plan>) -> Result<Box<dyn Executor>>;

#[test]
fn a_nan_in_a_gradient_skips_the_step_and_halves_the_scale() {
    let (model, data) = network();
    let make_cpu = |plan| -> Result<Box<dyn Executor>> { Ok(Box::new(Cpu::new(plan)?)) };
    let make_gpu = |plan| -> Result<Box<dyn Executor>> { Ok(Box::new(Gpu::new(adapter(), plan)?)) };
    let on_gpu = precisions().contains(&Precision::F16);
    let makes: [Option<Make>; 2] = [Some(&make_cpu), if on_gpu { Some(&make_gpu) } else { None }];
    for make in makes.into_iter().flatten() {
        let setup = setup(&model, &data, Precision::F16, adapter().class());
        let (plan, injected) = with_injection(setup.plan().unwrap());
        let executor = make(plan.steps.clone()).unwrap();
        let mut engine = Engine::new(plan, executor, setup.source, setup.placement, setup.seed).unwrap();
        engine.initialise().unwrap();
        let before = kept(&mut engine);
        let step = |engine: &mut Engine| {
            engine.train(&data.order(1), 1e-2, &mut |_| ControlFlow::Continue(())).unwrap();
            (kept(engine), engine.loss_scale().unwrap().unwrap())
        };
        let (after, scale) = step(&mut engine);
        assert!(after == before, "a step that does not count changed something");
        assert_eq!(scale, LossScale { scale: 16_384.0, steps: 0, skipped: 1 });
        let (after, scale) = step(&mut engine);
        assert!(after == before && scale == LossScale { scale: 8_192.0, steps: 0, skipped: 2 }, "{scale:?}");
        engine.write(injected, &[1.0]).unwrap();
        let (after, scale) = step(&mut engine);
        assert!(after.iter().zip(&before).all(|(after, before)| after != before), "a step that counts left something");
        assert_eq!(scale, LossScale { scale: 8_192.0, steps: 1, skipped: 0 });
    }
}

/// Gradients that are finite, but larger than any f16 once they are scaled.
#[test]
fn gradients_that_overflow_are_scaled_down_until_they_count() {
    let (model, data) = network();
    let setup = setup(&model, &data, Precision::F16, DeviceClass::Cpu);
    let mut engine = setup.initialised(|plan| Ok(Box::new(Cpu::new(plan)?))).unwrap();
    engine.set_loss_scale(LossScale { scale: 16_777_216.0, steps: 0, skipped: 0 }).unwrap();
    engine.train(&data.order(20), 1e-3, &mut |_| ControlFlow::Continue(())).unwrap();
    let scale = engine.loss_scale().unwrap().unwrap();
    assert!(scale.scale < 16_777_216.0 && scale.scale > 1.0 && scale.skipped == 0 && scale.steps > 4, "{scale:?}");
}
