//! The data module from outside: reading good and hostile files, splitting as scikit-learn does, and fetching.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::{Compression, write::GzEncoder};
use gpu_fmnist::data::{self, Dataset, FILES, Images, Labels, RawFile, Sources, Split};
use gpu_fmnist::error::{Error, Result};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tempfile::{TempDir, tempdir};

/// An IDX file: the magic number, the sizes and the values.
fn idx(magic: u32, sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let header = std::iter::once(&magic).chain(sizes).flat_map(|word| word.to_be_bytes());
    header.chain(values.iter().copied()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn sha256<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    parts.into_iter().for_each(|part| hasher.update(part));
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Asserts a data error in one line, which starts with `path`, contains `part` and ends in a remedy.
#[track_caller]
fn assert_data_error<T>(result: Result<T>, path: &Path, part: &str) {
    match result.err() {
        Some(Error::Data(message)) => {
            assert!(message.starts_with(&format!("{}: ", path.display())), "names another file: {message}");
            assert!(message.contains(part), "no '{part}' in: {message}");
            assert!(message.contains("; "), "no remedy in: {message}");
            assert_eq!(message.lines().count(), 1, "not one line: {message}");
        }
        other => panic!("expected a data error with '{part}', got {other:?}"),
    }
}

mod reading {
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
            "0x00000803, not 0x00000801",
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
            ("the magic number is 0x00000801, not 0x00000803 or 0x00000804", idx(0x0801, &[6], &PIXELS)),
            ("the magic number is 0x00000d03", idx(0x0d03, &[2, 3, 1], &PIXELS)),
            ("the magic number is 0x3c68746d", b"<html>".to_vec()),
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
        assert_data_error(Images::read(&folder.path().join("none")), &folder.path().join("none"), "cannot be read");
        assert_data_error(Labels::read(folder.path()), folder.path(), "cannot be read");
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
            magic in 0x0800_u32..0x0806,
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
        }
    }
}

mod loading {
    use super::*;

    /// Three training and two test images of 2 x 1 pixels.
    fn tiny() -> TempDir {
        let folder = tempdir().unwrap();
        write(&folder, 0, &gzip(&idx(0x0803, &[3, 2, 1], &[1, 2, 3, 4, 5, 6])));
        write(&folder, 1, &idx(0x0801, &[3], &[0, 2, 1]));
        write(&folder, 2, &idx(0x0803, &[2, 2, 1], &[7, 8, 9, 10]));
        write(&folder, 3, &gzip(&idx(0x0801, &[2], &[4, 0])));
        folder
    }

    /// Writes a file under its plain name.
    fn write(folder: &TempDir, file: usize, bytes: &[u8]) {
        fs::write(folder.path().join(FILES[file].name), bytes).unwrap();
    }

    #[test]
    fn another_data_set_loads_unverified() {
        let folder = tiny();
        let dataset = Dataset::load(folder.path()).unwrap();
        assert_eq!((dataset.train.len(), dataset.test.len()), (3, 2));
        assert_eq!((dataset.train.shape, dataset.test.shape), ([2, 1, 1], [2, 1, 1]));
        assert_eq!((dataset.test.images.as_slice(), dataset.test.labels.as_slice()), (&[7, 8, 9, 10][..], &[4, 0][..]));
        assert!(!dataset.verified && !dataset.train.is_empty());
        assert_eq!(dataset.hashes[1], (FILES[1].name, sha256([idx(0x0801, &[3], &[0, 2, 1]).as_slice()])));
    }

    #[test]
    fn files_may_be_named_with_gz() {
        let folder = tiny();
        let plain = folder.path().join(FILES[0].name);
        fs::rename(&plain, plain.with_extension("gz")).unwrap();
        assert_eq!(Dataset::load(folder.path()).unwrap().train.len(), 3);
        assert_eq!(data::locate(Some(folder.path())).unwrap().as_deref(), Some(folder.path()));
    }

    #[test]
    fn missing_files_are_named() {
        let folder = tiny();
        fs::remove_file(folder.path().join(FILES[1].name)).unwrap();
        assert_data_error(Dataset::load(folder.path()), folder.path(), "no train-labels-idx1-ubyte here");
        assert_data_error(data::locate(Some(folder.path())), folder.path(), "no train-labels-idx1-ubyte here");
    }

