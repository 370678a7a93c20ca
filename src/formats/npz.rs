//! Networks as NumPy's npz files: a zip archive with an npy file for each array.
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::{Network, Tensor};
use crate::error::{Error, Result};
use crate::precision::Precision;

/// Where an npy file's values may start: at a multiple of this.
const ALIGNMENT: usize = 64;

/// The bytes of a file with the weights as `LAYER/kernel` and `LAYER/bias`.
///
/// # Errors
/// [`Error::Failed`] where they are more than a zip archive can hold.
pub fn encode(network: &Network, precision: Precision) -> Result<Vec<u8>> {
    archive(&network.weights()?, precision)
        .map_err(|error| Error::Failed(format!("the npz file cannot be made: {error}")))
}

fn archive(tensors: &[Tensor], precision: Precision) -> zip::result::ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    // No time of day: the same weights give the same bytes.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::DEFAULT);
    for tensor in tensors {
        archive.start_file(format!("{}.npy", tensor.name), options)?;
        archive.write_all(&header(&tensor.shape, precision))?;
        archive.write_all(&precision.encode(&tensor.values))?;
    }
    Ok(archive.finish()?.into_inner())
}

/// Magic bytes, version 1.0, the length of what follows, and that: a Python dict, filled up with blanks to a newline.
fn header(shape: &[usize], precision: Precision) -> Vec<u8> {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let shape = if let [size] = shape { format!("{size},") } else { sizes.trim_end_matches(", ").into() };
    let about = format!("{{'descr': '<f{}', 'fortran_order': False, 'shape': ({shape}), }}", precision.bytes());
    let before = b"\x93NUMPY\x01\x00".len() + 2;
    let length = (before + about.len() + 1).next_multiple_of(ALIGNMENT) - before;
    // Four sizes are far from 64 KiB of text.
    let mut header = [&b"\x93NUMPY\x01\x00"[..], &(length as u16).to_le_bytes()].concat();
    header.extend(format!("{about:width$}\n", width = length - 1).bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_ends_where_values_may_start() {
        for (shape, spelled) in [(&[32][..], "(32,)"), (&[3, 3, 1, 32], "(3, 3, 1, 32)"), (&[], "()")] {
            let header = header(shape, Precision::F32);
            assert_eq!(header.len() % ALIGNMENT, 0);
            assert_eq!(usize::from(header[8]) + 256 * usize::from(header[9]) + 10, header.len());
            let text = String::from_utf8_lossy(&header[10..]).into_owned();
            assert!(text.ends_with(" \n") && text.contains(&format!("'shape': {spelled}, }}")), "{text}");
        }
    }
}
