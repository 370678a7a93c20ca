//! Runs dispatches one after the other and says when each began and ended.

use std::ops::Range;

use web_time::Instant;

use super::buffer::{read_back_buffer, take_mapped};
use super::device::Device;
use super::pipeline::Dispatch;
use crate::error::Result;
use crate::plan::{Clock, Timeline};

/// Runs `batches` times the dispatches, each timed by the device's clock, or by the host's where it has none.
pub(super) fn time(device: &Device, dispatches: &[Dispatch], batches: usize) -> Result<Timeline> {
    let dispatches: Vec<&Dispatch> = (0..batches).flat_map(|_| dispatches).collect();
    // What was written before is not part of the submission.
    device.queue.submit([]);
    device.wait(None)?;
    let submitted = Instant::now();
    let (mut passes, clock) = match device.device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
        true => (by_device(device, &dispatches)?, Clock::Device),
        false => (by_host(device, &dispatches)?, Clock::Host),
    };
    let wall = submitted.elapsed();
    let first = passes.first().map_or(0.0, |pass| pass.start);
    passes.iter_mut().for_each(|pass| *pass = pass.start - first..pass.end - first);
    Ok(Timeline { passes, clock, submitted, wall })
}

/// Nanoseconds of the device's clock. Each dispatch is a compute pass of its own, since a device need only tell the
/// time between passes.
fn by_device(device: &Device, dispatches: &[&Dispatch]) -> Result<Vec<Range<f64>>> {
    const PASSES: usize = wgpu::QUERY_SET_MAX_QUERIES as usize / 2;
    let mut encoder = device.device.create_command_encoder(&Default::default());
    let mut targets = Vec::new();
    for dispatches in dispatches.chunks(PASSES) {
        let queries = 2 * dispatches.len() as u32;
        let times = device.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("times"),
            ty: wgpu::QueryType::Timestamp,
            count: queries,
        });
        for (start, dispatch) in (0..).step_by(2).zip(dispatches) {
            let timestamp_writes = wgpu::ComputePassTimestampWrites {
                query_set: &times,
                beginning_of_pass_write_index: Some(start),
                end_of_pass_write_index: Some(start + 1),
            };
            let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes: Some(timestamp_writes) };
            dispatch.record(&mut encoder.begin_compute_pass(&descriptor));
        }
        let resolved = device.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("times"),
            size: 8 * u64::from(queries),
            usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
            mapped_at_creation: false,
        });
        let target = read_back_buffer(&device.device, 2 * queries as usize);
        encoder.resolve_query_set(&times, 0..queries, &resolved, 0);
        encoder.copy_buffer_to_buffer(&resolved, 0, &target, 0, target.size());
        targets.push(target);
    }
    device.queue.submit([encoder.finish()]);
    targets.iter().for_each(|target| target.map_async(wgpu::MapMode::Read, .., |_| {}));
    device.wait(None)?;
    let mut ticks = Vec::new();
    for target in &targets {
        ticks.extend(take_mapped(target)?.chunks_exact(2).map(|pair| u64::from(pair[1]) << 32 | u64::from(pair[0])));
    }
    // Counted from the first tick in whole numbers: a device may have been up for more nanoseconds than f64 tells apart.
    let period = f64::from(device.queue.get_timestamp_period());
    let first = ticks.first().copied().unwrap_or(0);
    let since = |tick: u64| tick.wrapping_sub(first) as i64 as f64 * period;
    Ok(ticks.chunks_exact(2).map(|pair| since(pair[0])..since(pair[1])).collect())
}

/// Nanoseconds of the host's clock around submissions of one dispatch each.
fn by_host(device: &Device, dispatches: &[&Dispatch]) -> Result<Vec<Range<f64>>> {
    let first = Instant::now();
    let mut passes = Vec::new();
    for dispatch in dispatches {
        let start = first.elapsed().as_nanos() as f64;
        let mut encoder = device.device.create_command_encoder(&Default::default());
        dispatch.record(&mut encoder.begin_compute_pass(&Default::default()));
        let index = device.queue.submit([encoder.finish()]);
        device.wait(Some(index))?;
        passes.push(start..first.elapsed().as_nanos() as f64);
    }
    Ok(passes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::adapters;
    use crate::gpu::buffer::storage_buffer;
    use crate::gpu::pipeline::{Bound, prepare};
    use crate::kernels::CeilingArithmetic;

    /// Passes do not overlap, and a pass with a hundred times the work takes longer; by either clock.
    #[test]
    fn passes_are_timed_one_after_the_other() {
        let adapters = adapters();
        let adapter = adapters.first().expect("no adapter: run the tests by scripts/test");
        let device = Device::open(adapter).unwrap();
        let kernels = [1, 1000].map(|rounds| CeilingArithmetic { workgroups: 64, rounds });
        let [line, sums] = [2, kernels[0].sums()].map(|words| storage_buffer(&device.device, "timed", words));
        let bound = || [&line, &sums].map(wgpu::Buffer::as_entire_buffer_binding).to_vec();
        let passes: Vec<Bound> = kernels.iter().map(|kernel| Bound { kernel, buffers: bound() }).collect();
        let dispatches = prepare(&device, &passes).unwrap();
        let twice: Vec<&Dispatch> = dispatches.iter().chain(&dispatches).collect();
        for passes in [by_device(&device, &twice).unwrap(), by_host(&device, &twice).unwrap()] {
            assert!(passes.iter().all(|pass| pass.start < pass.end), "{passes:?}");
            assert!(passes.windows(2).all(|pair| pair[0].end <= pair[1].start), "{passes:?}");
            let length = |number: usize| passes[number].end - passes[number].start;
            assert!(length(3) > 5.0 * length(2), "{passes:?}");
        }
        let timeline = time(&device, &dispatches, 3).unwrap();
        assert_eq!((timeline.passes.len(), timeline.passes[0].start), (6, 0.0));
        assert!(timeline.passes[5].end <= timeline.wall.as_nanos() as f64);
    }
}
