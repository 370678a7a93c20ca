//! A network that learns to tell images apart, from its first weights to its file.

use std::path::{Path, PathBuf};

use super::{Device, FitProgress, Watcher};
use crate::augment::Views;
use crate::callback::ProgressCallback;
use crate::data::{LentSamples, Pixels, Samples};
use crate::error::{Error, Result};
use crate::evaluate::Predictions;
use crate::formats::{self, Format, Network, write_whole};
use crate::gemm::DeviceClass;
use crate::model::{Model, resolve};
use crate::plan::Initial;
use crate::precision::Precision;
use crate::train::{Config, EpochResult, Evaluator, RunFolder, Setup, Source, State};

/// Where weights are from that no file has.
const TRAINED: &str = "the trained network";

/// A model on a device, with its weights once it was trained or loaded.
pub struct Classifier {
    device: Device,
    network: Network,
    /// Where the weights are from, for messages.
    origin: PathBuf,
}

impl Classifier {
    /// A network that was not trained yet.
    pub fn new(device: Device, model: Model) -> Self {
        Self { device, network: Network::new(model, Vec::new()), origin: TRAINED.into() }
    }

    /// With a network from elsewhere, whose weights may be none.
    ///
    /// # Errors
    /// [`Error::Data`] where the weights are not the model's.
    pub fn of(device: Device, network: Network) -> Result<Self> {
        if !network.tensors.is_empty() {
            network.check(&network.model.name)?;
        }
        Ok(Self { device, network, origin: TRAINED.into() })
    }

    /// The network in a file: safetensors (a checkpoint, too), ONNX that this crate wrote, Keras' .h5 or .keras; or the
    /// last one of a run's folder.
    ///
    /// # Errors
    /// [`Error::Data`] naming the file and what is wrong with it.
    pub fn load(device: Device, path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let origin = match path.is_dir() {
            true => RunFolder::find(path)?.checkpoint_path("last"),
            false => path.to_owned(),
        };
        Ok(Self { device, network: formats::read(&origin, None)?, origin })
    }

    /// Gives it the weights that a training with this seed begins with.
    ///
    /// # Errors
    /// [`Error::Usage`] where the model cannot be, [`Error::Data`] where its weights begin with what the images are.
    pub fn initialise(&mut self, seed: u64) -> Result<()> {
        let model = &self.network.model;
        let layers = resolve(model)?;
        if layers
            .iter()
            .flat_map(|layer| layer.variables())
            .any(|(one, _)| matches!(one.initial, Initial::Whitening(_)))
        {
            let problem = "a kernel begins with what the images are (whitening)";
            return Err(Error::Data(format!("model '{}': {problem}; train it with `fit`", model.name)));
        }
        let black = Samples { images: vec![0; model.input.iter().product()], labels: vec![0], shape: model.input };
        let setup = Setup { seed, ..Setup::new(model, &black, 1, DeviceClass::Cpu) };
        self.network.tensors = setup.initial_weights(|plan| Device::Cpu.executor(plan))?;
        self.origin = TRAINED.into();
        Ok(())
    }

