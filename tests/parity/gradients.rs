//! Gradients of a whole network against finite differences of its loss, on both executors.

use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::gpu::Gpu;
use gpu_fmnist::kernels::Tiles;
use gpu_fmnist::plan::{Executor, Plan};
use gpu_fmnist::selftest::{GradientCheck, gradient_checks};

fn all_pass(checks: &[GradientCheck]) {
    assert_eq!(checks.len(), 4 + 4 + 4);
    for check in checks {
        assert!(check.passes(), "{check:?}");
        assert!(check.difference.abs() > 0.02, "{check:?}: too flat to tell");
    }
}

#[test]
fn the_twins_agree_with_finite_differences() {
    all_pass(&gradient_checks(Tiles::Cpu, |plan| Ok(Box::new(Cpu::new(plan)?))).unwrap());
}

#[test]
fn every_tile_agrees_with_finite_differences() {
    for tiles in Tiles::ALL {
        let make = |plan: Plan| Gpu::new(crate::adapter(), plan).map(|gpu| Box::new(gpu) as Box<dyn Executor>);
        all_pass(&gradient_checks(tiles, make).unwrap());
    }
}

#[test]
fn a_wrong_gradient_does_not_pass() {
    let check = GradientCheck { parameter: String::new(), derivative: 0.21, difference: 0.22 };
    assert!(!check.passes());
    assert!(!GradientCheck { derivative: f64::NAN, ..check.clone() }.passes());
    assert!(!GradientCheck { difference: f64::NAN, ..check }.passes());
}
