//! What a configuration is chosen for, one product of one convolution: its key for files, and what makes a configuration
//! of it valid.

use std::fmt::{self, Display};

use super::{ArgmaxWord, Convolution, GemmConfig};
use crate::geometry::Window;

/// Which of the three products of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GemmKind {
    /// Patches `[rows, depth]` times kernel `[depth, filters]`.
    Forward,
    /// Patches, transposed `[depth, positions]`, times the output's gradient `[positions, filters]`.
    WeightGradient,
    /// The output's gradient `[rows, filters]` times the kernel, transposed `[filters, channels]`, for each tap.
    InputGradient,
}

/// One product of a plan. Its text is its key in files: `conv_forward 512x28x28x1 * 3x3 -> 26x26x32 pool 2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GemmProblem {
    pub kind: GemmKind,
    pub convolution: Convolution,
}

/// Beyond any configuration that a device could run; no product of two such numbers wraps.
const MOST: usize = 1024;
/// Multiply-adds of a thread between two barriers, four times as many as any device was seen to gain by.
const MOST_UNROLLED: usize = 4096;

impl GemmKind {
    pub const ALL: [Self; 3] = [Self::Forward, Self::WeightGradient, Self::InputGradient];

    /// As files have it, whichever kernel computes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "conv_forward",
            Self::WeightGradient => "conv_weight_gradient",
            Self::InputGradient => "conv_input_gradient",
        }
    }
}

impl GemmProblem {
    pub fn new(kind: GemmKind, convolution: &Convolution) -> Self {
        Self { kind, convolution: *convolution }
    }

