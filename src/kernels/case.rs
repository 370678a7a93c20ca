//! The cases that hold every shader to its twin: odd shapes, tails, every tile that ships.
//!
//! Products are tested on small multiples of 1/8, whose sums are exact in f32 in any order: shader and twin must then
//! agree to the bit. Only kernels with `exp`, `log`, `sqrt` or a division have a tolerance.

use super::{
    Access, Adam, Advance, ConvForward, ConvInputGradient, ConvWeightGradient, Convolution, Dropout, Fold, Gather,
    Kernel, PoolBackward, PoolForward, Progress, SoftmaxCrossEntropy, Tiles,
};
use crate::model::{Padding, Window};
use crate::random::{Sequence, Stream};

/// One kernel, one specialisation, and what its buffers hold before it runs.
pub struct Case {
    pub label: String,
    pub kernel: Box<dyn Kernel>,
    /// One buffer for each binding of the kernel's row.
    pub memory: Vec<Vec<u32>>,
    /// How far numbers may be apart: `|shader - twin| <= tolerance * (1 + |twin|)`. Integers always agree exactly.
    pub tolerance: f32,
}

/// What buffers that are only written hold before: a NaN that no kernel computes, so that nothing written shows.
pub const SENTINEL: u32 = 0x7fc0_dead;

/// Draws the contents of a case's buffers.
struct Draw(Sequence);

impl Draw {
    fn new(number: usize) -> Self {
        Self(Sequence::new(2020, Stream::Cases, number as u32))
    }

    /// Multiples of 1/8 from -1 to 1.
    fn eighths(&mut self, count: usize) -> Vec<u32> {
        (0..count).map(|_| ((self.0.below(17) as f32 - 8.0) / 8.0).to_bits()).collect()
    }

    fn numbers(&mut self, count: usize, limit: f32) -> Vec<u32> {
        (0..count).map(|_| self.0.symmetric(limit).to_bits()).collect()
    }

    fn below(&mut self, count: usize, bound: u32) -> Vec<u32> {
        (0..count).map(|_| self.0.below(bound)).collect()
    }

    /// Bytes, four a word.
    fn bytes(&mut self, count: usize, bound: u32) -> Vec<u32> {
        let mut bytes: Vec<u8> = (0..count).map(|_| self.0.below(bound) as u8).collect();
        bytes.resize(count.next_multiple_of(4), 0);
        bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect()
    }
}

fn unwritten(count: usize) -> Vec<u32> {
    vec![SENTINEL; count]
}

fn progress(batch: u32, time: u32, samples: u32) -> Vec<u32> {
    let progress = Progress { batch, time, samples, seed: [2020, 7], ..Progress::default() };
    bytemuck::cast_slice(&[progress]).to_vec()
}

fn case(label: String, kernel: impl Kernel + 'static, memory: Vec<Vec<u32>>, tolerance: f32) -> Case {
    debug_assert_eq!(memory.len(), kernel.row().bindings.len());
    Case { label, kernel: Box::new(kernel), memory, tolerance }
}

impl Case {
    /// The buffers after the twin ran.
    pub fn expected(&self) -> Vec<Vec<u32>> {
        let mut memory = self.memory.clone();
        let mut views: Vec<&mut [u32]> = memory.iter_mut().map(Vec::as_mut_slice).collect();
        self.kernel.twin(&mut views);
        memory
    }

    /// Whether the binding's buffer is written.
    pub fn writes(&self, binding: usize) -> bool {
        self.kernel.row().bindings[binding].access == Access::Write
    }
}

fn window(input: [usize; 3], size: [usize; 2], stride: [usize; 2], padding: Padding) -> Window {
    Window::new(input, size, stride, padding).expect("the cases' windows fit their images")
}

