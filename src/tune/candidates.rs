//! The configurations that are worth measuring for a product, on a device of one class and with an adapter's limits.

use std::collections::HashSet;

use crate::gemm::{Capabilities, DeviceClass, GemmConfig, GemmKind, GemmProblem};
use crate::kernels::Product;

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
pub fn candidates(product: &Product, class: DeviceClass, adapter: &Capabilities) -> Vec<GemmConfig> {
    let (problem, own) = (product.problem(), product.config());
    let choices = choices(class, &problem, &own);
    let mut tiles = Vec::new();
    for &threads in &choices.threads {
        for &[rows, columns] in &choices.outputs {
            for &depth in &choices.depths {
                for &accumulators in &choices.accumulators {
                    let mut tile = GemmConfig { threads, rows, columns, depth, accumulators, partitions: 1, ..own };
                    tile.threads_per_row = problem.threads_per_row(&tile);
                    tiles.push(tile);
                }
            }
        }
    }
    if product.multiplies_f16() {
        tiles.extend(by_matrices(&problem, &own, adapter.subgroup[0] as usize));
    }
    let mut known = HashSet::from([own]);
    let configs = tiles.iter().flat_map(|tile| in_partitions(&problem, class, tile, &choices.partition_workgroups));
    configs.filter(|config| suits(&product.with(*config), &choices, adapter) && known.insert(*config)).collect()
}

