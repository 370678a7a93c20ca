//! What a network sees of anyone's picture, and says.

use gpu_fmnist::data::{Framing, Picture, Pixels, Preparation};
use gpu_fmnist::{Error, LentSamples};
use serde_json::json;

use crate::session::{Request, Session};
use crate::{Answer, host, required};

pub fn predict(session: &Session, request: &Request) -> Answer {
    let network = session.network()?;
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
    let (_, predictions) = session.evaluator(sample)?.predict(&[0])?;
    let answer = json!({
        "shape": shape,
        "inverted": picture.inverted,
        "names": session.class_names(network),
        "probabilities": predictions.probabilities(0),
    });
    Ok((answer, picture.pixels))
}
