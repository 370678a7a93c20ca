//! How a layer's kernel begins, where its model says it.

use super::Node;
use crate::kernels::PixelScaling;
use crate::layers::{Inferred, Initializer, Layer};
use crate::plan::{Initial, VariableKind, Whitening};

/// Lets the layer's kernel begin as the node says. `pixels` is what becomes of those that the layer sees, and the images'
/// shape, if it sees them.
///
/// # Errors
/// In the words `problem; remedy`.
pub(super) fn begin_with(
    node: &Node,
    inferred: &mut Inferred,
    pixels: Option<(PixelScaling, [usize; 3])>,
) -> Result<(), String> {
    let initializer = node.kernel_initializer;
    if node.whitening_epsilon.is_some() && initializer != Initializer::Whitening {
        return Err("whitening_epsilon is of the kernel_initializer whitening only; take it out".into());
    }
    if initializer.is_default() {
        return Ok(());
    }
    let Some(kernel) = inferred.variables.iter_mut().find(|variable| variable.kind == VariableKind::Kernel) else {
        return Err("kernel_initializer is of layers with a kernel only; take it out".into());
    };
    let is_depthwise = matches!(node.layer, Layer::DepthwiseConv2d(_));
    kernel.initial = match initializer.initial(&kernel.shape, is_depthwise) {
        Some(initial) => initial,
        None => Initial::Whitening(whitening(node, pixels)?),
    };
    Ok(())
}

fn whitening(node: &Node, pixels: Option<(PixelScaling, [usize; 3])>) -> Result<Whitening, String> {
    let Layer::Conv2d(convolution) = &node.layer else {
        return Err("kernel_initializer whitening is of conv2d only; give another".into());
    };
    let Some((PixelScaling { scale, offset }, image)) = pixels else {
        return Err(
            "kernel_initializer is whitening, which is of the images: only a layer that reads them can have it, \
                    with nothing but rescaling between; give another"
                .into(),
        );
    };
    let epsilon = node.whitening_epsilon.unwrap_or(Whitening::EPSILON);
    let whitening =
        Whitening { kernel: convolution.kernel, image, filters: convolution.filters, epsilon, scale, offset };
    whitening.check()?;
    Ok(whitening)
}
