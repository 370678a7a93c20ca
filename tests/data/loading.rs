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
