//! The passes of a plan whose activations are in 16 bits.

use super::{Buffer, Pass};
use crate::error::{Error, Result};
use crate::kernels::{Element, Stored};
use crate::precision::Precision;

/// Has the passes use buffers as they are stored, and round the weights that they multiply by.
///
/// # Errors
/// [`Error::Failed`] naming a pass that cannot.
pub(crate) fn store(passes: &mut [Pass], buffers: &[Buffer], precision: Precision) -> Result<()> {
    if precision == Precision::F32 {
        return Ok(());
    }
    for pass in passes {
        let is_stored: Vec<bool> = pass.buffers.iter().map(|id| buffers[id.0].precision != Precision::F32).collect();
        let row = pass.kernel.descriptor();
        for ((binding, offset), _) in
            row.bindings.iter().zip(&mut pass.offsets).zip(&is_stored).filter(|(_, is_stored)| **is_stored)
        {
            if binding.element != Element::Activation || !offset.is_multiple_of(2) {
                let (layer, kernel, name) = (&pass.layer, row.name, binding.name);
                return Err(Error::Failed(format!("{layer}: {kernel} cannot have {name} in 16 bits")));
            }
            *offset /= 2;
        }
        pass.kernel = Stored::of(pass.kernel.clone(), precision, |place| is_stored[place]);
    }
    Ok(())
}
