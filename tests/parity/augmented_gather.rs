//! `shaders/augmented_gather.wgsl` against its CPU reference, and both against their definition.

use gpu_fmnist::augment::{Pad, Transform, WHOLE};
use gpu_fmnist::kernels::{AugmentedGather, Case, Gather, Kernel, PixelScaling, Progress};
use gpu_fmnist::selftest::compare;

use crate::mutation::{all_go_red, mutation};
use crate::{holds, probe, row};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("augmented_gather");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the factor", "* FACTOR", "* 1.0"),
        mutation("the offset", "+ OFFSET", "+ 0.0"),
        mutation("rounding", "+ 127) / 255", "+ 0) / 255"),
        mutation("a quotient of 25 bits", "zeros - 1, (numerator", "zeros, (numerator"),
        mutation("the exponent", "(111 - shift)", "(110 - shift)"),
        mutation("a box's upper edge", "y >= area[0]", "y > area[0]"),
        mutation("a box's left edge", "x >= area[1]", "x > area[1]"),
        mutation("a box's lower edge", "y < area[2]", "y <= area[2]"),
        mutation("a box's right edge", "x < area[3]", "x <= area[3]"),
        mutation("the image's first row", "moved >= 0 && moved < extent", "moved > 0 && moved < extent"),
        mutation("zeros", "return -1;", "return 0;"),
        mutation("the mirrored beginning", "abs(moved)", "abs(moved) - 1"),
        mutation("the mirrored end", "2 * (extent - 1) - moved", "2 * extent - 1 - moved"),
        mutation("the kinds of pad", "PAD == 2)", "PAD == 1)"),
        mutation("cutout", "contains(transforms[place].cutout, y, x)", "contains(transforms[place].erased, y, x)"),
        mutation("erasing", "|| contains(transforms[place].erased, y, x)", "|| false"),
        mutation("down", "i32(y) - transforms[place].shift[0]", "i32(y) + transforms[place].shift[0]"),
        mutation("to the right", "i32(x) - transforms[place].shift[1]", "i32(x) - transforms[place].shift[0]"),
        mutation("what is not in the image", "from_y < 0 || moved_x < 0", "from_y < 0"),
        mutation("the flip", "i32(WIDTH) - 1 - moved_x", "i32(WIDTH) - moved_x"),
        mutation("who flips", "transforms[place].flip == 1", "transforms[place].flip == 0"),
        mutation("the order of images", "(order[place] * HEIGHT", "(place * HEIGHT"),
        mutation("the byte of a word", "images[at / 4] >> (8 * (at % 4))", "images[at / 4] >> (8 * (at % 2))"),
        mutation("the order of labels", "let sample = order[place];", "let sample = place;"),
        mutation("the batch", "let first = progress.batch * BATCH;", "let first = 0u;"),
        mutation("the micro-batch", "progress.micro_batch * MICRO_BATCH + row", "row"),
        mutation("the end of the batch", "row_of_batch < BATCH && place", "place"),
        mutation("the end of the order", "place < progress.samples", "place + 1 < progress.samples"),
        mutation("the tail", "at < HEIGHT * WIDTH * CHANNELS {", "at + 1 < HEIGHT * WIDTH * CHANNELS {"),
        mutation("the channel", "at % CHANNELS", "0u"),
        mutation("the column", "at / CHANNELS % WIDTH", "at / CHANNELS % HEIGHT"),
        mutation("what is pasted", "contains(transforms[place].pasted, y, x)", "false"),
        mutation("its own part", "value * own", "value * (65536 - own)"),
        mutation("a number's own part", "bitcast<f32>(value) * share", "bitcast<f32>(value) * (1.0 - share)"),
        mutation("the other number's part", "bitcast<f32>(other) * (1.0 - share)", "bitcast<f32>(other) * share"),
        mutation("parts of numbers", "f32(own) / 65536.0", "f32(own) / 32768.0"),
        mutation(
            "what an image is made of",
            "FLOATS == 1 {\n        return images",
            "FLOATS == 2 {\n        return images",
        ),
        mutation("numbers as they are", "value = bitcast<f32>(bits)", "value = normalised(bits << 16)"),
        mutation("the other's part", "other * (65536 - own)", "other * own"),
        mutation(
            "whose the partner is",
            "value_of(first + transforms[place].partner, y",
            "value_of(first + transforms[first].partner, y",
        ),
        mutation(
            "the partner's label",
            "other = label_of(first + transforms[place].partner)",
            "other = label_of(place)",
        ),
        mutation("the share", "share = transforms[place].share;", "share = 1.0;"),
        mutation("the place of a label", "batch_labels[(1 + 2 * MIXED) * row]", "batch_labels[row]"),
    ];
    all_go_red("augmented_gather", &mutations);
}

