use super::*;

const NAME: &str = "file";

/// Two images of 2 x 2 pixels.
const PIXELS: [u8; 8] = [0, 1, 127, 128, 200, 254, 255, 3];

fn images(bytes: &[u8]) -> Result<Images> {
    Images::decode(Path::new(NAME), bytes)
}

fn labels(bytes: &[u8]) -> Result<Labels> {
    Labels::decode(Path::new(NAME), bytes)
}

fn f32s(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_be_bytes).collect()
}

fn i32s(values: &[i32]) -> Vec<u8> {
    values.iter().copied().flat_map(i32::to_be_bytes).collect()
}

#[test]
fn labels_of_every_integer_type_are_read() {
    let classes = [0_u8, 9, 127, 3];
    let i16s: Vec<u8> = classes.iter().flat_map(|&class| i16::from(class).to_be_bytes()).collect();
    let words = classes.map(i32::from);
    for (magic, values) in
        [(0x0801, classes.to_vec()), (0x0901, classes.to_vec()), (0x0b01, i16s), (0x0c01, i32s(&words))]
    {
        let read = labels(&idx(magic, &[4], &values)).unwrap();
        assert_eq!((read.classes, read.note), (classes.to_vec(), None), "{magic:#06x}");
    }
    assert_eq!(labels(&idx(0x0c01, &[1], &i32s(&[255]))).unwrap().classes, [255]);
    assert_eq!(labels(&idx(0x0d01, &[2], &f32s([7.0, 0.0]))).unwrap().classes, [7, 0]);
    for (magic, values, part) in [
        (0x0901, vec![0, 0xff], "label 1 is -1, which is no whole number from 0 to 255"),
        (0x0c01, i32s(&[3, 256]), "label 1 is 256, which"),
        (0x0d01, f32s([0.0, 1.5]), "label 1 is 1.5, which"),
        (0x0d01, f32s([f32::NAN, 1.0]), "label 0 is NaN, which"),
    ] {
        assert_data_error(labels(&idx(magic, &[2], &values)), Path::new(NAME), part);
    }
}

#[test]
fn labels_in_rows_are_read_where_it_is_plain_which_is_the_class() {
    let column = labels(&idx(0x0802, &[3, 1], &[4, 0, 9])).unwrap();
    assert_eq!((column.classes, column.note), (vec![4, 0, 9], None));
    assert_eq!(labels(&idx(0x0c03, &[2, 1, 1], &i32s(&[4, 2]))).unwrap().classes, [4, 2]);
    let one_hot = labels(&idx(0x0802, &[2, 3], &[0, 0, 1, 1, 0, 0])).unwrap();
    assert_eq!((one_hot.classes, one_hot.note.unwrap()), (vec![2, 0], "one-hot labels of 3 classes".into()));
    assert_eq!(labels(&idx(0x0d02, &[1, 2], &f32s([0.0, 1.0]))).unwrap().classes, [1]);
    let qmnist = labels(&idx(0x0c02, &[2, 8], &i32s(&[7, 0, 2661, 7, 5, -1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]))).unwrap();
    assert_eq!(qmnist.classes, [7, 1]);
    assert!(qmnist.note.unwrap().starts_with("QMNIST's labels: of 8 values a sample, the first"));
    for (magic, sizes, values) in [
        (0x0802, [2, 3], vec![0, 0, 1, 1, 0, 1]),
        (0x0802, [2, 3], vec![0, 0, 1, 0, 0, 0]),
        (0x0802, [1, 8], vec![7, 0, 0, 0, 0, 0, 0, 0]),
        (0x0c02, [1, 7], i32s(&[7, 0, 0, 0, 0, 0, 0])),
    ] {
        let part = "values a sample, which are neither a class nor one-hot";
        assert_data_error(labels(&idx(magic, &sizes, &values)), Path::new(NAME), part);
    }
}

