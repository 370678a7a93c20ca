//! The cuts that are worth measuring for a product, on an adapter of one kind and with its limits.

use std::collections::HashSet;

use crate::kernels::{Cut, Kind, Product, Tile, Tiled, Tiles};

/// What each number of a tile may be; every combination is a candidate, but for those that [`suits`] leaves out.
struct Choices {
    threads: Vec<[usize; 2]>,
    /// Rows and columns of a thread.
    products: Vec<[usize; 2]>,
    depths: Vec<usize>,
    chains: Vec<usize>,
    stage_columns: bool,
    /// Workgroups that slots should make.
    slot_workgroups: Vec<usize>,
    /// Whether forward products may have slots, too.
    split_forward: bool,
    /// The most products of a thread between two barriers: a compiler unrolls them all.
    unrolled: usize,
    /// The most values of the right matrix that a thread keeps in registers.
    registers: usize,
}

/// Other cuts for a product than its own, which is the one that the table of that kind of adapter gives: valid by
/// [`Product::broken_rule`], within the limits, and none twice.
pub fn candidates(tiled: &Tiled, table: Tiles, limits: &wgpu::Limits) -> Vec<Cut> {
    let (product, own) = (tiled.product(), tiled.cut());
    let choices = choices(table, &product, &own.tile);
    let mut known = HashSet::from([own]);
    let mut candidates = Vec::new();
    for &threads in &choices.threads {
        for &[rows, columns] in &choices.products {
            for &depth in &choices.depths {
                let share = product.share(threads[0] * threads[1], depth);
                for &chains in &choices.chains {
                    let stage_columns = choices.stage_columns;
                    let tile =
                        Tile { threads, rows, columns, depth, share, stage_columns, chains, keep: own.tile.keep };
                    let cuts = slots(&product, &tile, &choices).into_iter().map(|slots| Cut { tile, slots });
                    let new = cuts.filter(|cut| suits(tiled, cut, &choices, limits) && known.insert(*cut));
                    candidates.extend(new.collect::<Vec<_>>());
                }
            }
        }
    }
    candidates
}

fn choices(table: Tiles, product: &Product, own: &Tile) -> Choices {
    let [_, _, depth] = product.extents();
    // The depth of a weight gradient counts pooled positions, each with all its places.
    let places = if product.kind == Kind::WeightGradient { product.convolution.places() } else { 1 };
    let depths = |depths: &[usize]| depths.iter().map(|depth| (depth / places).max(1)).collect();
    let columns_of_one = |rows: &[usize]| rows.iter().chain([&own.rows]).map(|&rows| [rows, 1]).collect();
    match table {
        Tiles::Gpu => Choices {
            threads: vec![[8, 8], [8, 16], [16, 8], [16, 16], [32, 4], [32, 8]],
            products: vec![[2, 4], [4, 4], [8, 4], [4, 8], [8, 8]],
            // A short sum in one piece, too.
            depths: [depths(&[8, 16, 32]), if depth < 32 { vec![depth] } else { Vec::new() }].concat(),
            chains: vec![1],
            stage_columns: true,
            slot_workgroups: vec![64, 256, 1024],
            split_forward: true,
            unrolled: 1024,
            registers: 128,
        },
        Tiles::Software | Tiles::Cpu => Choices {
            threads: widths(own),
            products: columns_of_one(&[8, 16, 32]),
            // Where the sum is 8 or 9 deep, or a multiple of them, nothing is padded.
            depths: [depths(&[8, 16]), vec![own.depth, if depth.is_multiple_of(9) { 9 } else { 8 }]].concat(),
            chains: vec![2, 4],
            stage_columns: false,
            slot_workgroups: vec![16, 64],
            split_forward: false,
            unrolled: 544,
            registers: 32,
        },
        Tiles::OldSoftware => Choices {
            threads: widths(own),
            products: columns_of_one(&[4, 8, 16]),
            depths: [depths(&[2, 4, 8]), vec![own.depth]].concat(),
            chains: vec![1],
            stage_columns: false,
            slot_workgroups: vec![16, 64],
            split_forward: false,
            unrolled: 64,
            registers: 32,
        },
    }
}

/// The table's width, half and a quarter of it, in whole vectors of eight.
fn widths(own: &Tile) -> Vec<[usize; 2]> {
    let width = own.threads[0];
    let widths = [width, width / 2, width / 4].into_iter().filter(|width| *width > 0 && width.is_multiple_of(8));
    widths.map(|width| [width, 1]).collect()
}