/// Tiles of whole fragments of every size that an adapter might have, by one to four subgroups.
fn by_matrices(problem: &GemmProblem, own: &GemmConfig, subgroup: usize) -> Vec<GemmConfig> {
    // Of a subgroup.
    const FRAGMENTS: [usize; 3] = [1, 2, 4];
    const SUBGROUPS: [[usize; 2]; 3] = [[1, 1], [1, 2], [2, 2]];
    let sides = FRAGMENTS.iter().flat_map(|&rows| FRAGMENTS.map(|columns| [columns, rows]));
    let shapes: Vec<_> = sides.flat_map(|fragments| SUBGROUPS.map(|subgroups| (fragments, subgroups))).collect();
    let terms = problem.tile_depth(own) / own.depth;
    let mut tiles = Vec::new();
    for matrix in [8, 16] {
        for &(fragments, subgroups) in &shapes {
            for depth in [matrix, 2 * matrix] {
                let [columns, rows] = [0, 1].map(|side| fragments[side] * subgroups[side] * matrix);
                let threads = subgroup * subgroups[0] * subgroups[1];
                // Neighbouring threads have neighbouring columns, and not so many that there are none for some.
                let width = threads.min(columns).min(16);
                let height = threads.checked_div(width).unwrap_or(0);
                let whole = |of: usize, parts: usize| parts > 0 && of.is_multiple_of(parts);
                if !whole(rows, height) || !whole(columns, width) || !whole(depth, terms) {
                    continue;
                }
                let mut tile = GemmConfig {
                    threads: [width, height],
                    rows: rows / height,
                    columns: columns / width,
                    depth: depth / terms,
                    stage_b: true,
                    loop_carry: own.loop_carry,
                    matrix,
                    subgroups,
                    ..GemmConfig::PLAIN
                };
                tile.threads_per_row = problem.threads_per_row(&tile);
                tiles.push(tile);
            }
        }
    }
    tiles
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
            outputs: vec![[2, 2], [2, 4], [4, 4], [8, 4], [4, 8], [8, 8]],
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
fn suits(product: &Product, choices: &Choices, adapter: &Capabilities) -> bool {
    let (problem, config, limits) = (product.problem(), product.config(), &adapter.limits);
    if problem.broken_rule(&config).is_some() {
        return false;
    }
    let [rows, columns, sum] = problem.extents();
    let most_bytes = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
    let most_workgroups = limits.max_compute_workgroups_per_dimension as usize;
    // What matrix units multiply, no compiler unrolls.
    let multiplies = problem.unrolled(&config) <= choices.most_unrolled
        && problem.tile_depth(&config) * config.columns <= choices.most_registers;
    (multiplies || config.matrix > 0)
        && config.depth < 2 * sum.max(FEW_TERMS)
        && config.workgroup_rows() < 2 * rows.max(FEW_OUTPUTS)
        && config.workgroup_columns() < 2 * columns.max(FEW_OUTPUTS)
        && product.runs_on(adapter)
        && product.kernel().workgroups().iter().all(|&count| count <= most_workgroups)
        && product.kernel().words().iter().all(|&words| 4 * words as u64 <= most_bytes)
}

#[cfg(test)]
mod tests {
    use super::super::products;
    use super::*;
    use crate::gemm::Variant;
    use crate::model::{NOTEBOOK, built_in};
    use crate::network::Options;
    use crate::precision::Precision;

    /// Every product of the three networks with every candidate of every profile.
    fn all() -> Vec<(DeviceClass, Product, Vec<GemmConfig>)> {
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
        let in_f16 = in_precision(Precision::F16, &matrix_units());
        all.into_iter()
            .chain(in_f16.into_iter().map(|(product, configs)| (DeviceClass::Gpu, product, configs)))
            .collect()
    }

    /// As an NVIDIA H100 has them.
    fn matrix_units() -> Capabilities {
        let [f16, f32] = [wgpu::CooperativeScalarType::F16, wgpu::CooperativeScalarType::F32];
        let of = |[m_size, n_size, k_size]: [u32; 3], cr_type| wgpu::CooperativeMatrixProperties {
            m_size,
            n_size,
            k_size,
            ab_type: f16,
            cr_type,
            saturating_accumulation: false,
        };
        let shapes = [[16, 16, 16], [16, 8, 16], [16, 8, 8]];
        let matrices = shapes.into_iter().flat_map(|shape| [of(shape, f16), of(shape, f32)]).collect();
        Capabilities { features: Variant::all_features(), matrices, subgroup: [32, 32], ..Capabilities::default() }
    }

    /// The products of the third network's steps on a GPU, with their candidates.
    fn in_precision(precision: Precision, adapter: &Capabilities) -> Vec<(Product, Vec<GemmConfig>)> {
        let (model, _) = built_in("cnn3").unwrap();
        let options = Options { precision, ..Options::new(512, DeviceClass::Gpu, 512) };
        let products = products(&model, options).unwrap().into_iter();
        products.map(|product| (product, candidates(&product, DeviceClass::Gpu, adapter))).collect()
    }

    fn is_by_matrices(config: &GemmConfig) -> bool {
        config.matrix > 0
    }

    #[test]
    fn matrix_units_are_offered_where_all_that_they_multiply_is_in_f16() {
        for (product, configs) in in_precision(Precision::F16, &matrix_units()) {
            let [_, _, channels] = product.problem().convolution.window.input;
            // Pixels have one channel; the logits' gradient has ten.
            let is_f32 = match product.problem().kind {
                GemmKind::Forward => channels == 1,
                GemmKind::WeightGradient => channels == 1 || product.problem().convolution.filters == 10,
                GemmKind::InputGradient => product.problem().convolution.filters == 10,
            };
            let by_matrices: Vec<&GemmConfig> = configs.iter().filter(|config| is_by_matrices(config)).collect();
            assert_eq!(by_matrices.is_empty(), is_f32, "{}", product.problem());
            let subgroups = |config: &GemmConfig| config.subgroups[0] * config.subgroups[1];
            let suits = |config: &GemmConfig| config.workgroup_threads() == 32 * subgroups(config);
            assert!(by_matrices.iter().all(|config| config.matrix == 16 && suits(config)));
            let several = by_matrices.iter().filter(|config| config.subgroups != [1; 2]).count();
            assert!(is_f32 || several >= 4, "{}: {several} by several subgroups", product.problem());
            let sides = |config: &&GemmConfig| [config.workgroup_rows(), config.workgroup_columns()];
            let tiles: HashSet<[usize; 2]> = by_matrices.iter().map(sides).collect();
            assert!(is_f32 || tiles.contains(&[32, 32]) && tiles.len() >= 4, "{}: {tiles:?}", product.problem());
        }
    }

    #[test]
    fn matrix_units_are_offered_in_no_other_precision_and_to_no_other_adapter() {
        let offered = |precision, change: fn(&mut Capabilities)| {
            let mut adapter = matrix_units();
            change(&mut adapter);
            in_precision(precision, &adapter).iter().any(|(_, configs)| configs.iter().any(is_by_matrices))
        };
        assert!(offered(Precision::F16, |_| ()));
        assert!(![Precision::F32, Precision::Bf16].iter().any(|precision| offered(*precision, |_| ())));
        let changes: [fn(&mut Capabilities); 5] = [
            |adapter| adapter.features = wgpu::Features::SHADER_F16,
            |adapter| adapter.subgroup = [16, 32],
            |adapter| adapter.subgroup = [0, 0],
            |adapter| adapter.matrices.retain(|of| of.cr_type == wgpu::CooperativeScalarType::F16),
            |adapter| adapter.matrices.retain(|of| of.n_size != of.m_size),
        ];
        assert!(!changes.into_iter().any(|change| offered(Precision::F16, change)));
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
