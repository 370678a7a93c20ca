//! Bytes on their way into a device's buffers of words.

use crate::error::Result;
use crate::plan::{BufferId, Executor};

/// Words of one write: all images at once would be in memory twice.
const UPLOAD: usize = 1 << 20;

/// Writes runs of bytes into a buffer, one behind the other, as [`words`].
pub fn upload<const N: usize>(executor: &mut dyn Executor, buffer: BufferId, runs: [&[u8]; N]) -> Result<()> {
    let bytes: usize = runs.iter().map(|run| run.len()).sum();
    for first in (0..bytes.div_ceil(4)).step_by(UPLOAD) {
        let (mut skipped, mut left) = (4 * first, 4 * UPLOAD);
        let parts = runs.map(|run| {
            let start = skipped.min(run.len());
            let end = run.len().min(start + left);
            (skipped, left) = (skipped - start, left - (end - start));
            &run[start..end]
        });
        executor.write_at(buffer, first, &words(parts.into_iter()))?;
    }
    Ok(())
}

/// Runs of bytes as words, four bytes in each, the first one lowest.
pub fn words<'a>(runs: impl Iterator<Item = &'a [u8]> + Clone) -> Vec<u32> {
    let bytes: usize = runs.clone().map(<[u8]>::len).sum();
    let mut words = vec![0; bytes.div_ceil(4)];
    let mut rest: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
    for run in runs {
        let (target, later) = rest.split_at_mut(run.len());
        target.copy_from_slice(run);
        rest = later;
    }
    words
}
