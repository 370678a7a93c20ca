//! A run's tiles: a column of the built-in table, and what `gpu-fmnist tune` found to be faster for some products.

use std::collections::BTreeMap;
use std::ops::Not;

use serde::{Deserialize, Serialize};

use super::product::{Cut, Kind, Product};
use super::{Convolution, Fold, Tile, Tiles};
use crate::error::{Error, Result};

/// Which tile each product gets. A run keeps to one tiling from its first step to its last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tiling {
    /// For every product that is not tuned.
    pub table: Tiles,
    /// Whether the table may cut forward products into slots, too. Runs that began before it did go on without.
    #[serde(default, skip_serializing_if = "Not::not")]
    pub split_forward: bool,
    /// By the products' keys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tuned: BTreeMap<String, Cut>,
}

impl From<Tiles> for Tiling {
    /// The table alone.
    fn from(table: Tiles) -> Self {
        Self { table, split_forward: table == Tiles::Gpu, tuned: BTreeMap::new() }
    }
}

impl Tiling {
    pub fn forward(&self, convolution: &Convolution) -> Cut {
        let split = || self.split_forward.then(|| self.table.split_forward(convolution)).flatten();
        let whole = || Cut { tile: self.table.forward(convolution), slots: 1 };
        self.tuned(Kind::Forward, convolution).copied().or_else(split).unwrap_or_else(whole)
    }

    pub fn weight_gradient(&self, convolution: &Convolution) -> Tile {
        let tuned = self.tuned(Kind::WeightGradient, convolution);
        tuned.map_or_else(|| self.table.weight_gradient(convolution), |cut| cut.tile)
    }

    pub fn input_gradient(&self, convolution: &Convolution) -> Tile {
        let tuned = self.tuned(Kind::InputGradient, convolution);
        tuned.map_or_else(|| self.table.input_gradient(convolution), |cut| cut.tile)
    }

    /// See [`Tiles::folds`]: the table alone decides.
    pub fn folds(&self, convolution: &Convolution) -> bool {
        self.table.folds(convolution)
    }

    /// Slots for a weight gradient with that tile.
    pub fn slots(&self, convolution: &Convolution, tile: &Tile) -> usize {
        let tuned = self.tuned(Kind::WeightGradient, convolution);
        tuned.map_or_else(|| self.table.slots(convolution, tile), |cut| cut.slots)
    }

    /// Refuses what no shader can run, since files are not trusted.
    ///
    /// # Errors
    /// [`Error::Data`] naming the product and the rule that its tile breaks.
    pub fn check(&self, convolution: &Convolution) -> Result<()> {
        let products = [
            (Kind::Forward, *convolution),
            (Kind::WeightGradient, *convolution),
            (Kind::InputGradient, *convolution),
            (Kind::InputGradient, Fold::patches(convolution)),
        ];
        for (kind, convolution) in products {
            let product = Product { kind, convolution };
            if let Some(rule) = self.tuned(kind, &convolution).and_then(|cut| product.broken_rule(cut)) {
                return Err(Error::Data(format!(
                    "the tile of {product} is impossible: {rule}; give a checkpoint that 'train' wrote"
                )));
            }
        }
        Ok(())
    }

    fn tuned(&self, kind: Kind, convolution: &Convolution) -> Option<&Cut> {
        self.tuned.get(&Product { kind, convolution: *convolution }.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::convolution_cases::convolutions;
    use super::*;

    #[test]
    fn only_what_is_tuned_differs_from_the_table() {
        let convolutions = convolutions();
        let (tuned, other) = (convolutions[3], convolutions[4]);
        let mut tiling = Tiling::from(Tiles::Gpu);
        for (kind, rows) in [(Kind::Forward, 8), (Kind::WeightGradient, 2), (Kind::InputGradient, 16)] {
            let cut = Cut { tile: Tile { rows, ..Tiles::Gpu.forward(&tuned) }, slots: rows };
            tiling.tuned.insert(Product { kind, convolution: tuned }.to_string(), cut);
        }
        let rows = |tiling: &Tiling, convolution| {
            let forward = tiling.forward(convolution).tile;
            [forward, tiling.weight_gradient(convolution), tiling.input_gradient(convolution)].map(|tile| tile.rows)
        };
        assert_eq!(rows(&tiling, &tuned), [8, 2, 16]);
        assert_eq!(rows(&tiling, &other), rows(&Tiles::Gpu.into(), &other));
        let slots = |convolution| tiling.slots(convolution, &tiling.weight_gradient(convolution));
        let of_the_table = Tiles::Gpu.slots(&other, &Tiles::Gpu.weight_gradient(&other));
        assert_eq!((slots(&tuned), slots(&other)), (2, of_the_table));
    }

    /// What a checkpoint says of its tiles decides the order of sums.
    #[test]
    fn a_run_from_before_forward_products_had_slots_goes_on_without() {
        let convolution = Convolution::dense(512, 5408, 128);
        let read = |text: &str| serde_json::from_str::<Tiling>(text).unwrap();
        let old = read(r#"{"table":"gpu"}"#);
        assert_eq!(old.forward(&convolution), Cut { tile: Tiles::Gpu.forward(&convolution), slots: 1 });
        assert_eq!(serde_json::to_string(&old).unwrap(), r#"{"table":"gpu"}"#);
        let mut new = Tiling::from(Tiles::Gpu);
        assert_eq!(new, read(r#"{"table":"gpu","split_forward":true}"#));
        assert_eq!(read(&serde_json::to_string(&new).unwrap()), new);
        assert_eq!(Some(new.forward(&convolution)), Tiles::Gpu.split_forward(&convolution));
        let cut = Cut { tile: Tiles::Gpu.forward(&convolution), slots: 7 };
        new.tuned.insert(Product { kind: Kind::Forward, convolution }.to_string(), cut);
        assert_eq!(new.forward(&convolution), cut);
        assert_eq!(serde_json::to_string(&Tiling::from(Tiles::Software)).unwrap(), r#"{"table":"software"}"#);
    }

    #[test]
    fn a_tile_that_no_shader_can_run_is_refused() {
        let convolution = convolutions()[3];
        let mut tiling = Tiling::from(Tiles::Gpu);
        tiling.check(&convolution).unwrap();
        let product = Product { kind: Kind::Forward, convolution };
        let cut = Cut { tile: Tile { rows: 0, ..Tiles::Gpu.forward(&convolution) }, slots: 1 };
        tiling.tuned.insert(product.to_string(), cut);
        let error = tiling.check(&convolution).unwrap_err().to_string();
        assert!(error.contains("conv_forward 2x8x8x1 * 3x3 -> 6x6x5 pool 2 is impossible"), "{error}");
    }
}
