//! How the winners of a max-pool in a convolution's epilogue are packed.

use super::{Convolution, GemmConfig};

/// Winners that a word holds: each has four bits for the largest element of its window.
const MOST_WINNERS: usize = 8;

/// What a word of `argmax` holds: the winners of some neighbouring pooled positions, of some neighbouring filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgmaxWord {
    pub positions: usize,
    pub filters: usize,
}

impl ArgmaxWord {
    /// For a convolution that has no pool, or whose winners do not share words.
    pub const ONE: Self = Self { positions: 1, filters: 1 };
    /// What breaks where a word has too many winners.
    pub const RULE: &str = "a word of argmax has 8 winners";

    /// As a forward product writes it: the positions of one thread, and as many of its filters as there is room for, a power
    /// of 2 of them.
    pub fn of(convolution: &Convolution, config: &GemmConfig) -> Self {
        let positions = config.rows / convolution.window_elements();
        let room = (MOST_WINNERS / positions.max(1)).max(1);
        Self { positions, filters: 1 << config.columns.trailing_zeros().min(room.ilog2()) }
    }

    /// Images of so many positions each that fill whole words, at the least.
    pub fn images(self, positions: usize) -> usize {
        let whole = |images: &usize| (images * positions).is_multiple_of(self.positions);
        (1..self.positions).find(whole).unwrap_or(self.positions)
    }

    /// Whether a word has room for so many winners.
    pub fn fits(self) -> bool {
        (1..=MOST_WINNERS).contains(&self.positions.saturating_mul(self.filters))
    }

    /// Words of a convolution's `argmax`, `[rows of positions, rows of filters]`; without a pool the binding is there, but
    /// nothing is in it.
    pub fn words(self, convolution: &Convolution) -> usize {
        match convolution.pool {
            1 => 1,
            _ => self.words_of(convolution.positions(), convolution.filters),
        }
    }

    /// Words of so many positions.
    pub fn words_of(self, positions: usize, filters: usize) -> usize {
        positions.div_ceil(self.positions) * filters.div_ceil(self.filters)
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples::pooled;
    use super::*;
    use crate::geometry::Padding;

    #[test]
    fn a_word_holds_what_a_thread_has_and_there_is_room_for() {
        let convolution = pooled(3, [6, 6, 1], [3, 3], [1, 1], Padding::Valid, 9);
        assert_eq!(convolution.positions(), 12);
        for (rows, columns, positions, filters, words) in [
            (16, 2, 4, 2, 3 * 5),
            (8, 4, 2, 4, 6 * 3),
            (4, 6, 1, 2, 12 * 5),
            (4, 16, 1, 8, 12 * 2),
            (32, 1, 8, 1, 2 * 9),
        ] {
            let word = ArgmaxWord::of(&convolution, &GemmConfig { rows, columns, ..GemmConfig::PLAIN });
            assert_eq!(word, ArgmaxWord { positions, filters }, "{rows} x {columns}");
            assert!(word.fits());
            assert_eq!(word.words(&convolution), words, "{rows} x {columns}");
        }
        assert!(!ArgmaxWord::of(&convolution, &GemmConfig { rows: 36, ..GemmConfig::PLAIN }).fits());
        assert!(!ArgmaxWord { positions: 0, filters: 1 }.fits());
    }
}
