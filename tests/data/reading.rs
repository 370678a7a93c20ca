use super::*;

const PIXELS: [u8; 6] = [1, 2, 3, 4, 5, 6];

fn images() -> Vec<u8> {
    idx(0x0803, &[2, 3, 1], &PIXELS)
}

#[test]
fn plain_and_gzip_files_read_the_same_whatever_their_names() {
    let folder = tempdir().unwrap();
    let (plain, packed) = (folder.path().join("plain.gz"), folder.path().join("packed"));
    fs::write(&plain, images()).unwrap();
    fs::write(&packed, gzip(&images())).unwrap();
    let read = Images::read(&plain).unwrap();
    assert_eq!((read.shape, read.pixels.as_slice()), ([2, 3, 1, 1], PIXELS.as_slice()));
    assert_eq!(read.sha256, sha256([images().as_slice()]));
    assert_eq!(Images::read(&packed).unwrap(), read);
}

#[test]
fn a_gzip_stream_may_have_several_members() {
    let bytes = images();
    let members = [gzip(&bytes[..17]), gzip(&bytes[17..])].concat();
    assert_eq!(Images::decode(Path::new("members"), members.as_slice()).unwrap().pixels, PIXELS);
}

#[test]
fn rank_4_has_channels() {
    let read = Images::decode(Path::new("colour"), idx(0x0804, &[1, 1, 2, 3], &PIXELS).as_slice()).unwrap();
    assert_eq!((read.shape, read.pixels.as_slice()), ([1, 1, 2, 3], PIXELS.as_slice()));
}

#[test]
fn labels_have_rank_1() {
    let read = Labels::decode(Path::new("labels"), idx(0x0801, &[3], &[9, 0, 255]).as_slice()).unwrap();
    assert_eq!(read.classes, [9, 0, 255]);
    let bytes = images();
    assert_data_error(
        Labels::decode(Path::new("l"), bytes.as_slice()),
        Path::new("l"),
        "are those of images, not of labels",
    );
}

#[test]
fn bad_images_are_data_errors() {
    let packed = gzip(&images());
    let mut corrupt = packed.clone();
    let checksum = corrupt.len() - 8;
    corrupt[checksum] ^= 1;
    let cases: &[(&str, Vec<u8>)] = &[
        ("the file is empty", vec![]),
        ("the file is empty", gzip(&[])),
        ("ends within its magic number", vec![0, 0, 8]),
        ("has the dimensions [6], which are those of labels, not of images", idx(0x0801, &[6], &PIXELS)),
        ("the dimensions [2, 3, 1] need 24 bytes, it has 6", idx(0x0d03, &[2, 3, 1], &PIXELS)),
        ("the magic number is 0x00000a03, which is no IDX file's", idx(0x0a03, &[2, 3, 1], &PIXELS)),
        ("an IDX file of 5 dimensions, neither", idx(0x0805, &[1, 1, 2, 3, 1], &PIXELS)),
        ("a web page (HTML), as a failed download leaves it, not an IDX file", b"<html>".to_vec()),
        ("ends within its 3 dimensions", images()[..15].to_vec()),
        ("dimensions [0, 3, 1] have a zero", idx(0x0803, &[0, 3, 1], &[])),
        ("dimensions [2, 3, 0] have a zero", idx(0x0803, &[2, 3, 0], &PIXELS)),
        ("exceed what memory can address", idx(0x0803, &[u32::MAX; 3], &PIXELS)),
        ("exceed what memory can address", idx(0x0804, &[0x8000, 0x8000, 0x8000, 0x4_0000], &PIXELS)),
        ("need 6 bytes, it has 5", idx(0x0803, &[2, 3, 1], &PIXELS[1..])),
        ("need 4611686017353646080 bytes, it has 6", idx(0x0804, &[u32::MAX, 1 << 30, 1, 1], &PIXELS)),
        ("bytes follow the 6", idx(0x0803, &[2, 3, 1], &[0; 7])),
        ("the gzip stream ends early", packed[..packed.len() / 2].to_vec()),
        ("the gzip stream ends early", packed[..packed.len() - 1].to_vec()),
        ("the gzip stream ends early", packed[..3].to_vec()),
        ("the gzip stream is damaged", corrupt),
        ("the gzip stream is damaged", [packed.as_slice(), b"ten or more trailing bytes"].concat()),
    ];
    let folder = tempdir().unwrap();
    let path = folder.path().join("images");
    for (part, bytes) in cases {
        fs::write(&path, bytes).unwrap();
        assert_data_error(Images::read(&path), &path, part);
    }
}

#[test]
fn a_missing_file_and_a_folder_are_data_errors() {
    let folder = tempdir().unwrap();
    assert_data_error(Images::read(&folder.path().join("none")), &folder.path().join("none"), "there is no such file");
    assert_data_error(Labels::read(folder.path()), folder.path(), "an empty folder, not an IDX file");
}

/// Counts what is read from an endless source of zeros behind a header.
struct Endless<'a> {
    header: &'a [u8],
    read: &'a AtomicUsize,
}

impl std::io::Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let from_header = self.header.read(buffer)?;
        buffer[from_header..].fill(0);
        self.read.fetch_add(buffer.len(), Ordering::Relaxed);
        Ok(buffer.len())
    }
}

#[test]
fn no_more_is_read_than_the_header_promises() {
    let (header, read) = (idx(0x0803, &[1, 28, 28], &[]), AtomicUsize::new(0));
    let source = Endless { header: &header, read: &read };
    assert_data_error(Images::decode(Path::new("endless"), source), Path::new("endless"), "bytes follow the 784");
    assert!(read.into_inner() <= header.len() + 785);
}

#[test]
fn a_gzip_bomb_is_not_unpacked() {
    let bomb = gzip(&idx(0x0803, &[1, 28, 28], &vec![0; 16 << 20]));
    let mut rest = bomb.as_slice();
    assert_data_error(Images::decode(Path::new("bomb"), &mut rest), Path::new("bomb"), "bytes follow the 784");
    assert!(rest.len() > bomb.len() / 2, "most of the bomb was unpacked");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = Images::decode(Path::new("bytes"), bytes.as_slice());
        let _ = Labels::decode(Path::new("bytes"), bytes.as_slice());
    }

    #[test]
    fn arbitrary_headers_never_panic(
        magic in prop_oneof![0x0800_u32..0x0806, 0x0800_u32..0x0f06],
        sizes in proptest::collection::vec(prop_oneof![0_u32..4, any::<u32>()], 0..5),
        values in proptest::collection::vec(any::<u8>(), 0..80),
        packed in any::<bool>(),
        cut in 0_usize..120,
    ) {
        let plain = idx(magic, &sizes, &values);
        let mut bytes = if packed { gzip(&plain) } else { plain };
        bytes.truncate(bytes.len().max(cut) - cut.min(bytes.len()));
        match Images::decode(Path::new("bytes"), bytes.as_slice()) {
            Ok(images) => prop_assert_eq!(images.pixels.len(), images.shape.iter().product::<usize>()),
            Err(error) => prop_assert!(matches!(error, Error::Data(_))),
        }
        if let Ok(labels) = Labels::decode(Path::new("bytes"), bytes.as_slice()) {
            prop_assert_eq!(labels.classes.len(), sizes[0] as usize);
        }
    }
}