/// The geometries of the three convolution kernels: dense ones, and kernels 1 to 5, strides to 3, both paddings.
fn convolutions() -> Vec<Convolution> {
    use Padding::{Same, Valid};
    let conv = |batch, input, size, stride, padding, filters, pool| Convolution {
        batch,
        window: window(input, size, stride, padding),
        filters,
        pool,
    };
    vec![
        Convolution::dense(5, 7, 3),
        Convolution::dense(33, 130, 10),
        Convolution::dense(64, 96, 136),
        conv(2, [8, 8, 1], [3, 3], [1, 1], Valid, 5, 2),
        conv(3, [9, 11, 2], [3, 3], [1, 1], Valid, 33, 2),
        conv(3, [13, 13, 3], [3, 3], [2, 2], Same, 16, 2),
        conv(2, [7, 6, 4], [2, 2], [1, 1], Same, 9, 1),
        conv(2, [11, 10, 3], [4, 4], [3, 3], Valid, 8, 1),
        conv(3, [10, 9, 2], [5, 5], [2, 2], Same, 7, 2),
        conv(2, [6, 5, 17], [1, 1], [1, 1], Valid, 12, 1),
        conv(2, [7, 8, 3], [1, 1], [3, 2], Valid, 4, 1),
        conv(2, [8, 7, 2], [1, 3], [2, 1], Same, 6, 2),
    ]
}

fn describe(convolution: &Convolution, tiles: Tiles) -> String {
    let Window { size, stride, pad, input, .. } = convolution.window;
    let Convolution { batch, filters, pool, .. } = convolution;
    format!(
        "batch {batch} input {input:?} kernel {size:?} stride {stride:?} pad {pad:?} filters {filters} pool {pool} tiles {tiles:?}"
    )
}

/// Every geometry with every column of the tile table, and two with more workgroups than one direction of a dispatch
/// holds: tall ones in the forward product and in the weight gradient.
fn for_each_convolution(make: impl Fn(&Convolution, Tiles, &mut Draw) -> Case) -> Vec<Case> {
    let convolutions = convolutions();
    let tall = 32 * 32_769;
    let large = [Convolution::dense(tall, 1, 2), Convolution::dense(2, tall, 1)];
    let pairs = Tiles::ALL.iter().flat_map(|tiles| convolutions.iter().map(move |convolution| (*tiles, convolution)));
    let pairs = pairs.chain(large.iter().map(|convolution| (Tiles::Gpu, convolution)));
    pairs.enumerate().map(|(number, (tiles, convolution))| make(convolution, tiles, &mut Draw::new(number))).collect()
}

/// `argmax` as conv_forward leaves it, with random places.
fn places(convolution: &Convolution, packed: usize, draw: &mut Draw) -> Vec<u32> {
    if convolution.pool == 1 {
        return vec![0];
    }
    let words = convolution.positions().div_ceil(packed) * convolution.filters;
    let word = |draw: &mut Draw| (0..packed).map(|place| draw.0.below(4) << (4 * place)).sum();
    (0..words).map(|_| word(draw)).collect()
}

fn packed(convolution: &Convolution, tiles: Tiles) -> usize {
    tiles.forward(convolution).rows / convolution.places()
}

/// An input gradient before its kernel runs: zero where no output reaches, unwritten elsewhere.
fn unreached(convolution: &Convolution) -> Vec<u32> {
    let ([height, width, channels], [reached_height, reached_width]) =
        (convolution.window.input, convolution.reached());
    let word = |at: usize| {
        let (y, x) = (at / (width * channels) % height, at / channels % width);
        if y < reached_height && x < reached_width { SENTINEL } else { 0 }
    };
    (0..convolution.inputs()).map(word).collect()
}

pub fn conv_forward() -> Vec<Case> {
    for_each_convolution(|convolution, tiles, draw| {
        let relu = convolution.filters % 2 == 0;
        let kernel = ConvForward { convolution: *convolution, relu, tile: tiles.forward(convolution) };
        let memory = vec![
            draw.eighths(convolution.inputs()),
            draw.eighths(convolution.weights()),
            unwritten(convolution.positions() * convolution.filters),
            unwritten(kernel.argmax_words()),
        ];
        let mut case = case(describe(convolution, tiles), kernel, memory, 0.0);
        if convolution.pool == 1 {
            case.memory[3] = vec![0];
        }
        case
    })
}

