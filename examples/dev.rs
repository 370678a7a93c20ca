use gpu_fmnist::{cpu, gpu, kernels, selftest};
fn main() {
    let name = std::env::args().nth(1).unwrap_or("vulkan".into());
    let a = gpu::select(&name, gpu::adapters()).unwrap();
    println!("{} {:?} {}", a.describe(), a.tiles(), a.info.driver_info);
    let p = gpu::Probe::open(&a).unwrap();
    for row in kernels::TABLE {
        let t = std::time::Instant::now();
        let o = selftest::check_kernel(&p, row).unwrap();
        println!("{} {} worst {} fails {} {:?}", o.kernel, o.cases, o.worst, o.failures.len(), t.elapsed());
        for f in o.failures.iter().take(4) {
            println!("   {f}");
        }
    }
    for c in selftest::gradient_checks(a.tiles(), |plan| Ok(Box::new(gpu::Gpu::new(&a, plan)?))).unwrap() {
        println!("{} {c:?}", c.passes());
    }
    for c in selftest::gradient_checks(kernels::Tiles::Cpu, |plan| Ok(Box::new(cpu::Cpu::new(plan)))).unwrap() {
        println!("{} {c:?}", c.passes());
    }
}
