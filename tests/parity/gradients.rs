//! Gradients of a whole network against finite differences of its loss, on both executors.

use std::sync::Arc;

use gpu_fmnist::cpu::Cpu;
use gpu_fmnist::gemm::DeviceClass;
use gpu_fmnist::gpu::Gpu;
use gpu_fmnist::plan::{Executor, Plan};
use gpu_fmnist::selftest::{GradientCheck, dropout_gradient_checks, gradient_checks, soft_gradient_checks};

fn all_pass(checks: &[GradientCheck], layers: usize) {
    assert_eq!(checks.len(), layers);
    for check in checks {
        assert!(check.passes(), "{check:?}");
        assert!(check.difference.abs() > 0.02, "{check:?}: too flat to tell");
    }
}

#[test]
fn the_cpu_references_agree_with_finite_differences() {
    let make = |plan: Arc<Plan>| Cpu::new(plan).map(|cpu| Box::new(cpu) as Box<dyn Executor>);
    all_pass(&gradient_checks(DeviceClass::Cpu, make).unwrap(), 14);
    all_pass(&dropout_gradient_checks(DeviceClass::Cpu, make).unwrap(), 17);
    all_pass(&soft_gradient_checks(DeviceClass::Cpu, make).unwrap(), 8);
}

#[test]
fn every_profile_agrees_with_finite_differences() {
    let make = |plan: Arc<Plan>| Gpu::new(crate::adapter(), plan).map(|gpu| Box::new(gpu) as Box<dyn Executor>);
    let mut dropped = 0;
    for class in DeviceClass::ALL {
        all_pass(&gradient_checks(class, make).unwrap(), 14);
        all_pass(&soft_gradient_checks(class, make).unwrap(), 8);
        if class.compiles_on(crate::adapter().class()) {
            all_pass(&dropout_gradient_checks(class, make).unwrap(), 17);
        } else {
            dropped += 1;
        }
    }
    if dropped > 0 {
        crate::skips::skip(&format!(
            "{dropped} cases of gradients with dropout that this adapter takes minutes to compile"
        ));
    }
}

#[test]
fn a_wrong_gradient_does_not_pass() {
    let check = GradientCheck { parameter: String::new(), derivative: 0.21, difference: 0.22 };
    assert!(!check.passes());
    assert!(!GradientCheck { derivative: f64::NAN, ..check.clone() }.passes());
    assert!(!GradientCheck { difference: f64::NAN, ..check }.passes());
}
