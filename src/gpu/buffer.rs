//! Buffers on a device, and what the host copies out of them.

use crate::error::{Error, Result};

/// A buffer that kernels use and the host copies to and from.
pub(super) fn storage_buffer(device: &wgpu::Device, name: &str, words: usize) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(name),
        size: 4 * words as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC,
        mapped_at_creation: false,
    })
}

pub(super) fn read_back_buffer(device: &wgpu::Device, words: usize) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("read back"),
        size: 4 * words as u64,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

/// The words of a mapped buffer, which is unmapped again.
pub(super) fn take_mapped(buffer: &wgpu::Buffer) -> Result<Vec<u32>> {
    let view = buffer.get_mapped_range(..).map_err(|error| Error::Device(format!("reading back failed: {error}")))?;
    let words = bytemuck::pod_collect_to_vec(&view);
    drop(view);
    buffer.unmap();
    Ok(words)
}
