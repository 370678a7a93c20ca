//! Every shader against its twin on the first adapter, a file a kernel. Each file runs the kernel's cases, breaks the
//! shader once to see them go red, and adds what only this kernel promises.

mod adam;
mod advance;
mod ceiling_arithmetic;
mod ceiling_bandwidth;
mod comparator;
mod conv_forward;
mod conv_input_gradient;
mod conv_weight_gradient;
mod dropout;
mod fold;
mod foreign;
mod gather;
mod gradients;
mod join;
mod nearest;
mod pool_backward;
mod pool_forward;
mod softmax_cross_entropy;
mod tuning;

use std::sync::OnceLock;

use gpu_fmnist::gpu::{Adapter, Probe, adapters};
use gpu_fmnist::kernels::{Case, Constants, Kernel, Row, TABLE};
use gpu_fmnist::selftest::{check_kernel, compare};

/// The first adapter. Without one the tests fail: `scripts/test` brings a software one.
fn adapter() -> &'static Adapter {
    static ADAPTER: OnceLock<Adapter> = OnceLock::new();
    ADAPTER.get_or_init(|| {
        let adapter = adapters().into_iter().next().expect("no adapter: run the tests by scripts/test");
        eprintln!("adapter: {}, {}", adapter.describe(), adapter.info.driver_info);
        adapter
    })
}

fn probe() -> &'static Probe {
    static PROBE: OnceLock<Probe> = OnceLock::new();
    PROBE.get_or_init(|| Probe::open(adapter()).unwrap())
}

fn row(name: &str) -> &'static Row {
    TABLE.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no row {name}"))
}

/// All cases of the kernel agree.
fn holds(name: &str) {
    let outcome = check_kernel(probe(), adapter().tiles(), row(name)).unwrap();
    assert!(outcome.cases > 3, "{name} has only {} cases", outcome.cases);
    assert!(outcome.failures.is_empty(), "{name}:\n{}", outcome.failures.join("\n"));
}

/// The cases go red when `from` is replaced by `to` in the shader.
fn goes_red(name: &str, from: &str, to: &str) {
    let original = row(name);
    assert_eq!(original.wgsl.matches(from).count(), 1, "{name}: \"{from}\" must stand in the shader once");
    let wgsl: &'static str = original.wgsl.replace(from, to).leak();
    let broken: &'static Row = Box::leak(Box::new(Row { wgsl, ..*original }));
    let red = (original.cases)().into_iter().any(|case| {
        let case = Case { kernel: Box::new(Broken { kernel: case.kernel, row: broken }), ..case };
        probe().run(&case).map_err(|error| error.to_string()).and_then(|actual| compare(&case, &actual)).is_err()
    });
    assert!(red, "{name}: no case notices \"{to}\"");
}

/// A kernel with another shader.
#[derive(Debug)]
struct Broken {
    kernel: Box<dyn Kernel>,
    row: &'static Row,
}

impl Kernel for Broken {
    fn row(&self) -> &'static Row {
        self.row
    }

    fn constants(&self) -> Constants {
        self.kernel.constants()
    }

    fn workgroups(&self) -> [usize; 3] {
        self.kernel.workgroups()
    }

    fn operations(&self) -> usize {
        self.kernel.operations()
    }

    fn twin(&self, memory: &mut [&mut [u32]]) {
        self.kernel.twin(memory);
    }
}