fn slots(product: &Product, tile: &Tile, choices: &Choices) -> Vec<usize> {
    let [rows, columns, depth] = product.extents();
    let workgroups = rows.div_ceil(tile.workgroup_rows()) * columns.div_ceil(tile.workgroup_columns());
    let wanted = |most: usize| choices.slot_workgroups.iter().map(move |wanted| (wanted / workgroups).clamp(1, most));
    match product.kind {
        Kind::WeightGradient => wanted(product.convolution.most_slots()).collect(),
        Kind::Forward if choices.split_forward => {
            let slots = wanted(product.convolution.most_forward_slots());
            slots.map(|slots| tile.forward_slots(depth, slots)).chain([1]).collect()
        }
        Kind::Forward | Kind::InputGradient => vec![1],
    }
}

/// Whether shader, compiler and adapter can take the cut, and most of a workgroup has work.
fn suits(tiled: &Tiled, cut: &Cut, choices: &Choices, limits: &wgpu::Limits) -> bool {
    let (product, tile, tiled) = (tiled.product(), &cut.tile, tiled.with(*cut));
    if product.broken_rule(cut).is_some() {
        return false;
    }
    let [rows, columns, sum] = product.extents();
    let depth = match product.kind {
        Kind::WeightGradient => tile.depth * product.convolution.places(),
        Kind::Forward | Kind::InputGradient => tile.depth,
    };
    let within = |count: usize, limit: u32| count <= limit as usize;
    let most_bytes = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size);
    tile.rows * tile.columns * depth <= choices.unrolled
        && depth * tile.columns <= choices.registers
        && tile.depth < 2 * sum.max(8)
        && tile.workgroup_rows() < 2 * rows.max(32)
        && tile.workgroup_columns() < 2 * columns.max(32)
        && within(tile.threads[0] * tile.threads[1], limits.max_compute_invocations_per_workgroup)
        && within(tile.threads[0], limits.max_compute_workgroup_size_x)
        && within(tile.threads[1], limits.max_compute_workgroup_size_y)
        && within(product.workgroup_bytes(tile), limits.max_compute_workgroup_storage_size)
        && tiled.kernel().workgroups().iter().all(|&count| within(count, limits.max_compute_workgroups_per_dimension))
        && tiled.kernel().words().iter().all(|&words| 4 * words as u64 <= most_bytes)
}

#[cfg(test)]
mod tests {
    use super::super::products;
    use super::*;
    use crate::kernels::specialise;
    use crate::model::{NAMES, notebook};
    use crate::network::Options;

    /// Every product of the three networks with every candidate of every column.
    fn all() -> Vec<(Tiles, Tiled, Vec<Cut>)> {
        let mut all = Vec::new();
        for table in [Tiles::Gpu, Tiles::Software, Tiles::OldSoftware] {
            for (name, batch) in NAMES.into_iter().flat_map(|name| [(name, 512), (name, 3)]) {
                let (model, _) = notebook(name).unwrap();
                for tiled in products(&model, Options::new(batch, table, batch)).unwrap() {
                    let candidates = candidates(&tiled, table, &wgpu::Limits::default());
                    all.push((table, tiled, candidates));
                }
            }
        }
        all
    }

    #[test]
    fn every_candidate_is_valid_and_another() {
        for (table, tiled, candidates) in all() {
            let product = tiled.product();
            assert!((3..400).contains(&candidates.len()), "{table:?} {product}: {} candidates", candidates.len());
            assert!(!candidates.contains(&tiled.cut()), "{table:?} {product}");
            let distinct: HashSet<&Cut> = candidates.iter().collect();
            assert_eq!(distinct.len(), candidates.len(), "{table:?} {product}");
            for cut in &candidates {
                assert_eq!(product.broken_rule(cut), None, "{table:?} {product}: {cut}");
                assert_eq!(tiled.with(*cut).cut(), *cut);
            }
        }
    }

    /// The rules must hold for the built-in table above all.
    #[test]
    fn the_tables_own_cuts_break_no_rule() {
        for (table, tiled, _) in all() {
            assert_eq!(tiled.product().broken_rule(&tiled.cut()), None, "{table:?} {}", tiled.product());
        }
    }

    #[test]
    fn workgroup_memory_is_what_the_shaders_declare() {
        let mut seen = HashSet::new();
        for (table, tiled, candidates) in all() {
            let product = tiled.product();
            if !seen.insert((table, product.kind, product.convolution.pool)) {
                continue;
            }
            for cut in candidates {
                let kernel = tiled.with(cut);
                let text = specialise(kernel.kernel().row().wgsl, &kernel.kernel().constants());
                let module = naga::front::wgsl::parse_str(&text).unwrap();
                let mut layouter = naga::proc::Layouter::default();
                layouter.update(module.to_ctx()).unwrap();
                let shared = module.global_variables.iter().map(|(_, variable)| variable);
                let shared = shared.filter(|variable| variable.space == naga::AddressSpace::WorkGroup);
                let bytes: u32 = shared.map(|variable| layouter[variable.ty].size).sum();
                assert_eq!(product.workgroup_bytes(&cut.tile), bytes as usize, "{product}: {cut}");
            }
        }
        assert!(seen.len() >= 12, "only {} looked at", seen.len());
    }
}
