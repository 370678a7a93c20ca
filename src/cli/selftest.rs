//! `gpu-fmnist selftest`

use clap::Args;

use super::console::Console;
use super::device::{AdapterOption, Device};
use super::output;
use crate::error::{Error, Result};
use crate::gpu::Probe;
use crate::kernels::{MATRIX_PRODUCTS, REGISTRY};
use crate::selftest::{
    GradientCheck, Outcome, check_kernel, dropout_gradient_checks, gradient_checks, soft_gradient_checks,
};

/// Prove every shader on this adapter against its CPU reference, and the gradients against finite differences.
#[derive(Args)]
#[command(after_help = super::exit_codes::EXIT_CODES)]
pub struct SelftestArguments {
    #[command(flatten)]
    adapter: AdapterOption,
}

/// Lines for each kernel that fails.
const MOST_FAILURES: usize = 5;

pub fn run(arguments: &SelftestArguments) -> Result<()> {
    let mut console = Console::new(false);
    let device = arguments.adapter.device(&mut console)?;
    output::text(&format!("{}\n\n", device.describe()))?;
    let mut failed = 0;
    match &device {
        Device::Gpu(adapter) => {
            let probe = Probe::open(adapter)?;
            let rows = REGISTRY.iter().chain(&MATRIX_PRODUCTS);
            let mut outcomes =
                rows.map(|row| check_kernel(&probe, adapter.class(), row)).collect::<Result<Vec<_>>>()?;
            outcomes.retain(|outcome| outcome.cases > 0);
            failed += outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count();
            output::tables(&kernels(&outcomes))?;
        }
        Device::Cpu => output::text("the shaders were not tested: they run on a GPU or on software Vulkan only\n")?,
    }
    let mut checks = gradient_checks(device.class(), |plan| device.executor(plan))?;
    checks.extend(dropout_gradient_checks(device.class(), |plan| device.executor(plan))?);
    checks.extend(soft_gradient_checks(device.class(), |plan| device.executor(plan))?);
    failed += checks.iter().filter(|check| !check.passes()).count();
    output::tables(&format!("\n{}", gradients(&checks)))?;
    match failed {
        0 => output::text("\nall passed\n"),
        _ => Err(Error::Failed(format!("{failed} checks failed on {}", device.describe()))),
    }
}

fn kernels(outcomes: &[Outcome]) -> String {
    let row = |outcome: &Outcome| {
        let verdict = if outcome.failures.is_empty() { "pass" } else { "FAIL" };
        let Outcome { kernel, cases, in_16_bits, worst, .. } = outcome;
        let in_16_bits = if *in_16_bits == 0 { "-".to_owned() } else { in_16_bits.to_string() };
        vec![(*kernel).to_owned(), cases.to_string(), in_16_bits, format!("{worst:.2}"), verdict.to_owned()]
    };
    let mut text = output::table(
        &["kernel", "cases", "in 16 bits", "worst part of tolerance", "result"],
        &outcomes.iter().map(row).collect::<Vec<_>>(),
    );
    let dropped: usize = outcomes.iter().map(|outcome| outcome.dropped).sum();
    if dropped > 0 {
        text += &format!("{dropped} cases left out: this adapter would take minutes to compile their tiles\n");
    }
    for outcome in outcomes {
        for failure in outcome.failures.iter().take(MOST_FAILURES) {
            text += &format!("{}: {failure}\n", outcome.kernel);
        }
        if let Some(more) = outcome.failures.len().checked_sub(MOST_FAILURES + 1) {
            text += &format!("{}: and {} more\n", outcome.kernel, more + 1);
        }
    }
    text
}

fn gradients(checks: &[GradientCheck]) -> String {
    let row = |check: &GradientCheck| {
        let verdict = if check.passes() { "pass" } else { "FAIL" };
        let GradientCheck { parameter, derivative, difference } = check;
        vec![parameter.clone(), format!("{derivative:.5}"), format!("{difference:.5}"), verdict.to_owned()]
    };
    output::table(
        &["gradient of", "derivative", "finite difference", "result"],
        &checks.iter().map(row).collect::<Vec<_>>(),
    )
}
