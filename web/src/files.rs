//! Files that come and go. None of them is trusted.

use std::path::{Path, PathBuf};

use gpu_fmnist::formats::{self, Checkpoint, Format};
use gpu_fmnist::train::State;
use gpu_fmnist::{Dataset, Error, model};
use serde_json::json;

use crate::session::{Request, Run, Session, about};
use crate::{Answer, host, plain};

/// Takes what was dropped: the four files of a data set; or one with a checkpoint, a network, or a model.
pub fn load(session: &mut Session, request: &Request) -> Answer {
    let files = request.files.iter().enumerate();
    let files: Vec<(PathBuf, Vec<u8>)> = files.map(|(at, name)| (name.into(), host::file(at))).collect();
    match files.as_slice() {
        [] => Err(Error::Usage("no file; drop one onto the page".into())),
        [(name, bytes)] if !is_idx(bytes) => one(session, name, bytes),
        several => {
            let dataset = Dataset::decode(several)?;
            let about = json!({
                "kind_of_file": "data",
                "train": dataset.train.len(),
                "test": dataset.test.len(),
                "shape": dataset.train.shape,
                "classes": dataset.classes(),
                "verified": dataset.verified,
                "notes": dataset.notes,
            });
            session.dataset = Some(dataset);
            plain(about)
        }
    }
}

/// Whether the bytes are of the data's format, or packed, as only data is.
fn is_idx(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b]) || matches!(bytes, [0, 0, 8..=14, 1..=4, ..])
}

fn one(session: &mut Session, name: &Path, bytes: &[u8]) -> Answer {
    let shown = name.display().to_string();
    if name.extension().is_some_and(|ending| ending == "toml") {
        let text = str::from_utf8(bytes).map_err(|_| Error::Data(format!("{shown}: not a text in UTF-8")))?;
        let (model, recipe) = model::parse(&shown, text)?;
        let training = recipe.training;
        return plain(json!({
            "kind_of_file": "model", "model": model.name, "text": text, "summary": model::summary(&model)?,
            "epochs": training.epochs, "batch_size": training.batch_size,
        }));
    }
    // A network's file has no state, which a checkpoint must have.
    if let Ok(checkpoint) = Checkpoint::decode(bytes, &shown)
        && checkpoint.about.contains("\"format_version\"")
    {
        let state = State::parse(&checkpoint, name)?;
        let mut answer = about(&state);
        answer["kind_of_file"] = "checkpoint".into();
        session.keep(Run { state, checkpoint }, &shown)?;
        return plain(answer);
    }
    let network = formats::decode(bytes, &shown, None)?;
    let answer = json!({
        "kind_of_file": "network",
        "model": network.model.name,
        "summary": model::summary(&network.model)?,
        "left_out": network.left_out,
    });
    session.network = Some(network);
    session.run = None;
    plain(answer)
}

/// The network as a file.
pub fn export(session: &Session, request: &Request) -> Answer {
    let mut network = session.network()?.clone();
    network.class_names = session.class_names(&network);
    let unknown = || Error::Usage(format!("{}: no format of networks; reload the page", request.format));
    let format = Format::by_ending(&Path::new("network").with_extension(&request.format)).ok_or_else(unknown)?;
    Ok((json!({ "model": network.model.name }), format.encode(&network)?))
}
