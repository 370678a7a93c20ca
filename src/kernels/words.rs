//! A buffer's words.

/// Words of the largest buffer: the shaders count elements in u32, and bytes have to fit, too.
pub const MOST_WORDS: usize = 1 << 30;

/// The buffer's words as numbers.
pub(super) fn floats(words: &[u32]) -> &[f32] {
    bytemuck::cast_slice(words)
}

pub(super) fn floats_mut(words: &mut [u32]) -> &mut [f32] {
    bytemuck::cast_slice_mut(words)
}