    #[test]
    fn labels_must_be_as_many_as_images() {
        let folder = tiny();
        write(&folder, 3, &idx(0x0801, &[3], &[4, 0, 1]));
        let labels = folder.path().join(FILES[3].name);
        assert_data_error(Dataset::load(folder.path()), &labels, "the label count is 3, but ");
    }

    #[test]
    fn train_and_test_images_must_have_one_shape() {
        let folder = tiny();
        write(&folder, 2, &idx(0x0803, &[2, 1, 2], &[7, 8, 9, 10]));
        let images = folder.path().join(FILES[2].name);
        assert_data_error(Dataset::load(folder.path()), &images, "the shape [H, W, C] is [1, 2, 1], but [2, 1, 1]");
    }

    #[test]
    fn a_bad_file_is_named() {
        let folder = tiny();
        write(&folder, 1, &[]);
        let labels = folder.path().join(FILES[1].name);
        assert_data_error(Dataset::load(folder.path()), &labels, "the file is empty");
    }
}

mod splitting {
    use super::*;
    use serde_json::Value;

    fn digest(indices: &[u32]) -> String {
        sha256(indices.iter().map(|&index| i64::from(index).to_le_bytes()).collect::<Vec<_>>().iter().map(|b| &b[..]))
    }

    #[track_caller]
    fn assert_side(indices: &[u32], golden: &Value) {
        assert_eq!(indices.len() as u64, golden["count"].as_u64().unwrap());
        let first: Vec<_> = golden["first"].as_array().unwrap().iter().map(|index| index.as_u64().unwrap()).collect();
        assert!(indices.iter().map(|&index| u64::from(index)).take(first.len()).eq(first));
        assert_eq!(digest(indices), golden["sha256_of_i64_le"].as_str().unwrap());
    }

    #[test]
    fn splits_equal_the_golden_ones() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/splits.json");
        let golden: Vec<Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let number = |case: &Value, name: &str| case[name].as_u64().unwrap();
        assert!(golden.len() >= 4);
        for case in &golden {
            let (expected, splits) = if let Some(arguments) = case.get("kfold") {
                let (count, folds) = (number(arguments, "n") as usize, number(arguments, "k") as usize);
                let splits = data::k_folds(count, folds, number(arguments, "seed") as u32).unwrap();
                (case["folds"].as_array().unwrap().as_slice(), splits)
            } else {
                let arguments = &case["train_test_split"];
                let (count, seed) = (number(arguments, "n") as usize, number(arguments, "seed") as u32);
                let fraction = arguments["validation_fraction"].as_f64().unwrap();
                (std::slice::from_ref(case), vec![data::train_validation_split(count, fraction, seed).unwrap()])
            };
            assert_eq!(splits.len(), expected.len());
            for (split, golden) in splits.iter().zip(expected) {
                assert_side(&split.train, &golden["train"]);
                assert_side(&split.validation, &golden["validation"]);
            }
        }
    }

    /// Made with scikit-learn 1.9.1 and NumPy 2.4.6: the digests of both sides' indices as little-endian `i64`.
    #[test]
    fn other_validation_splits_equal_scikit_learns() {
        let cases = [
            (
                (7, 0.5, 0),
                "abf4f71c5f1ac00ac78a9a6f9e8201d4bb308390f5b5829c7b71d0b816d38d17",
                "1b025bc99d1b6b9585da99c0a844b9185ceed6ac236f86fb25273b1d1ab531b7",
            ),
            (
                (70_000, 1.0 / 3.0, u32::MAX),
                "bd7def36e5d8542ff4d45b319d691d3b35b5857fa5bef4cabb2a197f163eac1e",
                "00f5acdac153f3a4be37271affe8f600de25572f913a9b6fef28be34e38c2072",
            ),
            (
                (1001, 0.1, 42),
                "aa610f41e2a1c2c1519215350c63521172bf3a25a8587c1f28e7591f7e9d49ae",
                "78b5e307630614c3c742d48621e1ad803c1d28067f4f7f2921f8069420563648",
            ),
            (
                (2, 0.5, 7),
                "7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8",
                "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc",
            ),
            (
                (65_537, 0.999, 3),
                "ad3cc4216d0f790e7659ddd1b99029cd7da1e1dd4098eddbb953f1c472c7811d",
                "14dae088d01d1815b74cf9ff76cdeb90786dc8f46403ea649cd35518da9d116c",
            ),
        ];
        for ((count, fraction, seed), train, validation) in cases {
            let split = data::train_validation_split(count, fraction, seed).unwrap();
            let digests = (digest(&split.train), digest(&split.validation));
            assert_eq!((digests.0.as_str(), digests.1.as_str()), (train, validation), "{count} {fraction} {seed}");
        }
    }

    /// Made likewise: the digest of all folds' indices in turn, training before validation.
    #[test]
    fn other_folds_equal_scikit_learns() {
        let cases = [
            ((11, 3, 0), "12d12a6285c4f07710e94f707c12f8ef19bac644991adf3487bbb4e20c07ac79"),
            ((1003, 10, u32::MAX), "336a25bc2979a6cd30476e3783130189b34469755fa033768d5e0527f8203c67"),
            ((7, 7, 5), "e9463d1bd11e77100b9e4ca969912f84eb680c9978d674b4b34b907e2ea72a3e"),
            ((65_536, 2, 2020), "51acd9571ee929170045e513ae137d9d3de106f060b09f57746678aeee9f27cb"),
        ];
        for ((count, folds, seed), expected) in cases {
            let splits = data::k_folds(count, folds, seed).unwrap();
            let all: Vec<_> = splits.into_iter().flat_map(|Split { train, validation }| [train, validation]).collect();
            assert_eq!(digest(&all.concat()), expected, "{count} {folds} {seed}");
        }
    }

    #[test]
    fn impossible_splits_are_usage_errors() {
        for fraction in [0.0, 1.0, -0.2, 1.5, f64::NAN, f64::INFINITY] {
            assert!(matches!(data::train_validation_split(10, fraction, 0), Err(Error::Usage(_))), "{fraction}");
        }
        for count in [0, 1] {
            assert!(matches!(data::train_validation_split(count, 0.5, 0), Err(Error::Usage(_))), "{count}");
        }
        assert!(matches!(data::train_validation_split(10, 0.95, 0), Err(Error::Usage(_))));
        assert!(matches!(data::train_validation_split(usize::MAX, 0.5, 0), Err(Error::Usage(_))));
        for (count, folds) in [(10, 0), (10, 1), (10, 11), (0, 2), (usize::MAX, 2)] {
            assert!(matches!(data::k_folds(count, folds, 0), Err(Error::Usage(_))), "{count} {folds}");
        }
    }
}

