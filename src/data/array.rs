//! Arrays in the IDX format: a magic number with their type and rank, the dimensions as big-endian `u32`, then the values,
//! big-endian in row-major order.
//!
//! The input is not trusted. No buffer is ever sized by what a header promises, and no more is unpacked than that.

use std::cell::Cell;
use std::io::{self, Read};

use super::checksums::sha256;
use super::unpack::{is_damage, unpacked};
use crate::sniff::{self, Wanted};

/// What is wrong with a file, and what to do about it.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) what: String,
    /// None where the file is to be had anew: how depends on whose it is.
    pub(super) remedy: Option<String>,
}

impl Problem {
    /// Of a file that is not whole.
    pub(super) fn damaged(what: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: None }
    }

    pub(super) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: Some(remedy.into()) }
    }
}

type Result<T> = std::result::Result<T, Problem>;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    U8,
    I8,
    I16,
    I32,
    F32,
    F64,
}

/// An array of any rank from 1 to 4, none of whose sizes is zero.
pub(super) struct Array {
    element: Element,
    pub(super) sizes: Vec<usize>,
    raw: Vec<u8>,
    /// Of the unpacked file.
    pub(super) sha256: String,
}

const FOREIGN: &str = "put an IDX file of images or labels in its place";
const LONGEST_RANK: u8 = 4;

/// What a gzip stream may unpack to, however short it is; beyond that, so many times its length. Zeros alone would give
/// a thousand times.
const FREE: u64 = 1 << 26;
const MOST_TIMES: u64 = 200;
const PIECE: u64 = 1 << 24;

impl Element {
    fn of(code: u8) -> Option<Self> {
        Some(match code {
            0x08 => Element::U8,
            0x09 => Element::I8,
            0x0b => Element::I16,
            0x0c => Element::I32,
            0x0d => Element::F32,
            0x0e => Element::F64,
            _ => return None,
        })
    }

    fn bytes(self) -> usize {
        match self {
            Element::U8 | Element::I8 => 1,
            Element::I16 => 2,
            Element::I32 | Element::F32 => 4,
            Element::F64 => 8,
        }
    }

    fn value(self, bytes: &[u8]) -> f64 {
        match (self, bytes) {
            (Element::U8, &[value]) => value.into(),
            (Element::I8, &[value]) => value.cast_signed().into(),
            (Element::I16, &[a, b]) => i16::from_be_bytes([a, b]).into(),
            (Element::I32, &[a, b, c, d]) => i32::from_be_bytes([a, b, c, d]).into(),
            (Element::F32, &[a, b, c, d]) => f32::from_be_bytes([a, b, c, d]).into(),
            (Element::F64, &[a, b, c, d, e, f, g, h]) => f64::from_be_bytes([a, b, c, d, e, f, g, h]),
            _ => f64::NAN,
        }
    }
}

/// Counts what is read.
struct Counted<'a, R> {
    source: R,
    count: &'a Cell<u64>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

impl Array {
    /// Reads a file, plain or gzip.
    pub(super) fn read(source: impl Read) -> Result<Self> {
        let packed = Cell::new(0);
        let mut source = unpacked(Counted { source, count: &packed }).map_err(|error| explain(&error))?;
        let mut header = Vec::new();
        read_more(&mut source, &mut header, 4)?;
        let &[zero, other, code, rank] = header.as_slice() else {
            let what = if header.is_empty() { "the file is empty" } else { "the file ends within its magic number" };
            return Err(Problem::damaged(what));
        };
        let Some(element) = Element::of(code).filter(|_| [zero, other] == [0, 0] && (1..=LONGEST_RANK).contains(&rank))
        else {
            return Err(foreign(header, &mut source));
        };
        read_more(&mut source, &mut header, 4 * u64::from(rank))?;
        let sizes: Option<Vec<u32>> = (1..=usize::from(rank)).map(|index| word(&header, index)).collect();
        let sizes = sizes.ok_or_else(|| Problem::damaged(format!("the file ends within its {rank} dimensions")))?;
        if sizes.contains(&0) {
            return Err(Problem::new(format!("the dimensions {sizes:?} have a zero among them"), FOREIGN));
        }
        // Room is kept for the bytes that show the file to be too long.
        let bytes = sizes.iter().try_fold(element.bytes() as u64, |product, &size| product.checked_mul(size.into()));
        let bytes = bytes
            .filter(|&bytes| bytes < isize::MAX as u64 - 2)
            .ok_or_else(|| Problem::new(format!("the dimensions {sizes:?} exceed what memory can address"), FOREIGN))?;
        let mut raw = Vec::new();
        while raw.len() as u64 <= bytes {
            let before = raw.len() as u64;
            read_more(&mut source, &mut raw, PIECE.min(bytes + 1 - before))?;
            if raw.len() as u64 > FREE.max(packed.get().saturating_mul(MOST_TIMES)) {
                let what = format!("the gzip stream unpacks to more than {MOST_TIMES} times its length");
                return Err(Problem::new(what, "unpack it first (gunzip), if it is yours"));
            }
            if raw.len() as u64 == before {
                break;
            }
        }
        let surplus = surplus(&mut source, &mut raw, bytes, &sizes)?;
        let sizes = sizes.into_iter().map(|size| size as usize).collect();
        Ok(Self { element, sizes, sha256: sha256(&[&header, &raw, &surplus]), raw })
    }

