//! What a tile is chosen for, a product, and what is chosen, a cut: its key for files, and what makes a cut valid.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

use super::{Convolution, Tile};
use crate::geometry::Window;

/// Which of the three products of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Forward,
    WeightGradient,
    InputGradient,
}

/// One product of a plan. Its text is its key in files: `conv_forward 512x28x28x1 * 3x3 -> 26x26x32 pool 2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Product {
    pub kind: Kind,
    pub convolution: Convolution,
}

/// How a product is cut up: the tile and the slots of a long sum, which suit each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cut {
    #[serde(flatten)]
    pub tile: Tile,
    /// 1 but in weight gradients, and in forward products without a pool.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub slots: usize,
}

fn one() -> usize {
    1
}

fn is_one(slots: &usize) -> bool {
    *slots == 1
}

/// Beyond any tile that a device could run; no product of two such numbers wraps.
const MOST: usize = 1024;
/// Products of a thread between two barriers, four times as many as any device was seen to gain by.
const MOST_UNROLLED: usize = 4096;
/// Places that a word of argmax holds, four bits each.
pub(super) const PLACES_OF_A_WORD: usize = 8;

impl Product {
    /// The rule that `cut` breaks, if any, of those that hold on every adapter:
    ///
    /// - no number of it is 0 or beyond 1,024, nor are its threads together; a thread multiplies at most 4,096 times between
    ///   two barriers, since a compiler unrolls that;
    /// - a weight gradient has at most a slot a position; a forward product has slots only without a pool, and each has a
    ///   tile of the depth; an input gradient has none;
    /// - `share` divides the threads; in `conv_forward` and `conv_input_gradient` it divides `depth`, too, since
    ///   neighbouring threads load a row in equal parts;
    /// - what it cuts up can be addressed;
    /// - in `conv_forward` a thread's rows are whole pooling windows, no more than a word of argmax has places for.
    pub fn broken_rule(&self, cut: &Cut) -> Option<&'static str> {
        if let Some(rule) = self.convolution.broken_rule() {
            return Some(rule);
        }
        let Cut { tile, slots } = cut;
        let Convolution { pool, .. } = self.convolution;
        let numbers = [tile.threads[0], tile.threads[1], tile.rows, tile.columns, tile.depth, tile.share, tile.chains];
        let threads = tile.threads[0].saturating_mul(tile.threads[1]);
        let in_range = numbers.iter().all(|number| (1..=MOST).contains(number)) && threads <= MOST;
        let weight_gradient = self.kind == Kind::WeightGradient;
        let unrolled = || tile.rows * tile.columns * tile.depth * if weight_gradient { pool * pool } else { 1 };
        let depth = self.convolution.depth();
        let none_empty = || (slots - 1).saturating_mul(tile.slot_depth(depth, *slots)) < depth;
        let slots_suit = match self.kind {
            Kind::WeightGradient => (1..=self.convolution.positions()).contains(slots),
            Kind::Forward if pool == 1 => in_range && *slots > 0 && none_empty(),
            Kind::Forward | Kind::InputGradient => *slots == 1,
        };
        let (places, forward) = (self.convolution.places(), self.kind == Kind::Forward);
        let shares_depth = self.kind != Kind::WeightGradient;
        let rules = [
            (in_range, "its numbers are from 1 to 1024"),
            (!in_range || unrolled() <= MOST_UNROLLED, "its products between two barriers are at most 4096"),
            (slots_suit, "its sum has not so many slots"),
            (threads.is_multiple_of(tile.share), "its share divides its threads"),
            (!shares_depth || tile.depth.is_multiple_of(tile.share), "its share divides its depth"),
            (!forward || tile.rows.is_multiple_of(places), "its rows are whole pooling windows"),
            (!forward || pool == 1 || tile.rows / places <= PLACES_OF_A_WORD, "a word of argmax has 8 places"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map(|(_, rule)| rule)
    }

    /// The most threads that can load a row of the left matrix together, or in a weight gradient a position's patch.
    pub fn share(&self, threads: usize, depth: usize) -> usize {
        match self.kind {
            Kind::WeightGradient => Tile::patch_share(threads, depth * self.convolution.places()),
            Kind::Forward | Kind::InputGradient => Tile::row_share(threads, depth),
        }
    }

    /// Bytes of the shader's workgroup memory.
    pub fn workgroup_bytes(&self, tile: &Tile) -> usize {
        let (depth, right) = match self.kind {
            // The depth counts pooled positions, each with all its places. The bias is added up in the right matrix.
            Kind::WeightGradient => {
                let depth = tile.depth * self.convolution.places();
                (depth, depth.max(tile.threads[1]))
            }
            Kind::Forward | Kind::InputGradient => (tile.depth, tile.depth),
        };
        let right = if tile.stage_columns { right * tile.workgroup_columns() } else { 0 } + 1;
        4 * (tile.workgroup_rows() * depth + right)
    }

    /// Rows, columns and depth of the product, as the tile counts them.
    pub fn extents(&self) -> [usize; 3] {
        let Convolution { batch, window: Window { input: [height, width, channels], .. }, filters, .. } =
            self.convolution;
        match self.kind {
            Kind::Forward => [self.convolution.rows(), filters, self.convolution.depth()],
            Kind::WeightGradient => [self.convolution.depth(), filters, self.convolution.positions()],
            Kind::InputGradient => [batch * height * width, channels, filters],
        }
    }
}

impl Display for Product {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let name = match self.kind {
            Kind::Forward => "conv_forward",
            Kind::WeightGradient => "conv_weight_gradient",
            Kind::InputGradient => "conv_input_gradient",
        };
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

impl Display for Cut {
    /// `8x8 of 4x4, 8 deep`: threads, the products of each, and what is not the usual.
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let Tile { threads, rows, columns, depth, chains, .. } = self.tile;
        write!(out, "{}x{} of {rows}x{columns}, {depth} deep", threads[0], threads[1])?;
        if chains > 1 {
            write!(out, ", {chains} chains")?;
        }
        if self.slots > 1 { write!(out, ", {} slots", self.slots) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::convolution_cases::convolutions;
    use super::*;

    const KINDS: [Kind; 3] = [Kind::Forward, Kind::WeightGradient, Kind::InputGradient];

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
            for kind in KINDS {
                let product = Product { kind, convolution };
                let other = known.insert(product.to_string(), product);
                assert!(other.is_none_or(|other| other == product), "{product}: {product:?} and {other:?}");
            }
        }
        assert!(known.len() > 300, "only {} keys", known.len());
    }