mod fetching {
    use super::*;

    const CONTENTS: [&[u8]; 2] = [b"the first file", b"the second file"];
    const TWO_FILES: [RawFile; 2] = [
        RawFile {
            name: "first",
            length: 14,
            sha256: "e7939f0b60ab303a2a6e28784cf5c5811b98dfd7e5cab7ab2a0fb9c4b38e50cb",
        },
        RawFile {
            name: "second",
            length: 15,
            sha256: "1b8259a1385d5a8748e4a451eb03c65e790ed40bb65aeb3a238f833cf93a0604",
        },
    ];

    /// Makes a whole response, head included, from the path of a request.
    type Respond = fn(&str) -> Vec<u8>;

    /// A web server on this machine that lasts as long as the test.
    struct Server {
        address: String,
        requests: Arc<AtomicUsize>,
    }

    /// Starts a server that answers each request with what `respond` makes of its path.
    fn serve(respond: Respond) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                counter.fetch_add(1, Ordering::Relaxed);
                let mut head = BufReader::new(stream.try_clone().unwrap()).lines().map_while(std::io::Result::ok);
                let request = head.next().unwrap_or_default();
                head.find(|line| line.is_empty());
                // The client may hang up as soon as it has seen enough.
                let _ = stream.write_all(&respond(request.split(' ').nth(1).unwrap_or_default()));
            }
        });
        Server { address, requests }
    }

    /// A response that promises `length` bytes and sends `body`.
    fn response(length: usize, body: &[u8]) -> Vec<u8> {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        [head.as_bytes(), body].concat()
    }

    fn right(path: &str) -> Vec<u8> {
        let body = gzip(CONTENTS[usize::from(path == "/second.gz")]);
        response(body.len(), &body)
    }

    fn fetch(mirrors: &[&str], into: &Path) -> Result<()> {
        let sources = Sources { files: &TWO_FILES, mirrors, package: None };
        data::fetch_from(&sources, into, &mut |_| Ok(()))
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = entries.collect();
        names.sort();
        names
    }

    #[test]
    fn right_files_are_stored_and_reported() {
        let (server, folder) = (serve(right), tempdir().unwrap());
        let into = folder.path().join("made/on/the/way");
        let mut last = (String::new(), 0, None);
        let sources = Sources { files: &TWO_FILES, mirrors: &[&server.address], package: None };
        data::fetch_from(&sources, &into, &mut |progress| {
            assert_eq!(progress.source, server.address);
            last = (progress.file.to_owned(), progress.done, progress.total);
            Ok(())
        })
        .unwrap();
        assert_eq!(names(&into), ["first.gz", "second.gz"]);
        assert_eq!(fs::read(into.join("first.gz")).unwrap(), gzip(CONTENTS[0]));
        let length = gzip(CONTENTS[1]).len() as u64;
        assert_eq!(last, ("second".to_owned(), length, Some(length)));
    }

    #[test]
    fn a_mirror_that_fails_is_followed_by_the_next() {
        let bad: [(&str, Respond); 6] = [
            ("wrong checksum", |_| response(10, b"wrong file")),
            ("wrong checksum", |_| response(gzip(b"wrong").len(), &gzip(b"wrong"))),
            ("wrong checksum", |_| response(20, &gzip(CONTENTS[0])[..20])),
            ("disconnected", |_| response(34, &gzip(CONTENTS[0])[..20])),
            ("limit", |_| response(1 << 20, &vec![0; 1 << 20])),
            ("HTTP status 404", |_| {
                b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()
            }),
        ];
        for (reason, respond) in bad {
            let (server, folder) = (serve(respond), tempdir().unwrap());
            assert_data_error(fetch(&[&server.address], folder.path()), &folder.path().join("first"), reason);
            assert_eq!(names(folder.path()), [""; 0], "{reason}");
            assert_eq!(server.requests.load(Ordering::Relaxed), 2, "{reason}");

            fetch(&[&server.address, &serve(right).address], folder.path()).unwrap();
            assert_eq!(names(folder.path()), ["first.gz", "second.gz"], "{reason}");
        }
    }

    #[test]
    fn a_mirror_that_does_not_answer_is_asked_once() {
        let (silent, folder) = (serve(|_| Vec::new()), tempdir().unwrap());
        let refusing = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let refusing = format!("http://{refusing}/");
        let result = fetch(&[&silent.address, &refusing], folder.path());
        assert_eq!(silent.requests.load(Ordering::Relaxed), 1);
        let Err(Error::Data(message)) = &result else { panic!("{result:?}") };
        assert!(message.contains(&silent.address) && message.contains(&refusing), "{message}");
        assert!(message.ends_with("; place the four files in a folder and pass --data-dir"), "{message}");
        assert_data_error(result, &folder.path().join("first"), "could not be fetched, tried ");
    }

    #[test]
    fn files_that_are_right_are_kept_and_others_never_overwritten() {
        let (server, folder) = (serve(right), tempdir().unwrap());
        fs::write(folder.path().join("first"), CONTENTS[0]).unwrap();
        fetch(&[&server.address], folder.path()).unwrap();
        assert_eq!(names(folder.path()), ["first", "second.gz"]);
        assert_eq!(server.requests.load(Ordering::Relaxed), 1);

        let own = folder.path().join("second.gz");
        fs::write(&own, gzip(b"something else")).unwrap();
        assert_data_error(fetch(&[&server.address], folder.path()), &own, "the checksum is not Fashion-MNIST's");
        assert_eq!(fs::read(&own).unwrap(), gzip(b"something else"));
    }

    #[test]
    fn the_caller_can_stop() {
        let (server, folder) = (serve(right), tempdir().unwrap());
        let sources = Sources { files: &TWO_FILES, mirrors: &[&server.address], package: None };
        let stop = &mut |_: &data::Progress| Err(Error::Interrupted("stopped".to_owned()));
        assert!(matches!(data::fetch_from(&sources, folder.path(), stop), Err(Error::Interrupted(_))));
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_a_data_error() {
        let folder = tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        assert_data_error(fetch(&[], &file), &file, "the folder cannot be made");
    }
}