    /// The model, its weights and what else a file would have of the network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Trains on `samples`, of which the configuration holds some out to validate with, and tells what each epoch came
    /// to. Goes on from the weights that there are, else from new ones. Where the callback ends it, the weights are those
    /// of that moment. The configuration's model and tiles are not asked: they are the classifier's and its device's.
    ///
    /// # Errors
    /// [`Error::Usage`] where configuration, model and samples do not fit; [`Error::Diverged`], or what the device
    /// reports. The classifier then is as it was.
    pub fn fit<'a>(
        &mut self,
        samples: impl Into<Source<'a>>,
        config: &Config,
        mut callback: ProgressCallback<FitProgress>,
    ) -> Result<Vec<EpochResult>> {
        self.fit_watched(samples, config, &mut callback)
    }

    /// The same for a watcher, who is told more. Validation data are the second part of the samples, where the
    /// configuration says that there are some.
    ///
    /// # Errors
    /// See [`Classifier::fit`], and what the watcher reports.
    pub fn fit_watched<'a>(
        &mut self,
        samples: impl Into<Source<'a>>,
        config: &Config,
        watcher: &mut dyn Watcher,
    ) -> Result<Vec<EpochResult>> {
        let config = Config { model: self.network.model.clone(), tiles: self.device.class().into(), ..config.clone() };
        config.check()?;
        let mut trainer =
            self.device.trainer(State::new(config, Vec::new(), self.device.identity()), samples.into())?;
        if !self.network.tensors.is_empty() {
            trainer.start_from(&self.network.tensors, &self.origin)?;
        }
        while !trainer.state().is_complete() {
            let (epoch, mut ended) = (trainer.state().epoch + 1, false);
            let finished = trainer.epoch(&mut |metrics| {
                let flow = watcher.steps(epoch, metrics);
                ended |= flow.is_break();
                flow
            })?;
            let Some(finished) = finished else { break };
            if watcher.epoch(&finished, &mut trainer)?.is_break() || ended {
                break;
            }
        }
        trainer.restore_best_weights()?;
        self.network.tensors = trainer.weights()?;
        self.origin = TRAINED.into();
        Ok(trainer.state().history.clone())
    }

    /// Mean loss on labelled samples, and the probabilities of their classes.
    ///
    /// # Errors
    /// [`Error::Usage`] where it was neither trained nor loaded, [`Error::Data`] where the samples are not the model's.
    pub fn evaluate<'a>(&self, samples: impl Into<Source<'a>>) -> Result<(f64, Predictions)> {
        let samples = samples.into();
        let numbers: Vec<u32> = (0..samples.len() as u32).collect();
        self.evaluator(samples)?.predict(&numbers)
    }

    /// The probabilities of the classes of images, bytes `[N, H, W, C]` of the model's input.
    ///
    /// # Errors
    /// [`Error::Data`] where the bytes are no whole images; else see [`Classifier::evaluate`].
    pub fn predict(&self, images: &[u8]) -> Result<Predictions> {
        self.predict_pixels(Pixels::Bytes(images))
    }

    /// The same of bytes or numbers.
    ///
    /// # Errors
    /// See [`Classifier::predict`].
    pub fn predict_pixels(&self, pixels: Pixels) -> Result<Predictions> {
        self.whole_images(pixels, |samples| Ok(self.evaluate(samples)?.1))
    }

    /// Asks about images, whose classes are not known: nothing comes of their labels.
    fn whole_images<T>(&self, pixels: Pixels, ask: impl FnOnce(LentSamples) -> Result<T>) -> Result<T> {
        let shape = self.network.model.input;
        let size = shape.iter().product::<usize>().max(1);
        if !pixels.len().is_multiple_of(size) {
            let (values, unit) = (pixels.len(), if pixels.are_floats() { "numbers" } else { "bytes" });
            return Err(Error::Data(format!(
                "{values} {unit} are no whole images of {shape:?} [H, W, C]; give all of them"
            )));
        }
        ask(LentSamples { pixels, labels: &vec![0; pixels.len() / size], shape })
    }

    /// The logits `[N, C]` of images, before the softmax that makes probabilities of them.
    ///
    /// # Errors
    /// See [`Classifier::predict`].
    pub fn logits(&self, pixels: Pixels) -> Result<Vec<f32>> {
        self.whole_images(pixels, |samples| {
            let numbers: Vec<u32> = (0..samples.len() as u32).collect();
            self.evaluator(samples)?.logits(&numbers)
        })
    }

    fn evaluator<'a>(&self, samples: impl Into<Source<'a>>) -> Result<Evaluator<'a>> {
        let network = self.trained()?;
        self.device.evaluator(network, &self.origin, None, Precision::F32, samples.into(), Views::default())
    }

    /// Writes the network into a file, whose format its ending says: .safetensors, .onnx, .h5, .keras, .npz.
    ///
    /// # Errors
    /// [`Error::Usage`] for another ending, and where it was neither trained nor loaded; [`Error::Failed`] where the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let unknown = || {
            let endings = Format::ALL.map(|format| format!(".{}", format.extension())).join(", ");
            Error::Usage(format!("{}: its ending is no format's; give one of {endings}", path.display()))
        };
        write_whole(path, &Format::by_ending(path).ok_or_else(unknown)?.encode(self.trained()?)?)
    }

    fn trained(&self) -> Result<&Network> {
        if self.network.tensors.is_empty() {
            let problem = format!("model '{}' has no weights yet", self.network.model.name);
            return Err(Error::Usage(format!("{problem}; train it with `fit`, or `load` a network")));
        }
        Ok(&self.network)
    }
}