fn case(kernel: AugmentedGather, images: &[u8], transforms: &[Transform]) -> Case {
    let rows = transforms.len();
    let progress = Progress { samples: rows as u32, ..Progress::default() };
    let mut bytes = images.to_vec();
    bytes.resize(images.len().next_multiple_of(4), 0);
    let pixels: usize = kernel.shape.iter().product();
    let memory = vec![
        bytemuck::pod_collect_to_vec(&bytes),
        vec![0x0302_0100; rows.div_ceil(4)],
        (0..rows as u32).collect(),
        bytemuck::cast_slice(transforms).to_vec(),
        bytemuck::cast_slice(&[progress]).to_vec(),
        vec![0; rows * pixels],
        vec![0; rows * kernel.label_words()],
    ];
    Case { label: format!("{kernel:?}"), kernel: Box::new(kernel), memory, tolerances: Vec::new(), class: None }
}

/// What both sides leave as input and labels; they must agree to the bit.
fn both(kernel: AugmentedGather, images: &[u8], transforms: &[Transform]) -> (Vec<f32>, Vec<u32>) {
    let case = case(kernel, images, transforms);
    let mut actual = probe().run(&case).unwrap();
    compare(&case, &actual).unwrap_or_else(|problem| panic!("{}: {problem}", case.label));
    let labels = actual.pop().unwrap();
    (bytemuck::cast_vec(actual.pop().unwrap()), labels)
}

/// Any two bytes in any parts: the f32 that is nearest to the exact quotient.
#[test]
fn a_mixture_is_rounded_to_the_nearest_number() {
    let parts = [0, 1, 2, 3, 7, 255, 256, 257, 21_845, 32_767, 32_768, 32_769, 51_234, 65_279, 65_534, 65_535, WHOLE];
    let images: Vec<u8> = (0..256 * 256).flat_map(|pair| [pair as u8, (pair / 256) as u8]).collect();
    // One image has the first bytes of all pairs, the next one the second ones.
    let [own, other] = [0, 1].map(|place| images.iter().skip(place).step_by(2).copied().collect::<Vec<u8>>());
    for part in parts {
        let transforms = [Transform { partner: 1, own: part, ..Transform::NONE }, Transform::NONE];
        let kernel = AugmentedGather {
            batch: 2,
            micro_batch: 2,
            shape: [256, 256, 1],
            pad: Pad::Zero,
            mixed: true,
            floats: false,
            rescaling: PixelScaling::NONE,
        };
        let (input, _) = both(kernel, &[&own[..], &other].concat(), &transforms);
        for ((value, &own), &other) in input.iter().zip(&own).zip(&other) {
            let sum = f64::from(own) * f64::from(part) + f64::from(other) * f64::from(WHOLE - part);
            let exact = sum / (255.0 * f64::from(WHOLE));
            assert_eq!(*value, exact as f32, "{own} and {other}, {part} parts");
        }
    }
}

