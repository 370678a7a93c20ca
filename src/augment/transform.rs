//! What befalls one sample, as a kernel is told.

use bytemuck::{Pod, Zeroable};

/// The shaders' `struct Transform`, field for field: in this order. Boxes are `[top, left, bottom, right]`, the last two
/// beyond them; an empty one is of no pixel.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub struct Transform {
    /// 1: mirrored, left to right.
    pub flip: u32,
    /// Whole pixels down and to the right.
    pub shift: [i32; 2],
    /// Becomes zeros, as the next one does.
    pub cutout: [u32; 4],
    pub erased: [u32; 4],
    /// Which one of its batch, from 0, it is mixed with, as that one's own transform leaves it ahead of mixing.
    pub partner: u32,
    /// Its own part of the mixture, of [`WHOLE`].
    pub own: u32,
    /// Is its partner's alone.
    pub pasted: [u32; 4],
    /// What it keeps of its label; the rest is the partner's.
    pub share: f32,
}

/// Mixtures are of whole parts, so that all their arithmetic is of integers: no device rounds another way.
pub const WHOLE: u32 = 1 << 16;

impl Transform {
    /// 32-bit words of one.
    pub const WORDS: usize = size_of::<Self>() / 4;

    /// What leaves a sample as it is.
    pub const NONE: Self = Self {
        flip: 0,
        shift: [0; 2],
        cutout: [0; 4],
        erased: [0; 4],
        partner: 0,
        own: WHOLE,
        pasted: [0; 4],
        share: 1.0,
    };
}
