//! Networks in other programs' ONNX files. Nodes are read in the file's order, in which each stands after those that it
//! reads. What they compute becomes layers here; how they turn and flatten their values is only another view of ours
//! ([`view`]), so files with channels first and files with channels last give the same network.
//!
//! The operators are those of <https://onnx.ai/onnx/operators/>.

mod constant;
mod dispatch;
mod elementwise;
mod external;
mod file;
mod folding;
mod images;
mod joins;
mod layers;
mod pools;
mod products;
mod view;
mod views;
mod walk;
mod window;

use std::path::Path;

use external::External;
use file::{File, REMEDY};
use images::{Images, Input, images};
use view::Dim;
use walk::{Form, Operand, Walk};

use crate::formats::Network;
use crate::formats::network::plain;
use crate::formats::onnx::shown::Found;

/// The network in the file, called as the file without its ending. `folder` is where the file lies, if anywhere.
pub fn decode(bytes: &[u8], name: &str, folder: Option<&Path>) -> Found<Network> {
    let external = External::read(bytes, folder)?;
    let file = File::of(bytes, &external)?;
    let (input, ways) = images(&file)?;
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
    let name = plain(&stem);
    // What is said of a file that cannot be read is of the way that leads farthest.
    let mut farthest = (0, String::new());
    for images in ways {
        match network(&file, images, input, &name) {
            Ok(network) => return Ok(network),
            Err((nodes, problem)) if nodes > farthest.0 || farthest.1.is_empty() => farthest = (nodes, problem),
            Err(_) => {}
        }
    }
    Err(farthest.1)
}

/// The network, or how many nodes could be read and what is wrong then.
fn network(
    file: &File,
    Images { shape, view }: Images,
    input: Input,
    name: &str,
) -> std::result::Result<Network, (usize, String)> {
    let mut walk = Walk::over(file, shape, view, input);
    for (index, &node) in file.nodes.iter().enumerate() {
        walk.take(node).map_err(|problem| (index, problem))?;
    }
    end(walk, shape, name).map_err(|problem| (file.nodes.len(), problem))
}

/// What the file puts out, without the softmax, which is part of our loss.
fn end(mut walk: Walk, shape: [usize; 3], name: &str) -> Found<Network> {
    let [output] = walk.file.outputs[..] else {
        return Err(format!("has {} outputs where one is expected; {REMEDY}", walk.file.outputs.len()));
    };
    let Operand::Value(mut value) = walk.operand(output)? else {
        return Err(format!("its output is a constant; {REMEDY}"));
    };
    if value.form == Form::Softmax {
        value.form = Form::NONE;
    }
    let mut value = walk.made(value)?;
    value.of = walk.layers.without_dropout(value.of);
    let axes = walk.axes(&value);
    let mut rest = value.view.0.iter().filter(|dim| !dim.is_one());
    let (batch, classes) = (rest.next().copied(), rest.next().copied().unwrap_or_default());
    if batch != Some(Dim::BATCH) || rest.next().is_some() || axes.size(classes) != axes.values() {
        let shape = view::sizes(&value.view.sizes(axes));
        return Err(format!("its output of the shape {shape} is not [N, classes]; {REMEDY}"));
    }
    if !axes.is_in_order(classes) {
        return Err(format!("its classes are an image's values in another order; {REMEDY}"));
    }
    let last = walk.flat(value)?.of;
    if last == 0 {
        return Err(format!("has no layers; {REMEDY}"));
    }
    walk.layers.network(name, shape, last, walk.left_out)
}