    /// The rule that `config` breaks, if any, of those that hold on every adapter:
    ///
    /// - no number of it is 0 or beyond 1,024, nor are its threads together; a thread multiplies at most 4,096 times between
    ///   two barriers, since a compiler unrolls that;
    /// - a weight gradient has at most a partition a position; a forward product has partitions only without a pool, and
    ///   each has a tile of the depth; an input gradient has one;
    /// - the threads per row divide the threads; in forward products and input gradients they divide `depth`, too, since
    ///   neighbouring threads load a row in equal parts;
    /// - what it divides can be addressed;
    /// - where B goes through workgroup memory a thread has one accumulator for each output;
    /// - in a forward product a thread's rows are whole pooling windows, no more than a word of argmax has room for;
    /// - matrix units multiply fragments of 8 x 8 or 16 x 16, in which both tiles come, out of workgroup memory; subgroups
    ///   share out the threads and, in whole fragments, the tile's rows and columns. Nothing else has subgroups;
    /// - Winograd's filtering has a window that it suits, and no matrix units.
    pub fn broken_rule(&self, config: &GemmConfig) -> Option<&'static str> {
        if let Some(rule) = self.convolution.broken_rule() {
            return Some(rule);
        }
        let GemmConfig {
            threads: [x, y],
            rows,
            columns,
            depth,
            threads_per_row,
            accumulators,
            partitions,
            matrix,
            subgroups: [across, down],
            ..
        } = *config;
        let Convolution { pool, .. } = self.convolution;
        let threads = config.workgroup_threads();
        let numbers = [x, y, rows, columns, depth, threads_per_row, accumulators, across, down];
        let in_range = numbers.iter().all(|number| (1..=MOST).contains(number)) && threads <= MOST;
        let sum = self.convolution.depth();
        let none_empty = || (partitions - 1).saturating_mul(config.partition_depth(sum)) < sum;
        let partitions_suit = match self.kind {
            GemmKind::WeightGradient => (1..=self.convolution.positions()).contains(&partitions),
            GemmKind::Forward if pool == 1 => in_range && partitions > 0 && none_empty(),
            GemmKind::Forward | GemmKind::InputGradient => partitions == 1,
        };
        let (window, forward) = (self.convolution.window_elements(), self.kind == GemmKind::Forward);
        let rows_of_a = self.kind != GemmKind::WeightGradient;
        let whole = || {
            let (rows, columns) = (config.workgroup_rows(), config.workgroup_columns());
            let mut sides = [(rows, down), (columns, across), (self.tile_depth(config), 1)].into_iter();
            let is_whole = |(side, parts): (usize, usize)| side.is_multiple_of(parts * matrix);
            [8, 16].contains(&matrix) && config.stage_b && sides.all(is_whole)
        };
        let rules = [
            (in_range, "its numbers are from 1 to 1024"),
            (!in_range || self.unrolled(config) <= MOST_UNROLLED, "its products between two barriers are at most 4096"),
            (partitions_suit, "its sum has not so many partitions"),
            (threads.is_multiple_of(threads_per_row), "its threads per row divide its threads"),
            (!rows_of_a || depth.is_multiple_of(threads_per_row), "its threads per row divide its depth"),
            (!config.stage_b || accumulators == 1, "it has one accumulator where B goes through workgroup memory"),
            (!forward || rows.is_multiple_of(window), "its rows are whole pooling windows"),
            (!forward || pool == 1 || ArgmaxWord::of(&self.convolution, config).fits(), ArgmaxWord::RULE),
            (!in_range || threads.is_multiple_of(across * down), "its subgroups divide its threads"),
            (matrix > 0 || [across, down] == [1; 2], "its subgroups are for matrix units alone"),
            (!config.winograd || matrix == 0 && self.winograd_tiles().is_some(), "it can be filtered"),
            (!in_range || matrix == 0 || whole(), "its tiles are whole fragments of 8 or 16, in workgroup memory"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map(|(_, rule)| rule)
    }

    /// Terms of the sum between two barriers: in a weight gradient every position has all elements of its window.
    pub fn tile_depth(&self, config: &GemmConfig) -> usize {
        match self.kind {
            GemmKind::WeightGradient => config.depth * self.convolution.window_elements(),
            GemmKind::Forward | GemmKind::InputGradient => config.depth,
        }
    }

    /// Multiply-adds of a thread between two barriers, which a compiler unrolls.
    pub fn unrolled(&self, config: &GemmConfig) -> usize {
        config.rows * config.columns * self.tile_depth(config)
    }

    /// The most threads that can load a row of A's tile together, each an equal part; in a weight gradient a patch.
    pub fn threads_per_row(&self, config: &GemmConfig) -> usize {
        let (threads, depth) = (config.workgroup_threads(), self.tile_depth(config));
        match self.kind {
            GemmKind::WeightGradient if threads.is_multiple_of(depth) => threads / depth,
            GemmKind::WeightGradient => 1,
            GemmKind::Forward | GemmKind::InputGradient => greatest_common_divisor(threads, depth),
        }
    }

    /// Bytes of the shader's workgroup memory.
    pub fn workgroup_bytes(&self, config: &GemmConfig) -> usize {
        let depth = self.tile_depth(config);
        let rows_of_b = match self.kind {
            // The bias is added up in B's tile, which has a row for each row of threads then.
            GemmKind::WeightGradient => depth.max(config.threads[1]),
            GemmKind::Forward | GemmKind::InputGradient => depth,
        };
        let (rows, columns) = (config.workgroup_rows(), config.workgroup_columns());
        // What is between the rows of a tile that is written transposed: `APART` in the shaders.
        let apart = |transposed: bool| match config.matrix {
            _ if !transposed => 0,
            0 => 4,
            _ => 8,
        };
        let a = depth * (rows + apart(config.stage_b && self.kind != GemmKind::WeightGradient));
        let b = rows_of_b * (columns + apart(self.kind == GemmKind::InputGradient));
        match (config.matrix, config.stage_b) {
            // Arrays have a length of 1 at the least.
            (0, staged) => size_of::<f32>() * (a + if staged { b } else { 0 } + 1),
            // In f16, and the sums in f32.
            _ => size_of::<u16>() * (a + b) + size_of::<f32>() * rows * columns,
        }
    }

    /// Rows, columns and depth of the product, as a configuration counts them.
    pub fn extents(&self) -> [usize; 3] {
        let Convolution { batch, window: Window { input: [height, width, channels], .. }, filters, .. } =
            self.convolution;
        match self.kind {
            GemmKind::Forward => [self.convolution.rows(), filters, self.convolution.depth()],
            GemmKind::WeightGradient => [self.convolution.depth(), filters, self.convolution.positions()],
            GemmKind::InputGradient => [batch * height * width, channels, filters],
        }
    }

    /// Workgroups of one partition.
    pub fn workgroups(&self, config: &GemmConfig) -> usize {
        let [rows, columns, _] = self.extents();
        config.workgroups(rows, columns)
    }

    /// Partitions whose sums have at least so many terms: a pool needs whole sums.
    pub fn most_partitions(&self, least_terms: usize) -> usize {
        let [_, _, sum] = self.extents();
        match self.kind {
            GemmKind::WeightGradient => (sum / least_terms).max(1),
            GemmKind::Forward if self.convolution.pool == 1 => (sum / least_terms).max(1),
            GemmKind::Forward | GemmKind::InputGradient => 1,
        }
    }
}

fn greatest_common_divisor(one: usize, other: usize) -> usize {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

impl Display for GemmProblem {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let name = self.kind.name();
        let Convolution { batch, window, filters, pool } = self.convolution;
        let Window { size, stride, pad, input: [height, width, channels], output } = window;
        if self.convolution == Convolution::dense(batch, channels, filters) {
            return write!(out, "{name} {batch}x{channels} -> {filters}");
        }
        write!(out, "{name} {batch}x{height}x{width}x{channels} * {}x{}", size[0], size[1])?;
        if stride != [1, 1] {
            write!(out, " / {}x{}", stride[0], stride[1])?;
        }
        if pad != [0, 0] {
            write!(out, " pad {}x{}", pad[0], pad[1])?;
        }
        write!(out, " -> {}x{}x{filters}", output[0], output[1])?;
        if pool > 1 { write!(out, " pool {pool}") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::examples::convolutions;
    use super::*;

    /// Every geometry of the cases, and each with one number changed.
    fn geometries() -> Vec<Convolution> {
        let changes: [fn(&mut Convolution); 12] = [
            |_| (),
            |one| one.batch += 1,
            |one| one.filters += 1,
            |one| one.pool = 3 - one.pool,
            |one| one.window.size[0] += 1,
            |one| one.window.size[1] += 1,
            |one| one.window.stride[0] += 1,
            |one| one.window.stride[1] += 1,
            |one| one.window.pad[1] += 1,
            |one| one.window.input[0] += 1,
            |one| one.window.input[2] += 1,
            |one| one.window.output[1] += 1,
        ];
        let changed = |convolution: Convolution| {
            changes.map(|change| {
                let mut one = convolution;
                change(&mut one);
                one
            })
        };
        convolutions().into_iter().flat_map(changed).collect()
    }

    #[test]
    fn no_two_products_have_the_same_key() {
        let mut known = BTreeMap::new();
        for convolution in geometries() {
            for kind in GemmKind::ALL {
                let product = GemmProblem { kind, convolution };
                let other = known.insert(product.to_string(), product);
                assert!(other.is_none_or(|other| other == product), "{product}: {product:?} and {other:?}");
            }
        }
        assert!(known.len() > 300, "only {} keys", known.len());
    }

    #[test]
    fn keys_read_well() {
        let key = |kind, convolution| GemmProblem { kind, convolution }.to_string();
        let convolutions = convolutions();
        assert_eq!(key(GemmKind::Forward, convolutions[0]), "conv_forward 5x7 -> 3");
        assert_eq!(
            key(GemmKind::WeightGradient, convolutions[5]),
            "conv_weight_gradient 3x13x13x3 * 3x3 / 2x2 pad 1x1 -> 7x7x16 pool 2"
        );
    }

    #[test]
    fn the_rules_for_configurations_are_told_apart() {
        let good = GemmConfig {
            threads: [8, 2],
            rows: 8,
            columns: 1,
            depth: 4,
            threads_per_row: 4,
            stage_b: false,
            accumulators: 1,
            ..GemmConfig::PLAIN
        };
        let forward = GemmProblem::new(GemmKind::Forward, &convolutions()[3]);
        let broken = |change: fn(&mut GemmConfig)| {
            let mut config = good;
            change(&mut config);
            forward.broken_rule(&config).unwrap_or_default()
        };
        assert_eq!(forward.broken_rule(&good), None);
        assert!(broken(|config| config.depth = 0).contains("from 1"));
        assert!(broken(|config| config.threads = [usize::MAX, usize::MAX]).contains("from 1"));
        assert!(broken(|config| config.threads_per_row = 0).contains("from 1"));
        assert!(broken(|config| config.partitions = 2).contains("partitions"));
        // 130 deep: 33 tiles of 4, which make 11 partitions of 3, but not 12, nor 18 of 2.
        let dense = GemmProblem::new(GemmKind::Forward, &convolutions()[1]);
        let allowed = |partitions: &usize| dense.broken_rule(&GemmConfig { partitions: *partitions, ..good }).is_none();
        assert_eq!((0..40).filter(allowed).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 9, 11, 17, 33]);
        assert!(!allowed(&usize::MAX));
        assert!(broken(|config| config.threads_per_row = 3).contains("divide its threads"));
        assert!(broken(|config| config.threads_per_row = 8).contains("divide its depth"));
        assert!(broken(|config| config.rows = 6).contains("whole pooling windows"));
        assert!(broken(|config| config.rows = 36).contains("8 winners"));
        let fragments =
            |config: &mut GemmConfig| *config = GemmConfig { matrix: 8, stage_b: true, depth: 8, ..*config };
        let mut matrix = good;
        fragments(&mut matrix);
        assert_eq!(forward.broken_rule(&matrix), None);
        for wrong in [
            GemmConfig { matrix: 4, ..matrix },
            GemmConfig { stage_b: false, ..matrix },
            GemmConfig { depth: 4, ..matrix },
            GemmConfig { matrix: 16, ..matrix },
            // 16 x 8 outputs.
            GemmConfig { subgroups: [2, 1], ..matrix },
            GemmConfig { subgroups: [1, 4], ..matrix },
        ] {
            assert!(forward.broken_rule(&wrong).unwrap_or_default().contains("whole fragments"), "{wrong}");
        }
        assert_eq!(forward.broken_rule(&GemmConfig { subgroups: [1, 2], ..matrix }), None);
        let shared = |subgroups, config| forward.broken_rule(&GemmConfig { subgroups, ..config }).unwrap_or_default();
        assert!(shared([0, 1], matrix).contains("from 1"));
        assert!(shared([3, 1], matrix).contains("subgroups divide its threads"));
        assert!(shared([1, 2], good).contains("for matrix units alone"));
    }
}
