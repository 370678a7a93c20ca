//! The fuzz targets' corpora, once through the readers that the targets fuzz.

use std::fs;
use std::path::Path;

#[path = "../../fuzz/src/lib.rs"]
mod readers;

#[test]
fn every_file_of_the_corpora_is_read_or_refused() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    for (name, reads) in readers::READERS {
        let target = fuzz.join("fuzz_targets").join(format!("{name}.rs"));
        assert!(fs::read_to_string(target).unwrap().contains(&format!("gpu_fmnist_fuzz::{name}(")), "{name}");
        let files = fs::read_dir(fuzz.join("corpus").join(name)).unwrap().map(|entry| entry.unwrap().path());
        let accepted = files.filter(|path| reads(&fs::read(path).unwrap())).count();
        assert!(accepted > 0, "{name}: no file of the corpus is what the reader reads");
    }
    assert_eq!(fs::read_dir(fuzz.join("corpus")).unwrap().count(), readers::READERS.len());
    assert_eq!(fs::read_dir(fuzz.join("fuzz_targets")).unwrap().count(), readers::READERS.len());
}