#[test]
fn floats_that_are_bytes_become_those_bytes() {
    let doubles: Vec<u8> = PIXELS.iter().flat_map(|&pixel| (f64::from(pixel) / 255.0).to_be_bytes()).collect();
    let words: Vec<u8> = PIXELS.iter().flat_map(|&pixel| i32::from(pixel).to_be_bytes()).collect();
    for (magic, values) in [
        (0x0d03, f32s(PIXELS.map(|pixel| f32::from(pixel) / 255.0))),
        (0x0d03, f32s(PIXELS.map(f32::from))),
        (0x0e03, doubles),
        (0x0c03, words),
    ] {
        let bytes = idx(magic, &[2, 2, 2], &values);
        let read = images(&bytes).unwrap();
        assert_eq!((read.pixels, read.shape, read.note), (PIXELS.to_vec(), [2, 2, 2, 1], None), "{magic:#06x}");
        // Of the file, not of what it was made into.
        assert_eq!(read.sha256, sha256([bytes.as_slice()]));
    }
    // Every byte, as each of the two types has it.
    let all: Vec<u8> = (0..=255).collect();
    let scaled = f32s(all.iter().map(|&byte| f32::from(byte) / 255.0));
    assert_eq!(images(&idx(0x0d03, &[1, 16, 16], &scaled)).unwrap().pixels, all);
}

#[test]
fn other_floats_are_rounded_in_a_line_or_refused() {
    let read = images(&idx(0x0d03, &[1, 1, 3], &f32s([0.0, 0.3, 1.0]))).unwrap();
    assert_eq!(read.pixels, [0, 77, 255]);
    assert_eq!(read.note.unwrap(), "pixels are floats up to 1, rounded to 256 grey levels");
    let read = images(&idx(0x0d03, &[1, 1, 3], &f32s([0.0, 7.4, 250.0]))).unwrap();
    assert_eq!((read.pixels, read.note.is_some()), (vec![0, 7, 250], true));
    for (values, part) in [
        ([-1.0, 0.0, 1.0], "its pixels are floats, from -1 to 1, which are no brightnesses; write them from 0 to 1"),
        ([0.0, 1.0, 256.0], "from 0 to 256"),
        ([0.0, f32::NAN, 1.0], "some of them no number"),
        ([0.0, f32::INFINITY, 1.0], "from 0 to inf"),
    ] {
        assert_data_error(images(&idx(0x0d03, &[1, 1, 3], &f32s(values))), Path::new(NAME), part);
    }
    let negative = images(&idx(0x0903, &[1, 1, 3], &[1, 0xfe, 3]));
    assert_data_error(negative, Path::new(NAME), "pixel 1 is -2, which is no whole number from 0 to 255");
}

/// As `array.tofile` leaves them on most machines, behind a header that is right.
#[test]
fn values_in_the_other_byte_order_are_called_that() {
    let part = "its values are in little-endian order, the format's are big-endian; write them again in that order";
    let words: Vec<u8> = [0_i32, 7, 9].iter().flat_map(|word| word.to_le_bytes()).collect();
    assert_data_error(labels(&idx(0x0c01, &[3], &words)), Path::new(NAME), part);
    // Read in the wrong order, halves and ones are next to nothing.
    for values in [[0.0_f32, 0.5, 1.0], [0.0, 1.0 / 255.0, 0.3], [3.0, 200.0, 255.0]] {
        let singles: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_data_error(images(&idx(0x0d03, &[1, 1, 3], &singles)), Path::new(NAME), part);
        let doubles: Vec<u8> = values.iter().flat_map(|value| f64::from(*value).to_le_bytes()).collect();
        assert_data_error(images(&idx(0x0e03, &[1, 1, 3], &doubles)), Path::new(NAME), part);
    }
    assert_eq!(images(&idx(0x0d03, &[1, 1, 3], &f32s([0.0; 3]))).unwrap().pixels, [0; 3]);
    let faint = images(&idx(0x0d03, &[1, 1, 3], &f32s([0.0, 1e-3, 1e-4])));
    assert_data_error(faint, Path::new(NAME), "its pixels are floats, from 0 to 0.001");
}

#[test]
fn images_in_other_orders_are_taken_as_what_they_must_be() {
    let flat = images(&idx(0x0802, &[2, 4], &PIXELS)).unwrap();
    assert_eq!((flat.pixels, flat.shape), (PIXELS.to_vec(), [2, 2, 2, 1]));
    assert_eq!(flat.note.unwrap(), "each image of [4] taken as 2 x 2 x 1");
    let planes: Vec<u8> = (0..75).collect();
    let first = images(&idx(0x0804, &[1, 3, 5, 5], &planes)).unwrap();
    assert_eq!((first.shape, &first.pixels[..6]), ([1, 5, 5, 3], [0, 25, 50, 1, 26, 51].as_slice()));
    assert_eq!((first.pixels[72], first.pixels[74]), (24, 74));
    assert_eq!(images(&idx(0x0804, &[1, 1, 5, 5], &planes[..25])).unwrap().pixels, planes[..25]);
    // A strip of pixels with channels is none of these.
    assert_eq!(images(&idx(0x0804, &[1, 1, 5, 4], &planes[..20])).unwrap().note, None);
    assert_eq!(images(&idx(0x0804, &[1, 3, 3, 3], &planes[..27])).unwrap().note, None);
    let row = images(&idx(0x0802, &[1, 5], &planes[..5]));
    assert_data_error(
        row,
        Path::new(NAME),
        "each image is a row of 5 values, of which its height and width do not follow",
    );
    let column = images(&idx(0x0802, &[5, 1], &planes[..5]));
    assert_data_error(column, Path::new(NAME), "has the dimensions [5, 1], which are those of labels, not of images");
}

