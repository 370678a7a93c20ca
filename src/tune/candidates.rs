//! The configurations that are worth measuring for a product, on a device of one class and with an adapter's limits.

use std::collections::HashSet;

use crate::gemm::{Capabilities, DeviceClass, GemmConfig, GemmKind, GemmProblem};
use crate::kernels::GemmKernel;

/// What each number of a configuration may be; every combination is a candidate, but for those that [`suits`] leaves out.
struct Choices {
    threads: Vec<[usize; 2]>,
    /// Rows and columns of a thread.
    outputs: Vec<[usize; 2]>,
    depths: Vec<usize>,
    accumulators: Vec<usize>,
    /// Workgroups that partitions should make.
    partition_workgroups: Vec<usize>,
    /// Multiply-adds of a thread between two barriers, at most: a compiler unrolls them all.
    most_unrolled: usize,
    /// Values of B that a thread keeps in registers, at most.
    most_registers: usize,
}

/// Products with fewer rows or columns may have tiles that are mostly empty: their workgroups would be too small.
const FEW_OUTPUTS: usize = 32;
/// The same of sums with fewer terms.
const FEW_TERMS: usize = 8;

/// Other configurations for a product than its own, which is the profile's: valid by [`GemmProblem::broken_rule`], within the
/// adapter's capabilities, and none twice.
pub fn candidates(product: &GemmKernel, class: DeviceClass, adapter: &Capabilities) -> Vec<GemmConfig> {
    let (problem, own) = (product.problem(), product.config());
    let choices = choices(class, &problem, &own);
    let mut known = HashSet::from([own]);
    let mut candidates = Vec::new();
    for &threads in &choices.threads {
        for &[rows, columns] in &choices.outputs {
            for &depth in &choices.depths {
                for &accumulators in &choices.accumulators {
                    let mut tile = GemmConfig { threads, rows, columns, depth, accumulators, partitions: 1, ..own };
                    tile.threads_per_row = problem.threads_per_row(&tile);
                    let configs = in_partitions(&problem, class, &tile, &choices.partition_workgroups);
                    let suits = |config: &GemmConfig| suits(&product.with(*config), &choices, adapter);
                    candidates.extend(configs.into_iter().filter(|config| suits(config) && known.insert(*config)));
                }
            }
        }
    }
    candidates
}

fn choices(class: DeviceClass, problem: &GemmProblem, own: &GemmConfig) -> Choices {
    let [_, _, sum] = problem.extents();
    // A configuration of a weight gradient counts pooled positions, each with all elements of its window.
    let terms = problem.tile_depth(own) / own.depth;
    let depths = |depths: &[usize]| depths.iter().map(|depth| (depth / terms).max(1)).collect();
    let one_column = |rows: &[usize]| rows.iter().chain([&own.rows]).map(|&rows| [rows, 1]).collect();
    match class {
        DeviceClass::Gpu => Choices {
            threads: vec![[8, 8], [8, 16], [16, 8], [16, 16], [32, 4], [32, 8]],
            outputs: vec![[2, 4], [4, 4], [8, 4], [4, 8], [8, 8]],
            // A short sum in one piece, too.
            depths: [depths(&[8, 16, 32]), if sum < 32 { vec![sum] } else { Vec::new() }].concat(),
            accumulators: vec![1],
            partition_workgroups: vec![64, 256, 1024],
            // The largest of the outputs, 16 deep.
            most_unrolled: 8 * 8 * 16,
            // Half of what a GPU's thread has.
            most_registers: 128,
        },
        DeviceClass::Software | DeviceClass::Cpu => Choices {
            threads: widths(own),
            outputs: one_column(&[8, 16, 32]),
            // Where the sum is 8 or 9 deep, or a multiple of them, nothing is padded.
            depths: [depths(&[8, 16]), vec![own.depth, if sum.is_multiple_of(9) { 9 } else { 8 }]].concat(),
            accumulators: vec![2, 4],
            partition_workgroups: vec![16, 64],
            // The profile's rows, and a depth of 17 where that divides the sum: more leave the instruction cache.
            most_unrolled: 32 * 17,
            // All that AVX-512 has.
            most_registers: 32,
        },
        DeviceClass::OldSoftware => Choices {
            threads: widths(own),
            outputs: one_column(&[4, 8, 16]),
            depths: [depths(&[2, 4, 8]), vec![own.depth]].concat(),
            accumulators: vec![1],
            partition_workgroups: vec![16, 64],
            // Twice the profile's: its compiler takes long to unroll more.
            most_unrolled: 8 * 8,
            most_registers: 32,
        },
        DeviceClass::SwiftShader => Choices {
            threads: vec![[4, 1], [8, 1], [16, 1]],
            outputs: vec![[8, 4], [8, 8], [16, 4], [16, 8], [32, 4]],
            depths: depths(&[1, 2, 4]),
            accumulators: vec![1],
            partition_workgroups: vec![16, 64],
            // The profile's; a second to compile each.
            most_unrolled: 16 * 8 * 2,
            most_registers: 32,
        },
    }
}