pub fn conv_weight_gradient() -> Vec<Case> {
    for_each_convolution(|convolution, tiles, draw| {
        let tile = tiles.weight_gradient(convolution);
        // More slots than the table would give, so that the cut is tested on small batches.
        let slots = 1 + convolution.filters % 4;
        let packed = packed(convolution, tiles);
        let memory = vec![
            draw.eighths(convolution.inputs()),
            draw.eighths(convolution.positions() * convolution.filters),
            places(convolution, packed, draw),
            unwritten(slots * convolution.weights()),
        ];
        let kernel = ConvWeightGradient { convolution: *convolution, packed, slots, tile };
        case(format!("{} slots {slots}", describe(convolution, tiles)), kernel, memory, 0.0)
    })
}

pub fn conv_input_gradient() -> Vec<Case> {
    for_each_convolution(|convolution, tiles, draw| {
        let packed = packed(convolution, tiles);
        let gate = [None, Some(1.0), Some(4.0 / 3.0)][convolution.filters % 3];
        let memory = vec![
            draw.eighths(convolution.positions() * convolution.filters),
            places(convolution, packed, draw),
            draw.eighths(convolution.weights()),
            draw.eighths(convolution.inputs()),
            unreached(convolution),
        ];
        let tile = tiles.input_gradient(convolution);
        let kernel = ConvInputGradient { convolution: *convolution, packed, gate, tile };
        case(format!("{} gate {gate:?}", describe(convolution, tiles)), kernel, memory, 0.0)
    })
}

pub fn fold() -> Vec<Case> {
    let make = |(number, convolution): (usize, &Convolution)| {
        let draw = &mut Draw::new(number);
        let gate = [None, Some(1.0), Some(4.0 / 3.0)][number % 3];
        let memory = vec![
            draw.eighths(Fold::patches(convolution).inputs()),
            draw.eighths(convolution.inputs()),
            unwritten(convolution.inputs()),
        ];
        case(describe(convolution, Tiles::Software), Fold { convolution: *convolution, gate }, memory, 0.0)
    };
    convolutions().iter().enumerate().map(make).collect()
}

/// Windows of the free-standing pool: 1 to 3, disjoint, overlapping and with gaps.
fn pools() -> Vec<(usize, Window)> {
    let pool = |batch, input, size, stride| (batch, window(input, size, stride, Padding::Valid));
    vec![
        pool(2, [6, 6, 3], [2, 2], [2, 2]),
        pool(3, [7, 9, 2], [3, 3], [2, 2]),
        pool(2, [8, 8, 5], [3, 3], [1, 1]),
        pool(1, [9, 7, 1], [2, 3], [3, 2]),
        pool(5, [5, 5, 65], [1, 1], [2, 2]),
    ]
}

pub fn pool_forward() -> Vec<Case> {
    let make = |(number, (batch, window)): (usize, (usize, Window))| {
        let outputs = batch * window.output[0] * window.output[1] * window.input[2];
        let input = Draw::new(number).eighths(batch * window.input.iter().product::<usize>());
        let memory = vec![input, unwritten(outputs), unwritten(outputs)];
        case(format!("batch {batch} {window:?}"), PoolForward { batch, window }, memory, 0.0)
    };
    pools().into_iter().enumerate().map(make).collect()
}

pub fn pool_backward() -> Vec<Case> {
    let make = |(number, (batch, window)): (usize, (usize, Window))| {
        let draw = &mut Draw::new(number);
        let outputs = batch * window.output[0] * window.output[1] * window.input[2];
        let inputs = batch * window.input.iter().product::<usize>();
        let gate = [None, Some(1.0), Some(2.0)][number % 3];
        let memory = vec![
            draw.eighths(outputs),
            draw.below(outputs, (window.size[0] * window.size[1]) as u32),
            draw.eighths(inputs),
            unwritten(inputs),
        ];
        case(format!("batch {batch} {window:?} gate {gate:?}"), PoolBackward { batch, window, gate }, memory, 0.0)
    };
    pools().into_iter().enumerate().map(make).collect()
}

