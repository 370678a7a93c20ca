//! Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
//!
//! A number depends on its place only, (seed, stream, position), never on what was drawn before it. So the GPU, the
//! CPU and a resumed run draw the same numbers. `shaders/dropout.wgsl` has the same generator.

/// What the numbers are for: the fourth word of the counter keeps the streams apart.
#[derive(Clone, Copy)]
pub enum Stream {
    Dropout = 0,
    Initialisation = 1,
    Shuffling = 2,
    Cases = 3,
    #[cfg(feature = "classical")]
    Learners = 4,
    Pictures = 5,
    Augmentation = 6,
    #[cfg(feature = "cli")]
    Sweeps = 7,
}

/// Four random words for one counter and key.
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let first = u64::from(counter[0]) * 0xD251_1F53;
        let second = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [
            (second >> 32) as u32 ^ counter[1] ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ counter[3] ^ key[1],
            first as u32,
        ];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

/// The two words of Philox' key that a seed gives.
pub fn key(seed: u64) -> [u32; 2] {
    [seed as u32, (seed >> 32) as u32]
}

/// A number in [0, 1) with 24 random bits, so that it is exact in f32.
pub fn unit(word: u32) -> f32 {
    (word >> 8) as f32 / 16_777_216.0
}

/// A sequence of random words: `seed` and `number` (of a tensor, of an epoch) choose which.
pub struct Sequence {
    key: [u32; 2],
    number: u32,
    item: u32,
    stream: Stream,
    block: u32,
    words: [u32; 4],
    used: usize,
}

impl Sequence {
    pub fn new(seed: u64, stream: Stream, number: u32) -> Self {
        Self { key: key(seed), number, item: 0, stream, block: 0, words: [0; 4], used: 4 }
    }

    /// The same for one of many items, a sample say, from its block of four words at `block` on.
    pub fn of(self, item: u32, block: u32) -> Self {
        Self { item, block, used: 4, ..self }
    }

    pub fn word(&mut self) -> u32 {
        if self.used == 4 {
            self.words = philox([self.block, self.item, self.number, self.stream as u32], self.key);
            self.block += 1;
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// Uniform in [0, 1), with 53 random bits.
    pub fn fraction(&mut self) -> f64 {
        let bits = u64::from(self.word()) << 32 | u64::from(self.word());
        (bits >> 11) as f64 / 9_007_199_254_740_992.0
    }

    /// Standard normal, from two fractions (Box and Muller, 1958).
    pub fn normal(&mut self) -> f64 {
        // From above 0, whose logarithm is none.
        let radius = (-2.0 * libm::log(1.0 - self.fraction())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.fraction())
    }

    /// Uniform in [-limit, limit).
    pub fn symmetric(&mut self, limit: f32) -> f32 {
        (2.0 * unit(self.word()) - 1.0) * limit
    }

    /// Uniform in 0..bound without bias: words of the incomplete last interval are drawn again (Lemire, 2019).
    pub fn below(&mut self, bound: u32) -> u32 {
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.word()) * u64::from(bound);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// Fisher and Yates' shuffle in place.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that come with the authors' Random123 library (`kat_vectors`, philox4x32 10).
    #[test]
    fn philox_gives_the_known_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        assert_eq!(philox(pi, [0xa409_3822, 0x299f_31d0]), [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]);
    }

    #[test]
    fn shuffling_keeps_every_item_and_depends_on_the_seed() {
        let shuffled = |seed| {
            let mut items: Vec<u32> = (0..1000).collect();
            Sequence::new(seed, Stream::Shuffling, 0).shuffle(&mut items);
            items
        };
        let mut sorted = shuffled(1);
        assert_ne!(sorted, shuffled(2));
        assert_eq!(sorted, shuffled(1));
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(0..1000));
    }
}
