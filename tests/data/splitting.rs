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