pub fn gather() -> Vec<Case> {
    let make = |(number, (batch, pixels, present, samples)): (usize, (usize, usize, u32, u32))| {
        let draw = &mut Draw::new(number);
        let available = 50;
        let memory = vec![
            draw.bytes(available * pixels, 256),
            draw.bytes(available, 10),
            draw.below(samples as usize, available as u32),
            progress(present, 3, samples),
            unwritten(batch * pixels),
            unwritten(batch),
        ];
        let label = format!("batch {batch} of {pixels} pixels, number {present} of {samples} samples");
        case(label, Gather { batch, pixels }, memory, 0.0)
    };
    [(4, 784, 0, 12), (5, 27, 2, 13), (1, 1, 6, 7), (33, 65, 0, 20)].into_iter().enumerate().map(make).collect()
}

pub fn dropout() -> Vec<Case> {
    let make = |(number, (values, layer, rate)): (usize, (usize, u32, f32))| {
        let memory = vec![progress(1, 1_000_003, 64), Draw::new(number).numbers(values, 3.0)];
        case(format!("{values} values, layer {layer}, rate {rate}"), Dropout { values, layer, rate }, memory, 0.0)
    };
    [(4096, 0, 0.25), (1021, 3, 0.5), (3, 1, 0.1), (300, 2, 0.0)].into_iter().enumerate().map(make).collect()
}

pub fn softmax_cross_entropy() -> Vec<Case> {
    let make = |(number, (batch, classes, samples, limit, gradient)): (usize, (usize, usize, u32, f32, bool))| {
        let draw = &mut Draw::new(number);
        let memory = vec![
            draw.numbers(batch * classes, limit),
            draw.below(batch, classes as u32),
            progress(1, 5, samples),
            unwritten(batch * classes),
            unwritten(batch),
            unwritten(batch),
        ];
        let label =
            format!("batch {batch}, {classes} classes, {samples} samples, logits to {limit}, gradient {gradient}");
        case(label, SoftmaxCrossEntropy { batch, classes, gradient }, memory, 2e-6)
    };
    let cases = [
        (64, 10, 128, 4.0, true),
        (33, 10, 40, 80.0, true),
        (5, 2, 10, 1.0, false),
        (1, 37, 2, 9.0, true),
        (70, 10, 100, 500.0, false),
    ];
    cases.into_iter().enumerate().map(make).collect()
}

pub fn adam() -> Vec<Case> {
    // Weights to 0.1, so that the tolerance is a small part of one update; slopes so small that epsilon matters, too.
    let make = |(number, (values, slots, slope)): (usize, (usize, usize, f32))| {
        let draw = &mut Draw::new(number);
        let square = |word: u32| (f32::from_bits(word) * f32::from_bits(word)).to_bits();
        let memory = vec![
            draw.numbers(slots * values, slope),
            vec![1e-3_f32.to_bits(), Adam::rate(1e-3, 7).to_bits()],
            progress(1, 6, 128),
            draw.numbers(values, 0.1),
            draw.numbers(values, slope),
            draw.numbers(values, slope).into_iter().map(square).collect(),
        ];
        case(format!("{values} values, {slots} slots, slopes to {slope}"), Adam { values, slots }, memory, 2e-8)
    };
    [(64, 1, 0.1), (1000, 3, 0.1), (129, 16, 1e-6), (1, 2, 0.1), (64 * 32_769, 1, 0.1)]
        .into_iter()
        .enumerate()
        .map(make)
        .collect()
}

pub fn advance() -> Vec<Case> {
    let make = |(number, (batch, training)): (usize, (usize, bool))| {
        let draw = &mut Draw::new(number);
        let memory = vec![draw.numbers(batch, 3.0), draw.below(batch, 2), progress(2, 9, 5_000), unwritten(8)];
        case(format!("batch {batch}, training {training}"), Advance { batch, training }, memory, 0.0)
    };
    [(512, true), (1, true), (37, false), (200, true)].into_iter().enumerate().map(make).collect()
}