    /// Whether the values are whole numbers by their type.
    pub(super) fn is_of_integers(&self) -> bool {
        !matches!(self.element, Element::F32 | Element::F64)
    }

    /// Whether they are 32-bit integers.
    pub(super) fn is_of_words(&self) -> bool {
        self.element == Element::I32
    }

    /// The values, if they are bytes already.
    pub(super) fn take_bytes(&mut self) -> Option<Vec<u8>> {
        (self.element == Element::U8).then(|| std::mem::take(&mut self.raw))
    }

    /// The values, which an f64 has exactly whatever their type.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> {
        self.raw.chunks_exact(self.element.bytes()).map(|bytes| self.element.value(bytes))
    }

    /// The problem with the values: that their bytes are in the other order, if that would make brightnesses or labels of
    /// them.
    pub(super) fn byte_order_or(&self, problem: Problem) -> Problem {
        let mut reversed = self.raw.chunks_exact(self.element.bytes()).map(|bytes| {
            let mut reversed = [0; 8];
            reversed.iter_mut().zip(bytes.iter().rev()).for_each(|(to, byte)| *to = *byte);
            self.element.value(&reversed[..bytes.len()])
        });
        let plausible = |value: f64| value == 0.0 || (1e-6..=255.0).contains(&value);
        match self.element.bytes() > 1 && reversed.all(plausible) {
            true => Problem::new(
                "its values are in little-endian order, the format's are big-endian",
                "write them again in that order (numpy's '>' types)",
            ),
            false => problem,
        }
    }
}

/// What follows the values in `raw` and in the source: nothing, or a line's end, as editors and version control add it.
fn surplus(source: &mut dyn Read, raw: &mut Vec<u8>, bytes: u64, sizes: &[u32]) -> Result<Vec<u8>> {
    if (raw.len() as u64) < bytes {
        let read = raw.len();
        return Err(Problem::damaged(format!("the dimensions {sizes:?} need {bytes} bytes, it has {read}")));
    }
    let mut surplus = raw.split_off(bytes as usize);
    for end in [&b"\r"[..], b"\r\n", b"\n"] {
        if surplus == end {
            read_more(source, &mut surplus, 1)?;
        }
    }
    if surplus.is_empty() || [&b"\n"[..], b"\r\n"].contains(&surplus.as_slice()) {
        return Ok(surplus);
    }
    if is_converted_text(raw) {
        let what = "line ends in it were changed as in a text, so that its bytes are not what they were";
        return Err(Problem::new(what, "get it again as a binary file"));
    }
    Err(Problem::damaged(format!("bytes follow the {bytes} of dimensions {sizes:?}")))
}

/// Whether each LF has a CR before it, in so many of them that it is no chance.
fn is_converted_text(bytes: &[u8]) -> bool {
    let alone = |pair: &[u8]| pair[1] == b'\n' && pair[0] != b'\r';
    !bytes.windows(2).any(alone) && bytes.windows(2).filter(|pair| pair == b"\r\n").count() >= 4
}

/// What a file is that does not begin as an IDX file of a known type does.
fn foreign(mut start: Vec<u8>, source: &mut dyn Read) -> Problem {
    // What cannot be read is not there to be known by.
    let _ = read_more(source, &mut start, sniff::HEAD);
    let magic = word(&start, 0).unwrap_or_default();
    match *start.as_slice() {
        [0x1f, 0x8b, ..] => Problem::new("compressed by gzip twice", "unpack it once (gunzip)"),
        [1..=LONGEST_RANK, code, 0, 0, ..] if Element::of(code).is_some() => Problem::new(
            format!("an IDX file in little-endian order (its magic number is {magic:#010x}), which is big-endian"),
            "write its header and values again in big-endian order (numpy's '>' types)",
        ),
        [0, 0, code, rank, ..] if Element::of(code).is_some() => {
            Problem::new(format!("an IDX file of {rank} dimensions, neither images nor labels"), FOREIGN)
        }
        _ => match sniff::kind(&start) {
            Some(kind) => {
                let (what, remedy) = kind.problem(Wanted::Idx, FOREIGN);
                if kind.is_failed_download() { Problem::damaged(what) } else { Problem::new(what, remedy) }
            }
            None => Problem::new(format!("the magic number is {magic:#010x}, which is no IDX file's"), FOREIGN),
        },
    }
}

/// Appends up to `limit` bytes to `buffer`: fewer only where the source ends. The buffer grows with what arrives.
fn read_more(source: &mut dyn Read, buffer: &mut Vec<u8>, limit: u64) -> Result<()> {
    source.take(limit).read_to_end(buffer).map(drop).map_err(|error| explain(&error))
}

/// What went wrong while reading.
fn explain(error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Problem::damaged("the gzip stream ends early"),
        _ if is_damage(error) => Problem::damaged(format!("the gzip stream is damaged ({error})")),
        _ => Problem::new(format!("cannot be read ({error})"), "check the path and its permissions"),
    }
}

/// The big-endian word at `index` words into `header`, if it is that long.
fn word(header: &[u8], index: usize) -> Option<u32> {
    header.as_chunks().0.get(index).copied().map(u32::from_be_bytes)
}
