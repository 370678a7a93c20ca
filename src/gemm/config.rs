//! How a product is computed: the threads of a workgroup, the tile of each, and how the sum is divided.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// A GEMM configuration. Files have it under the names that are given for serde.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GemmConfig {
    /// Threads of a workgroup, along the columns and along the rows.
    pub threads: [usize; 2],
    /// Rows of the product that one thread has; whole pooling windows in a forward product.
    pub rows: usize,
    /// Columns of the product that one thread has.
    pub columns: usize,
    /// Depth of the tiles of A (the left matrix) and B (the right one) that are loaded between two barriers; in a weight
    /// gradient pooled positions, each with all elements of its window.
    pub depth: usize,
    /// Neighbouring threads that load one row of A's tile together; divides the threads, and `depth` too but in weight
    /// gradients.
    #[serde(rename = "share")]
    pub threads_per_row: usize,
    /// Whether B goes through workgroup memory, too; A always does.
    #[serde(rename = "stage_columns")]
    pub stage_b: bool,
    /// Independent sums that a thread's products of one output and tile are added up in.
    #[serde(rename = "chains")]
    pub accumulators: usize,
    /// Whether the shader's loop has a loop-carry barrier: see `loop_carried` in `shaders/common/threads.wgsl`.
    #[serde(rename = "keep")]
    pub loop_carry: bool,
    /// Parts that the sum is divided into (split-K), each added up by other workgroups and written apart: 1 but in weight
    /// gradients, and in forward products without a pool.
    #[serde(rename = "slots", default = "one", skip_serializing_if = "is_one")]
    pub partitions: usize,
    /// Rows and columns of the fragments that matrix units multiply, 8 or 16; 0 where the threads multiply by themselves.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub matrix: usize,
    /// Subgroups of a workgroup, along the columns and along the rows, that share the fragments of its tile: 1 where there
    /// are none.
    #[serde(default = "one_subgroup", skip_serializing_if = "is_one_subgroup")]
    pub subgroups: [usize; 2],
    /// Whether the CPU path computes it by Winograd's minimal filtering. Shaders do not; a profile alone says so.
    #[serde(skip)]
    pub winograd: bool,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

fn one() -> usize {
    1
}

fn is_one(partitions: &usize) -> bool {
    *partitions == 1
}

fn one_subgroup() -> [usize; 2] {
    [1; 2]
}

fn is_one_subgroup(subgroups: &[usize; 2]) -> bool {
    *subgroups == [1; 2]
}

impl GemmConfig {
    /// A thread with one output, and nothing done to be fast: what a configuration has where nothing else is said.
    pub const PLAIN: Self = Self {
        threads: [1, 1],
        rows: 1,
        columns: 1,
        depth: 1,
        threads_per_row: 1,
        stage_b: false,
        accumulators: 1,
        loop_carry: false,
        partitions: 1,
        matrix: 0,
        subgroups: [1; 2],
        winograd: false,
    };

    pub fn workgroup_threads(&self) -> usize {
        self.threads[0].saturating_mul(self.threads[1])
    }

    pub fn workgroup_rows(&self) -> usize {
        self.threads[1] * self.rows
    }

    pub fn workgroup_columns(&self) -> usize {
        self.threads[0] * self.columns
    }

    /// Workgroups that outputs `[rows, columns]` make, each of one partition.
    pub fn workgroups(&self, rows: usize, columns: usize) -> usize {
        rows.div_ceil(self.workgroup_rows()) * columns.div_ceil(self.workgroup_columns())
    }

    /// The depth of every partition but the last where a forward product's sum over `depth` is divided: whole tiles.
    pub fn partition_depth(&self, depth: usize) -> usize {
        self.depth * depth.div_ceil(self.depth).div_ceil(self.partitions)
    }

    /// The configuration with as many partitions of whole tiles, or one or a few less where some would have none.
    pub fn with_forward_partitions(self, depth: usize, partitions: usize) -> Self {
        let wanted = Self { partitions, ..self };
        Self { partitions: depth.div_ceil(wanted.partition_depth(depth)), ..self }
    }
}

impl Display for GemmConfig {
    /// `8x8 of 4x4, 8 deep`: threads, the products of each, and what is not the usual.
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Self { threads, rows, columns, depth, accumulators, partitions, matrix, subgroups: [x, y], .. } = self;
        write!(out, "{}x{} of {rows}x{columns}, {depth} deep", threads[0], threads[1])?;
        if *accumulators > 1 {
            write!(out, ", {accumulators} accumulators")?;
        }
        if *matrix > 0 {
            write!(out, ", matrix units of {matrix}x{matrix}")?;
        }
        if !is_one_subgroup(&[*x, *y]) {
            write!(out, " by {x}x{y} subgroups")?;
        }
        if *partitions > 1 { write!(out, ", {partitions} partitions") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Caches and checkpoints of earlier versions have these names.
    #[test]
    fn files_keep_their_names() {
        let text = r#"{"threads":[8,1],"rows":8,"columns":1,"depth":4,"share":4,"stage_columns":false,"chains":2,"keep":true}"#;
        let config: GemmConfig = serde_json::from_str(text).unwrap();
        let expected = GemmConfig {
            threads: [8, 1],
            rows: 8,
            columns: 1,
            depth: 4,
            threads_per_row: 4,
            stage_b: false,
            accumulators: 2,
            loop_carry: true,
            ..GemmConfig::PLAIN
        };
        assert_eq!(config, expected);
        assert_eq!(serde_json::to_string(&config).unwrap(), text);
        let divided = GemmConfig { partitions: 3, ..config };
        let text = text.replace('}', r#","slots":3}"#);
        assert_eq!(serde_json::to_string(&divided).unwrap(), text);
        assert_eq!(serde_json::from_str::<GemmConfig>(&text).unwrap(), divided);
        assert_eq!(divided.to_string(), "8x1 of 8x1, 4 deep, 2 accumulators, 3 partitions");
        let matrix = GemmConfig { matrix: 8, ..GemmConfig::PLAIN };
        assert_eq!(matrix.to_string(), "1x1 of 1x1, 1 deep, matrix units of 8x8");
        let shared = GemmConfig { subgroups: [2, 1], ..matrix };
        assert_eq!(shared.to_string(), "1x1 of 1x1, 1 deep, matrix units of 8x8 by 2x1 subgroups");
        for config in [matrix, shared] {
            assert_eq!(serde_json::from_str::<GemmConfig>(&serde_json::to_string(&config).unwrap()).unwrap(), config);
        }
        assert!(!serde_json::to_string(&matrix).unwrap().contains("subgroups"));
    }
}
