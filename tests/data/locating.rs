use super::*;

const DOTS: [&str; 4] =
    ["train-images.idx3-ubyte", "train-labels.idx1-ubyte", "test-images.idx3-ubyte", "test-labels.idx1-ubyte"];

/// Three training and two test images of 2 x 1 pixels under these names.
fn folder(names: [&str; 4]) -> TempDir {
    let folder = tempdir().unwrap();
    add(&folder, names);
    folder
}

fn add(folder: &TempDir, names: [&str; 4]) {
    let contents = [
        idx(0x0803, &[3, 2, 1], &[1, 2, 3, 4, 5, 6]),
        idx(0x0801, &[3], &[0, 2, 1]),
        idx(0x0803, &[2, 2, 1], &[7, 8, 9, 10]),
        idx(0x0801, &[2], &[4, 0]),
    ];
    for (name, bytes) in names.iter().zip(&contents) {
        let bytes = if name.ends_with(".gz") { gzip(bytes) } else { bytes.clone() };
        fs::write(folder.path().join(name), bytes).unwrap();
    }
}

#[test]
fn files_of_other_names_are_taken_where_it_is_plain_which_they_are() {
    let usual = FILES.map(|file| file.name.to_owned());
    let caps = usual.clone().map(|name| name.to_uppercase());
    let letters = ["train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1"];
    let letters = letters.map(|name| format!("emnist-letters-{name}-ubyte.gz"));
    let qmnist =
        ["train-images-idx3-ubyte", "train-labels-idx2-int.gz", "test-images-idx3-ubyte.gz", "test-labels-idx2-int"];
    let qmnist = qmnist.map(|name| format!("qmnist-{name}"));
    for names in [usual, caps, letters, qmnist, DOTS.map(str::to_owned)] {
        let names = names.each_ref().map(String::as_str);
        let folder = folder(names);
        let dataset = Dataset::load(folder.path()).unwrap();
        assert_eq!((dataset.train.labels, dataset.test.images), (vec![0, 2, 1], vec![7, 8, 9, 10]), "{names:?}");
        // Some file systems know a file by a name in small letters, too.
        let lower = |path: PathBuf| path.to_str().unwrap().to_lowercase();
        assert_eq!(dataset.files.map(lower), names.map(|name| lower(folder.path().join(name))));
        assert_eq!(data::locate(Some(folder.path())).unwrap().as_deref(), Some(folder.path()));
    }
}

#[test]
fn the_usual_names_come_first_and_plain_files_before_gzip() {
    let folder = folder(DOTS);
    add(&folder, DOTS.map(|name| name.replace(".idx", "_idx") + ".gz").each_ref().map(String::as_str));
    // Two names for each file, and neither is the usual one.
    assert_data_error(
        Dataset::load(folder.path()),
        folder.path(),
        "no train-images-idx3-ubyte (but train-images.idx3-ubyte, ",
    );
    add(&folder, FILES.map(|file| file.name));
    let usual = FILES.map(|file| folder.path().join(file.name));
    assert_eq!(Dataset::load(folder.path()).unwrap().files, usual);
    let again = self::folder(DOTS);
    add(&again, DOTS.map(|name| format!("{name}.gz")).each_ref().map(String::as_str));
    assert_eq!(Dataset::load(again.path()).unwrap().files, DOTS.map(|name| again.path().join(name)));
}

#[test]
fn files_of_several_data_sets_are_not_chosen_from() {
    let scratch = tempdir().unwrap();
    for set in ["emnist-digits", "emnist-letters"] {
        add(&scratch, DOTS.map(|name| format!("{set}-{name}")).each_ref().map(String::as_str));
    }
    let part = "the files of 2 data sets are here (emnist-digits, emnist-letters); put the four files of one";
    assert_data_error(Dataset::load(scratch.path()), scratch.path(), part);
    // Nor are they mixed.
    let mixed = folder([DOTS[0], DOTS[1], "emnist-test-images-idx3-ubyte", "emnist-test-labels-idx1-ubyte"]);
    let part = "no t10k-images-idx3-ubyte (but emnist-test-images-idx3-ubyte), t10k-labels-idx1-ubyte (but emnist-";
    assert_data_error(Dataset::load(mixed.path()), mixed.path(), part);
}

#[test]
fn what_is_missing_is_named_beside_what_is_there() {
    let scratch = folder(DOTS);
    fs::rename(scratch.path().join(DOTS[3]), scratch.path().join("test-labels.npy")).unwrap();
    let part = "no t10k-labels-idx1-ubyte (but test-labels.npy) here beside train-images.idx3-ubyte, train-labels.idx1-ubyte, \
                test-images.idx3-ubyte; complete the data set, or give another folder with `data_dir`";
    assert_data_error(Dataset::load(scratch.path()), scratch.path(), part);
}

#[test]
fn a_folder_without_data_says_what_is_there() {
    let scratch = tempdir().unwrap();
    let nowhere = scratch.path().join("nowhere");
    assert_data_error(Dataset::load(&nowhere), &nowhere, "there is no such folder; check the path");
    assert_data_error(
        Dataset::load(scratch.path()),
        scratch.path(),
        "here, plain or .gz; put the four files here, or fetch",
    );
    fs::write(scratch.path().join("mnist.npz"), b"PK\x03\x04 x_train.npy").unwrap();
    assert_data_error(
        Dataset::load(scratch.path()),
        scratch.path(),
        "here; mnist.npz is NumPy arrays (.npz): write its array",
    );
    let inside = scratch.path().join("MNIST/raw");
    fs::create_dir_all(&inside).unwrap();
    for (from, to) in FILES.iter().zip(DOTS) {
        fs::copy(folder(DOTS).path().join(to), inside.join(from.name)).unwrap();
    }
    let part = format!("no data set here, but one in {}; give that folder", inside.display());
    assert_data_error(Dataset::load(scratch.path()), scratch.path(), &part);
}

/// Deleting is a remedy only for what can be had again.
#[test]
fn damaged_files_of_someones_own_are_not_to_be_deleted() {
    let scratch = folder(FILES.map(|file| file.name));
    let path = scratch.path().join(FILES[0].name);
    fs::write(&path, b"").unwrap();
    assert_data_error(Images::read(&path), &path, "the file is empty; put a whole copy of the file in its place");
    fs::write(&path, b"<html>").unwrap();
    let part = "a web page (HTML), as a failed download leaves it, not an IDX file; put a whole copy";
    assert_data_error(Images::read(&path), &path, part);
    assert_eq!(data::fetch_again(&path), None);
}
