//! `shaders/soft_cross_entropy.wgsl` against its CPU reference, and both against `softmax_cross_entropy.wgsl`.

use gpu_fmnist::kernels::{Case, Kernel, SoftCrossEntropy, SoftmaxCrossEntropy, Tolerance};
use gpu_fmnist::selftest::compare;

use crate::mutation::{all_go_red, mutation};
use crate::parts::of_loss;
use crate::{holds, probe, row};

#[test]
fn agrees_with_its_cpu_reference() {
    holds("soft_cross_entropy");
}

#[test]
fn every_broken_line_is_noticed() {
    let mutations = [
        mutation("the sum over targets", "sum += part_of", "sum = part_of"),
        mutation("its own label", "class_index == labels.label)", "class_index == 0)"),
        mutation("the other label", "class_index == labels.other)", "class_index == labels.label)"),
        mutation("the other's share", "select(0.0, 1 - labels.share", "select(0.0, labels.share"),
        mutation("what smoothing takes", "(1 - SMOOTHING) * (own", "1.0 * (own"),
        mutation("what smoothing gives", "SMOOTHING / f32(CLASSES)", "SMOOTHING"),
        mutation("labels without mixing", "Labels(batch_labels[row], 0, 1)", "Labels(batch_labels[row], 0, 0)"),
        mutation("the larger share", "labels.share >= 0.5", "labels.share > 0.5"),
    ];
    all_go_red("soft_cross_entropy", &of_loss(&mutations));
}

/// Of one label a row and no smoothing, it is the kernel that knows of neither.
#[test]
fn without_mixing_and_smoothing_it_is_the_ordinary_cross_entropy() {
    for case in (row("softmax_cross_entropy").cases)() {
        let kernel: &dyn std::any::Any = &*case.kernel;
        let SoftmaxCrossEntropy { batch, micro_batch, classes, gradient } = *kernel.downcast_ref().unwrap();
        let soft = SoftCrossEntropy { batch, micro_batch, classes, smoothing: 0.0, mixed: false, gradient };
        let kernel: Box<dyn Kernel> = Box::new(soft);
        let memory = case.memory.clone();
        let soft = Case { label: case.label.clone(), kernel, memory, tolerances: Vec::new(), class: None };
        let loosened = Tolerance { relative: 2e-6, absolute: 2e-6 };
        let tolerances = case.tolerances.iter().map(|own| if *own == Tolerance::EXACT { *own } else { loosened });
        let ordinary = Case { tolerances: tolerances.collect(), ..case };
        compare(&ordinary, &soft.expected()).unwrap_or_else(|problem| panic!("CPU, {}: {problem}", soft.label));
        let actual = probe().run(&soft).unwrap();
        compare(&ordinary, &actual).unwrap_or_else(|problem| panic!("{}: {problem}", soft.label));
    }
}
