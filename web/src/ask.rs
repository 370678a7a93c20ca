//! What a network sees of anyone's picture, and says.

use std::path::Path;

use gpu_fmnist::augment::Views;
use gpu_fmnist::data::{Framing, Picture, Pixels, Preparation};
use gpu_fmnist::{Error, LentSamples};
use serde_json::json;

use crate::session::{Request, Session};
use crate::{Answer, host, required};

pub fn predict(session: &Session, request: &Request) -> Answer {
    let (network, device) = (session.network()?, session.device()?);
    let name = required(request.files.first(), "picture")?;
    let shape = network.model.input;
    let framing = match (&session.run, &session.dataset) {
        (Some(run), _) => run.state.framing,
        (None, Some(dataset)) => Framing::of(&dataset.train),
        (None, None) => Framing::default(),
    };
    let preparation = Preparation { shape, invert: request.invert, framing };
    let picture =
        Picture::decode(&host::file(0), &preparation).map_err(|problem| Error::Data(format!("{name}: {problem}")))?;
    let sample = LentSamples { pixels: Pixels::Bytes(&picture.pixels), labels: &[0], shape };
    let config = session.run.as_ref().map(|run| &run.state.config);
    let path = Path::new("the network");
    let (_, predictions) = device.evaluator(network, path, config, sample.into(), Views::default())?.predict(&[0])?;
    let answer = json!({
        "shape": shape,
        "inverted": picture.inverted,
        "names": session.class_names(network),
        "probabilities": predictions.probabilities(0),
    });
    Ok((answer, picture.pixels))
}