/// The profile's width, half and a quarter of it, in whole vectors of eight.
fn widths(own: &GemmConfig) -> Vec<[usize; 2]> {
    let width = own.threads[0];
    let widths = [width, width / 2, width / 4].into_iter().filter(|width| *width > 0 && width.is_multiple_of(8));
    widths.map(|width| [width, 1]).collect()
}

/// The configuration in as many partitions as make each of some numbers of workgroups, as far as such sums are worth it.
fn in_partitions(
    problem: &GemmProblem,
    class: DeviceClass,
    tile: &GemmConfig,
    partition_workgroups: &[usize],
) -> Vec<GemmConfig> {
    let ([_, _, sum], profile) = (problem.extents(), class.profile());
    let (workgroups, most) = (problem.workgroups(tile), problem.most_partitions(profile.least_partition));
    let wanted = partition_workgroups.iter().map(|wanted| (wanted / workgroups).clamp(1, most));
    match problem.kind {
        GemmKind::WeightGradient => wanted.map(|partitions| GemmConfig { partitions, ..*tile }).collect(),
        GemmKind::Forward if profile.split_forward.is_some() => {
            wanted.map(|partitions| tile.with_forward_partitions(sum, partitions)).chain([*tile]).collect()
        }
        GemmKind::Forward | GemmKind::InputGradient => vec![*tile],
    }
}

/// Whether shader, compiler and adapter can take the product's configuration, and most of a workgroup has work.
fn suits(product: &GemmKernel, choices: &Choices, adapter: &Capabilities) -> bool {
    let (problem, config, limits) = (product.problem(), product.config(), &adapter.limits);
    if problem.broken_rule(&config).is_some() {
        return false;
    }
    let [rows, columns, sum] = problem.extents();
    let most_bytes = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
    let most_workgroups = limits.max_compute_workgroups_per_dimension as usize;
    problem.unrolled(&config) <= choices.most_unrolled
        && problem.tile_depth(&config) * config.columns <= choices.most_registers
        && config.depth < 2 * sum.max(FEW_TERMS)
        && config.workgroup_rows() < 2 * rows.max(FEW_OUTPUTS)
        && config.workgroup_columns() < 2 * columns.max(FEW_OUTPUTS)
        && product.variant().runs_on(adapter, &problem, &config)
        && product.kernel().workgroups().iter().all(|&count| count <= most_workgroups)
        && product.kernel().words().iter().all(|&words| 4 * words as u64 <= most_bytes)
}

#[cfg(test)]
mod tests {
    use super::super::products;
    use super::*;
    use crate::model::{NOTEBOOK, built_in};
    use crate::network::Options;

    /// Every product of the three networks with every candidate of every profile.
    fn all() -> Vec<(DeviceClass, GemmKernel, Vec<GemmConfig>)> {
        let mut all = Vec::new();
        let adapter = Capabilities::default();
        for class in [DeviceClass::Gpu, DeviceClass::Software, DeviceClass::OldSoftware, DeviceClass::SwiftShader] {
            for (name, batch) in NOTEBOOK.into_iter().flat_map(|name| [(name, 512), (name, 3)]) {
                let (model, _) = built_in(name).unwrap();
                for product in products(&model, Options::new(batch, class, batch)).unwrap() {
                    let candidates = candidates(&product, class, &adapter);
                    all.push((class, product, candidates));
                }
            }
        }
        all
    }

    #[test]
    fn every_candidate_is_valid_and_another() {
        for (class, product, candidates) in all() {
            let problem = product.problem();
            assert!((3..400).contains(&candidates.len()), "{class:?} {problem}: {} candidates", candidates.len());
            assert!(!candidates.contains(&product.config()), "{class:?} {problem}");
            let distinct: HashSet<&GemmConfig> = candidates.iter().collect();
            assert_eq!(distinct.len(), candidates.len(), "{class:?} {problem}");
            for config in &candidates {
                assert_eq!(problem.broken_rule(config), None, "{class:?} {problem}: {config}");
                assert_eq!(product.with(*config).config(), *config);
            }
        }
    }

    /// The rules must hold for the profiles above all.
    #[test]
    fn the_profiles_own_configurations_break_no_rule() {
        for (class, product, _) in all() {
            let problem = product.problem();
            assert_eq!(problem.broken_rule(&product.config()), None, "{class:?} {problem}");
        }
    }

    #[test]
    fn workgroup_memory_is_what_the_shaders_declare() {
        let mut seen = HashSet::new();
        for (class, product, candidates) in all() {
            let problem = product.problem();
            if !seen.insert((class, problem.kind, problem.convolution.pool)) {
                continue;
            }
            for config in candidates {
                let product = product.with(config);
                let text = product.kernel().text();
                let module = naga::front::wgsl::parse_str(&text).unwrap();
                let mut layouter = naga::proc::Layouter::default();
                layouter.update(module.to_ctx()).unwrap();
                let shared = module.global_variables.iter().map(|(_, variable)| variable);
                let shared = shared.filter(|variable| variable.space == naga::AddressSpace::WorkGroup);
                let bytes: u32 = shared.map(|variable| layouter[variable.ty].size).sum();
                assert_eq!(problem.workgroup_bytes(&config), bytes as usize, "{problem}: {config}");
            }
        }
        assert!(seen.len() >= 12, "only {} looked at", seen.len());
    }
}
