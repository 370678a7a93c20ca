//! An opened adapter, and what it says of its own accord: that it is lost, or out of memory.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Adapter;
use super::waiting::block_on;
use crate::error::{Error, Result};
use crate::gemm::Variant;

/// How long the device may be silent. A submission takes a second; the largest batch on a CPU that poses as a GPU, a minute.
const PATIENCE: Duration = Duration::from_secs(600);

/// An opened adapter.
pub(super) struct Device {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    /// Whether it is SwiftShader, which has its shaders its own way.
    pub is_swiftshader: bool,
    /// The first error that the driver or wgpu reported outside of any call.
    problem: Arc<Mutex<Option<Error>>>,
}

impl Device {
    /// # Errors
    /// [`Error::Device`] where the adapter's driver refuses.
    pub fn open(adapter: &Adapter) -> Result<Self> {
        let (device, queue) = adapter.request(&wgpu::DeviceDescriptor {
            label: Some("gpu-fmnist"),
            required_limits: adapter.limits(),
            // The device's own clock, to time passes by; activations in f16; what the products' kernels can make use of.
            required_features: adapter.features()
                & (wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::SHADER_F16 | Variant::all_features()),
            // Safety: what is experimental is used by the products for matrix units alone, which `kernels::checks` holds to
            // their buffers and tiles as it does the others, and which a subgroup runs without a branch of its threads.
            experimental_features: unsafe { wgpu::ExperimentalFeatures::enabled() },
            ..Default::default()
        })?;
        let problem = Arc::new(Mutex::new(None));
        let report = |problem: &Mutex<Option<Error>>, error: Error| {
            if let Ok(mut first) = problem.lock() {
                first.get_or_insert(error);
            }
        };
        let (on_error, on_loss) = (problem.clone(), problem.clone());
        device.on_uncaptured_error(Arc::new(move |error| report(&on_error, refused(&error))));
        device.set_device_lost_callback(move |reason, message| {
            if reason != wgpu::DeviceLostReason::Destroyed {
                report(&on_loss, lost(&message));
            }
        });
        Ok(Device { device, queue, is_swiftshader: adapter.is_swiftshader(), problem })
    }

    /// The first error reported since the last check, if any.
    pub fn check(&self) -> Result<()> {
        match self.problem.lock().ok().and_then(|mut problem| problem.take()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Waits for a submission, or for all.
    pub fn wait(&self, index: Option<wgpu::SubmissionIndex>) -> Result<()> {
        self.wait_at_most(PATIENCE, index)
    }

    /// Waits for what a submission gives back when it is done.
    pub fn wait_for<T>(&self, index: wgpu::SubmissionIndex, answer: impl Future<Output = T>) -> Result<T> {
        // A browser goes on by itself, and says when all submissions are done but not when one is.
        if !cfg!(target_family = "wasm") {
            self.wait(Some(index))?;
        }
        let answer = block_on(answer);
        self.check()?;
        Ok(answer)
    }

    #[cfg(target_family = "wasm")]
    fn wait_at_most(&self, _: Duration, _: Option<wgpu::SubmissionIndex>) -> Result<()> {
        let (sender, done) = futures_intrusive::channel::shared::oneshot_channel();
        self.queue.on_submitted_work_done(move || drop(sender.send(())));
        block_on(done.receive());
        self.check()
    }

    #[cfg(not(target_family = "wasm"))]
    fn wait_at_most(&self, patience: Duration, index: Option<wgpu::SubmissionIndex>) -> Result<()> {
        let waited = self.device.poll(wgpu::PollType::Wait { submission_index: index, timeout: Some(patience) });
        self.check()?;
        waited.map(drop).map_err(|error| match error {
            wgpu::PollError::Timeout => {
                let problem = format!("the device has not answered for {} s", patience.as_secs());
                Error::Device(format!("{problem}; use a smaller `micro_batch`, or restart its driver"))
            }
            error => Error::Device(format!("waiting for the device failed: {error}")),
        })
    }
}

/// A browser frees what is on its device when it collects its garbage, and knows nothing of how much that is.
#[cfg(target_family = "wasm")]
impl Drop for Device {
    fn drop(&mut self) {
        self.device.destroy();
    }
}

/// What wgpu or the driver refused outside of any call.
fn refused(error: &wgpu::Error) -> Error {
    Error::Device(match error {
        wgpu::Error::OutOfMemory { .. } => {
            "the device is out of memory; use a smaller `batch_size` or `micro_batch`".to_owned()
        }
        _ => format!("the device refused the work: {}", error.to_string().replace('\n', " ")),
    })
}

/// A driver that was reset, a GPU that was unplugged, or a machine that slept.
fn lost(message: &str) -> Error {
    Error::Device(format!("the device was lost: {}", message.trim().replace('\n', " ")))
}

#[cfg(test)]
mod tests {
    use super::super::adapters;
    use super::super::buffer::storage_buffer;
    use super::*;

    fn opened() -> Device {
        let adapters = adapters();
        Device::open(adapters.first().expect("no adapter: run the tests by scripts/test")).unwrap()
    }

    #[test]
    fn a_device_that_does_not_answer_is_not_waited_for() {
        let device = opened();
        let large = 4_000_000;
        let [from, to] = ["source", "copy"].map(|name| storage_buffer(&device.device, name, large));
        let mut encoder = device.device.create_command_encoder(&Default::default());
        for _ in 0..100 {
            encoder.copy_buffer_to_buffer(&from, 0, &to, 0, 4 * large as u64);
        }
        let index = device.queue.submit([encoder.finish()]);
        let error = device.wait_at_most(Duration::ZERO, Some(index.clone())).unwrap_err();
        assert!(matches!(&error, Error::Device(text) if text.contains("has not answered for 0 s")), "{error}");
        device.wait(Some(index)).unwrap();
    }

    #[test]
    fn a_device_that_is_lost_says_so_once() {
        let device = opened();
        *device.problem.lock().unwrap() = Some(lost("reset\nby the driver "));
        let error = device.wait(None).unwrap_err();
        assert!(matches!(&error, Error::Device(text) if text == "the device was lost: reset by the driver"), "{error}");
        device.check().unwrap();
    }
}
