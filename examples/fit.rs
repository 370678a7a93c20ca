//! Trains a small network on made-up pictures, keeps it in a file, and asks it again.
//!
//!     cargo run --release --example fit

use std::ops::ControlFlow;

use gpu_fmnist::{Classifier, Config, Device, FitProgress, Result, Samples, model};

const MODEL: &str = r#"
    input = [8, 8, 1]
    layers = [
        { type = "conv2d", filters = 8, kernel = [3, 3], activation = "relu" },
        { type = "max_pool2d", size = [2, 2] },
        { type = "flatten" },
        { type = "dense", units = 2 },
    ]
    training = { epochs = 10, batch_size = 16 }
    schedule = { learning_rate = 5e-3 }
"#;

/// Dark pictures `[N, 8, 8, 1]` with a bright line: lying ones are class 0, standing ones class 1.
fn pictures(count: usize) -> Samples {
    let bright = |number: usize, place: usize| match number % 2 {
        0 => place / 8 == number / 2 % 8,
        _ => place % 8 == number / 2 % 8,
    };
    let images =
        (0..count * 64).map(|at| if bright(at / 64, at % 64) { 200 + (at % 50) as u8 } else { (at % 40) as u8 });
    Samples { images: images.collect(), labels: (0..count).map(|number| number as u8 % 2).collect(), shape: [8, 8, 1] }
}

/// The accuracy of the network that was read from its file.
pub fn run(device: fn() -> Device) -> Result<f64> {
    let path = std::env::temp_dir().join("lines.safetensors");
    let (model, recipe) = model::parse("lines", MODEL)?;
    let config = Config::new(model.clone(), recipe);
    let mut classifier = Classifier::new(device(), model);
    classifier.fit(&pictures(320), &config, &mut |progress| {
        if let FitProgress::Epoch(result) = progress {
            let accuracy = result.val_accuracy.unwrap_or(result.accuracy);
            println!("epoch {}: loss {:.4}, validation accuracy {accuracy:.3}", result.epoch, result.loss);
        }
        ControlFlow::Continue(())
    })?;
    classifier.save(&path)?;
    let (loss, predictions) = Classifier::load(device(), &path)?.evaluate(&pictures(64))?;
    println!("{}: loss {loss:.4}, accuracy {:.3}", path.display(), predictions.top(1));
    Ok(predictions.top(1))
}

fn main() -> Result<()> {
    run(Device::best).map(drop)
}