/// A hand-made image of 2 x 3 pixels, by each transform alone.
#[test]
fn each_transform_does_what_it_says() {
    let image = [10, 20, 30, 40, 50, 60];
    let kernel = |pad| AugmentedGather {
        batch: 1,
        micro_batch: 1,
        shape: [2, 3, 1],
        pad,
        mixed: false,
        floats: false,
        rescaling: PixelScaling::NONE,
    };
    let after = |pad, transform| {
        let (input, labels) = both(kernel(pad), &image, &[transform]);
        assert_eq!(labels, [0]);
        input.iter().map(|value| (value * 255.0).round() as u8).collect::<Vec<u8>>()
    };
    let moved = |down, right| Transform { shift: [down, right], ..Transform::NONE };
    assert_eq!(after(Pad::Zero, Transform::NONE), image);
    assert_eq!(after(Pad::Zero, Transform { flip: 1, ..Transform::NONE }), [30, 20, 10, 60, 50, 40]);
    assert_eq!(after(Pad::Zero, moved(1, 0)), [0, 0, 0, 10, 20, 30]);
    assert_eq!(after(Pad::Zero, moved(0, -2)), [30, 0, 0, 60, 0, 0]);
    assert_eq!(after(Pad::Edge, moved(0, -2)), [30, 30, 30, 60, 60, 60]);
    assert_eq!(after(Pad::Reflect, moved(0, -2)), [30, 20, 10, 60, 50, 40]);
    assert_eq!(after(Pad::Reflect, moved(-1, 1)), [50, 40, 50, 20, 10, 20]);
    // Mirrored first: what comes from the right is the image's left.
    assert_eq!(after(Pad::Zero, Transform { flip: 1, ..moved(0, 1) }), [0, 30, 20, 0, 60, 50]);
    assert_eq!(after(Pad::Zero, Transform { cutout: [0, 1, 1, 3], ..Transform::NONE }), [10, 0, 0, 40, 50, 60]);
    let erased = Transform { cutout: [0, 0, 2, 1], erased: [1, 1, 2, 2], ..moved(0, 1) };
    assert_eq!(after(Pad::Edge, erased), [0, 10, 20, 0, 0, 50]);
}

/// Half of one image and half of another one, but for a pixel that is the other one's alone; each as its own transform
/// leaves it.
#[test]
fn a_partner_is_mixed_in_as_its_own_transform_leaves_it() {
    let images = [10, 20, 30, 40, 50, 60, 70, 81, 90, 100, 110, 120];
    let flipped = Transform { flip: 1, cutout: [0, 0, 1, 1], partner: 0, share: 0.75, ..Transform::NONE };
    let first = Transform { partner: 1, own: WHOLE / 2, pasted: [1, 2, 2, 3], share: 0.25, ..Transform::NONE };
    let kernel = AugmentedGather {
        batch: 2,
        micro_batch: 2,
        shape: [2, 3, 1],
        pad: Pad::Zero,
        mixed: true,
        floats: false,
        rescaling: PixelScaling::NONE,
    };
    let (input, labels) = both(kernel, &images, &[first, flipped]);
    let bytes: Vec<f32> = input.iter().map(|value| (value * 2550.0).round() / 10.0).collect();
    assert_eq!(bytes[..6], [5.0, 50.5, 50.0, 80.0, 80.0, 100.0]);
    assert_eq!(bytes[6..], [0.0, 81.0, 70.0, 120.0, 110.0, 100.0]);
    assert_eq!(labels, [0, 1, 0.25_f32.to_bits(), 1, 0, 0.75_f32.to_bits()]);
}

/// With transforms that change nothing it is the kernel that knows of none, to the bit.
#[test]
fn without_a_change_it_is_the_ordinary_gather() {
    for ordinary in (row("gather").cases)() {
        let kernel: &dyn std::any::Any = &*ordinary.kernel;
        let Gather { batch, micro_batch, pixels, floats, rescaling } = *kernel.downcast_ref().unwrap();
        let kernel = AugmentedGather {
            batch,
            micro_batch,
            shape: [1, pixels, 1],
            pad: Pad::Zero,
            mixed: false,
            floats,
            rescaling,
        };
        let mut memory = ordinary.memory.clone();
        let transforms = vec![Transform::NONE; memory[2].len()];
        memory.insert(3, bytemuck::cast_slice(&transforms).to_vec());
        let kernel: Box<dyn Kernel> = Box::new(kernel);
        let augmented = Case { label: ordinary.label.clone(), kernel, memory, tolerances: Vec::new(), class: None };
        let mut actual = probe().run(&augmented).unwrap();
        actual.remove(3);
        compare(&ordinary, &actual).unwrap_or_else(|problem| panic!("{}: {problem}", ordinary.label));
    }
}
