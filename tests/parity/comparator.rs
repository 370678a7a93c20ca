//! The comparator itself: it must reject what is wrong.

use gpu_fmnist::kernels::Case;
use gpu_fmnist::selftest::compare;

use crate::row;

fn case(name: &str) -> (Case, Vec<Vec<u32>>) {
    let case = (row(name).cases)().remove(0);
    let right = case.expected();
    (case, right)
}

fn rejects(name: &str, buffer: usize, change: impl Fn(u32) -> u32) {
    let (case, right) = case(name);
    assert_eq!(compare(&case, &right), Ok(0.0));
    for index in [0, right[buffer].len() / 2, right[buffer].len() - 1] {
        let mut wrong = right.clone();
        wrong[buffer][index] = change(wrong[buffer][index]);
        let problem = compare(&case, &wrong).expect_err("the change must be noticed");
        assert!(problem.contains(&format!("{}[{index}]", row(name).bindings[buffer].name)), "{problem}");
    }
}

#[test]
fn one_wrong_number_is_rejected() {
    rejects("softmax_cross_entropy", 3, |word| (f32::from_bits(word) + 1e-5).to_bits());
    rejects("conv_forward", 2, |word| (f32::from_bits(word) + 0.015625).to_bits());
}

#[test]
fn a_nan_is_rejected() {
    rejects("softmax_cross_entropy", 4, |_| f32::NAN.to_bits());
    rejects("conv_forward", 2, |_| f32::NAN.to_bits());
}

#[test]
fn an_infinity_is_rejected() {
    rejects("softmax_cross_entropy", 4, |_| f32::INFINITY.to_bits());
}

#[test]
fn an_unwritten_word_is_rejected() {
    let (case, right) = case("pool_forward");
    let mut unwritten = right.clone();
    unwritten[1][0] = case.memory[1][0];
    assert!(compare(&case, &unwritten).is_err());
}

#[test]
fn one_wrong_integer_is_rejected() {
    rejects("pool_forward", 2, |word| word ^ 1);
}

#[test]
fn a_changed_input_is_rejected() {
    rejects("pool_forward", 0, |word| (f32::from_bits(word) + 1.0).to_bits());
}

/// A part in ten thousand of a number, however small it is; but for a gradient of logits, which may be what 1 left of 1.
#[test]
fn a_small_number_is_compared_as_a_large_one_is() {
    for (name, buffer, largest) in [("adam", 6, 1e-11), ("softmax_cross_entropy", 3, 1e-20)] {
        let mut small = 0;
        for case in (row(name).cases)().into_iter().filter(|case| case.tolerance(buffer).absolute <= 1e-30) {
            let right = case.expected();
            let value = |at: usize| f32::from_bits(right[buffer][at]);
            for at in (0..right[buffer].len()).filter(|&at| (1e-25..largest).contains(&value(at))).take(5) {
                let mut wrong = right.clone();
                wrong[buffer][at] = (1.0001 * value(at)).to_bits();
                let problem = compare(&case, &wrong).expect_err(&case.label);
                assert!(problem.contains(&format!("{}[{at}]", row(name).bindings[buffer].name)), "{problem}");
                small += 1;
            }
        }
        assert!(small >= 5, "{name}: only {small} small numbers");
    }
}
