//! The layers that a model has in Keras' files.

use super::pixels::is_of_bytes;
use crate::error::Result;
use crate::layers::{Activate, Activation, Layer, Rescaling};
use crate::model::{IMAGES, Model, Node, Resolved, in_keras_order, resolve};

/// The model's layers in Keras' order, with what makes the file mean the same: a last layer that gives probabilities, since
/// Keras' loss is of those, and a word on pixels where Keras' `Rescaling` alone would seem to be of bytes.
///
/// # Errors
/// See [`resolve`].
pub fn layers(model: &Model) -> Result<Vec<Resolved>> {
    let mut resolved = resolve(model)?;
    // Each by its name, and each saying what it takes: then others can stand between them.
    let mut model = model.clone();
    let names: Vec<String> =
        [IMAGES.to_owned()].into_iter().chain(resolved.iter().map(|one| one.name.clone())).collect();
    for (node, layer) in model.layers.iter_mut().zip(&resolved) {
        node.name = Some(layer.name.clone());
        node.inputs = layer.inputs.iter().map(|&input| names[input].clone()).collect();
    }
    let node = |name: &str, input: &str, layer| {
        let free = (0..).map(|number| if number == 0 { name.to_owned() } else { format!("{name}_{number}") });
        let name = free.into_iter().find(|name| !names.contains(name));
        Node { name, inputs: vec![input.to_owned()], ..Node::from(layer) }
    };
    let mut added = false;
    if let Some(last) = resolved.last()
        && !matches!(last.layer, Layer::Dense(_))
        && last.layer.activation() != Activation::Softmax
    {
        model.layers.push(node("softmax", &last.name, Layer::Activation(Activate::new(Activation::Softmax))));
        added = true;
    }
    let seems_of_bytes = |layer: &Resolved| {
        layer.inputs == [0] && matches!(layer.layer, Layer::Rescaling(Rescaling { scale, .. }) if is_of_bytes(scale))
    };
    if let Some(index) = resolved.iter().position(seems_of_bytes) {
        let unmoved = node("divided", IMAGES, Layer::Rescaling(Rescaling { scale: 1.0, offset: 0.0 }));
        model.layers[index].inputs = unmoved.name.iter().cloned().collect();
        model.layers.insert(index, unmoved);
        added = true;
    }
    if added {
        resolved = resolve(&model)?;
    }
    Ok(in_keras_order(resolved))
}