#[test]
fn a_line_end_after_the_values_does_no_harm() {
    let bytes = idx(0x0803, &[2, 2, 2], &PIXELS);
    for end in ["\n", "\r\n"] {
        let longer = [bytes.as_slice(), end.as_bytes()].concat();
        let read = images(&longer).unwrap();
        assert_eq!((read.pixels.as_slice(), read.sha256), (&PIXELS[..], sha256([longer.as_slice()])));
        assert_eq!(images(&gzip(&longer)).unwrap().pixels, PIXELS);
    }
    for end in ["\0", "\n\n", "\r", "\r\n\n", " ", "\nx"] {
        let longer = [bytes.as_slice(), end.as_bytes()].concat();
        assert_data_error(images(&longer), Path::new(NAME), "bytes follow the 8 of dimensions [2, 2, 2]");
    }
}

#[test]
fn a_file_that_was_transferred_as_text_is_called_that() {
    let values = [10, 1, 2, 10, 10, 3, 13, 10];
    let mut text = Vec::new();
    for byte in idx(0x0803, &[2, 2, 2], &values) {
        text.extend((byte == b'\n').then_some(b'\r'));
        text.push(byte);
    }
    assert_data_error(images(&[text.as_slice(), &[0; 40]].concat()), Path::new(NAME), "bytes follow");
    let many = idx(0x0803, &[1, 4, 8], &values.repeat(4));
    let text = many.iter().flat_map(|&byte| if byte == b'\n' { vec![b'\r', b'\n'] } else { vec![byte] });
    let part = "line ends in it were changed as in a text";
    assert_data_error(images(&text.collect::<Vec<u8>>()), Path::new(NAME), part);
}

#[test]
fn what_is_no_idx_file_is_called_what_it_is() {
    let file = idx(0x0803, &[2, 2, 2], &PIXELS);
    let little: Vec<u8> =
        [0x0308_0000_u32.to_be_bytes(), 2_u32.to_le_bytes(), 2_u32.to_le_bytes(), 2_u32.to_le_bytes()].concat();
    for (bytes, part) in [
        (gzip(&gzip(&file)), "compressed by gzip twice; unpack it once"),
        ([little.as_slice(), &PIXELS].concat(), "an IDX file in little-endian order (its magic number is 0x03080000)"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 26".to_vec(),
            "a Git LFS pointer, in place of",
        ),
        (b"PK\x03\x04 and so on".to_vec(), "a zip archive, not an IDX file; unpack it first"),
        (gzip(b"PK\x03\x04 and so on"), "a zip archive, not an IDX file; unpack it first"),
        (
            b"\x93NUMPY\x01\x00v\x00".to_vec(),
            "a NumPy array (.npy), not an IDX file; write its array a as IDX in Python",
        ),
        (b"label,pixel1,pixel2\n1,2,3\n".to_vec(), "a table as text (CSV), not an IDX file; write"),
        (b"\x89PNG\r\n\x1a\n".to_vec(), "a PNG picture, not an IDX file; put"),
        (vec![0; 100], "a file of nothing but zeros, as an unfinished download"),
    ] {
        assert_data_error(images(&bytes), Path::new(NAME), part);
        assert_data_error(labels(&bytes), Path::new(NAME), part);
    }
}

/// A header may promise what the stream keeps, and still be a bomb.
#[test]
fn a_stream_that_unpacks_to_far_more_than_images_do_is_refused() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&idx(0x0803, &[1 << 19, 1 << 10, 1], &[])).unwrap();
    for _ in 0..(1 << 29 >> 16) {
        encoder.write_all(&[0; 1 << 16]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    let mut rest = bomb.as_slice();
    let part = "the gzip stream unpacks to more than 200 times its length";
    assert_data_error(Images::decode(Path::new(NAME), &mut rest), Path::new(NAME), part);
    assert!(rest.len() > bomb.len() / 3, "most of the bomb was unpacked");
}