    #[test]
    fn keys_read_well() {
        let key = |kind, convolution| Product { kind, convolution }.to_string();
        let convolutions = convolutions();
        assert_eq!(key(Kind::Forward, convolutions[0]), "conv_forward 5x7 -> 3");
        assert_eq!(
            key(Kind::WeightGradient, convolutions[5]),
            "conv_weight_gradient 3x13x13x3 * 3x3 / 2x2 pad 1x1 -> 7x7x16 pool 2"
        );
    }

    #[test]
    fn the_rules_for_cuts_are_told_apart() {
        let (stage_columns, keep) = (false, false);
        let tile = Tile { threads: [8, 2], rows: 8, columns: 1, depth: 4, share: 4, stage_columns, chains: 1, keep };
        let good = Cut { tile, slots: 1 };
        let forward = Product { kind: Kind::Forward, convolution: convolutions()[3] };
        let broken = |change: fn(&mut Cut)| {
            let mut cut = good;
            change(&mut cut);
            forward.broken_rule(&cut).unwrap_or_default()
        };
        assert_eq!(forward.broken_rule(&good), None);
        assert!(broken(|cut| cut.tile.depth = 0).contains("from 1"));
        assert!(broken(|cut| cut.tile.threads = [usize::MAX, usize::MAX]).contains("from 1"));
        assert!(broken(|cut| cut.tile.share = 0).contains("from 1"));
        assert!(broken(|cut| cut.slots = 2).contains("slots"));
        // 130 deep: 33 tiles of 4, which make 11 slots of 3, but not 12, nor 18 of 2.
        let dense = Product { kind: Kind::Forward, convolution: convolutions()[1] };
        let allowed = |slots: &usize| dense.broken_rule(&Cut { slots: *slots, ..good }).is_none();
        assert_eq!((0..40).filter(allowed).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 9, 11, 17, 33]);
        assert!(!allowed(&usize::MAX));
        assert!(broken(|cut| cut.tile.share = 3).contains("divides its threads"));
        assert!(broken(|cut| cut.tile.share = 8).contains("divides its depth"));
        assert!(broken(|cut| cut.tile.rows = 6).contains("whole pooling windows"));
        assert!(broken(|cut| cut.tile.rows = 36).contains("8 places"));
    }
}
