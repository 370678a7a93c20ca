"""The classifier among scikit-learn's."""

import pickle
import warnings

import numpy as np
import pytest
from conftest import pictures
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.model_selection import train_test_split as sklearns
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import gpu_fmnist
from gpu_fmnist import Classifier, train_test_split

#: Checks that are not passed, and why.
EXPECTED = {}


@parametrize_with_checks(
    [Classifier(device="cpu", epochs=30, batch_size=32, learning_rate=0.01)], expected_failed_checks=lambda _: EXPECTED
)
def test_scikit_learns_own_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def small(**options):
    return Classifier(device="cpu", epochs=4, batch_size=20, learning_rate=5e-3, **options)


def test_images_of_any_form_are_the_same_images(data):
    images, labels = data
    expected = small().fit(images, labels).predict_proba(images)
    assert (expected.argmax(1) == labels).mean() > 0.95
    for other in (images[..., None], images[:, ::-1][:, ::-1], np.asfortranarray(images)):
        np.testing.assert_array_equal(small().fit(other, labels).predict_proba(other), expected)


def test_flat_pictures_of_a_model_are_its_pictures():
    images, labels = pictures(100, size=28)
    one = Classifier("cnn1", device="cpu", epochs=1, batch_size=50)
    expected = one.fit(images, labels).predict_proba(images)
    flat = images.reshape(100, -1)
    np.testing.assert_array_equal(clone(one).fit(flat, labels).predict_proba(flat), expected)


def test_labels_are_whatever_they_are(data):
    images, labels = data
    words = np.array(["lying", "standing"])[labels]
    classifier = small().fit(images, words)
    assert list(classifier.classes_) == ["lying", "standing"]
    assert (classifier.predict(images) == words).mean() > 0.95
    assert classifier.network_.class_names() == ["lying", "standing"]
    assert set(small().fit(images, np.where(labels, -7, 900)).predict(images)) <= {-7, 900}


def test_it_works_in_what_scikit_learn_makes_of_estimators(data):
    images, labels = data
    assert cross_val_score(small(), images, labels, cv=3).mean() > 0.9
    search = GridSearchCV(small(), {"learning_rate": [1e-6, 5e-3]}, cv=2, n_jobs=2).fit(images, labels)
    assert search.best_params_ == {"learning_rate": 5e-3}
    scaled = make_pipeline(FunctionTransformer(lambda x: x / np.float32(255)), small())
    np.testing.assert_array_equal(
        scaled.fit(images, labels).predict(images), small().fit(images, labels).predict(images)
    )


def test_it_pickles_with_its_weights(data):
    images, labels = data
    classifier = small().fit(images, labels)
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict_proba(images), classifier.predict_proba(images))
    assert again.history_ == classifier.history_
    assert not hasattr(pickle.loads(pickle.dumps(small())), "network_")


def test_splits_are_scikit_learns():
    from gpu_fmnist import k_folds

    for count, part, seed in ((10, 0.3, 0), (101, 0.2, 2020), (60_000, 0.2, 7)):
        ours, theirs = (
            train_test_split(count, part, seed),
            sklearns(np.arange(count), test_size=part, random_state=seed),
        )
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])
    folds = KFold(7, shuffle=True, random_state=3).split(np.arange(50))
    for ours, theirs in zip(k_folds(50, 7, 3), folds, strict=True):
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1], theirs[1])


def test_a_batch_is_no_larger_than_the_samples(data):
    with pytest.warns(UserWarning, match="batch_size 4000: only 300 samples train; a step takes all"):
        clipped = Classifier(device="cpu", epochs=1, batch_size=4000, validation_fraction=0.25).fit(*data)
    assert clipped.history_ == Classifier(device="cpu", epochs=1, validation_fraction=0.25).fit(*data).history_


def test_the_seed_decides(data):
    images, labels = data
    one, same, other = (small(random_state=seed).fit(images, labels).history_ for seed in (3, 3, 4))
    assert one == same != other
    drawn = small(random_state=np.random.RandomState(0)).fit(images, labels)
    assert drawn.history_ == small(random_state=np.random.RandomState(0)).fit(images, labels).history_


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "epochs is 0; give a whole number, 1 or more"),
        ({"batch_size": 2.5}, "batch_size is 2.5; give a whole number"),
        ({"learning_rate": -1}, "learning_rate is -1; give a positive number"),
        ({"learning_rate": float("nan")}, "learning_rate is nan; give"),
        ({"model": "cnn4"}, 'no such model (did you mean "cnn1"?)'),
        ({"model": 3}, "model is 3; give a built-in network's name"),
        ({"model": {"layers": [{"type": "dens"}]}}, 'unknown type "dens" (did you mean "dense"?)'),
        ({"model": {"layers": [{"type": "flatten"}, {"type": "dense", "units": 1}]}}, "two classes or more"),
        ({"optimizer": "adm"}, '[optimizer]: type is "adm"'),
        ({"settings": {"optimizer.betta_1": 0.5}}, 'unknown key "betta_1" (did you mean "beta_1"?)'),
        ({"settings": {"optimizer.beta_1": object()}}, "settings: optimizer.beta_1 is <object"),
        ({"settings": [1]}, "settings is [1]; give a dict"),
        ({"validation_fraction": 1}, "validation_fraction is 1; give a fraction from 0 to below 1"),
        ({"callbacks": [3]}, "callbacks has 3; give Callback objects"),
        ({"random_state": -1}, "random_state is -1; give a whole number, 0 or more"),
        ({"verbose": 9}, "verbose is 9; give a whole number, 0 to 2"),
        ({"device": 5}, 'device is 5; give "auto"'),
    ],
)
def test_parameters_that_cannot_be_are_named(data, options, words):
    with pytest.raises(ValueError) as error:
        Classifier(**{"device": "cpu", "epochs": 1, **options}).fit(*data)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_device_that_is_not_there_is_named_with_those_that_are(data):
    from gpu_fmnist import AdapterError

    with pytest.raises(AdapterError, match="no such thing: no such adapter; there are"):
        Classifier(device="no such thing").fit(*data)


def test_a_failing_fit_leaves_the_one_before(data):
    images, labels = data
    classifier = small().fit(images, labels)
    before = classifier.predict_proba(images)
    with pytest.raises(gpu_fmnist.DivergedError, match="try a smaller `learning_rate`"):
        classifier.set_params(learning_rate=1e30).fit(images, labels[::-1])
    np.testing.assert_array_equal(classifier.predict_proba(images), before)
    assert len(classifier.history_["loss"]) == 4


def test_bytes_validate_what_floats_were_trained_on(data):
    images, labels = data
    floats = images / np.float32(255)
    of_bytes = small().fit(floats, labels, validation_data=(images, labels))
    assert of_bytes.history_ == small().fit(floats, labels, validation_data=(floats, labels)).history_


def test_validation_data_must_fit(data):
    images, labels = data
    cases = [
        (3, "validation_data is 3; give"),
        ((images[:, :7], labels), "the model takes images [8, 8, 1]"),
        ((images, labels[1:]), "validation_data's y has 399 samples, but its X has 400"),
        ((images, labels + 1), "validation_data has the label"),
        ((images / np.float32(255), labels), "the training images are bytes (uint8); give both alike"),
    ]
    for given, words in cases:
        with pytest.raises(ValueError) as error:
            small().fit(images, labels, validation_data=given)
        assert words in str(error.value), str(error.value)
