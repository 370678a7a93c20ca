"""Keras' face."""

import csv

import numpy as np
import pytest

from gpu_fmnist import keras, load_model
from gpu_fmnist.keras import Input, Model, Sequential, callbacks, layers, optimizers


def model(**options):
    made = Sequential(
        [
            Input((8, 8, 1)),
            layers.Conv2D(6, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ],
        device="cpu",
    )
    made.compile(optimizers.Adam(5e-3), "sparse_categorical_crossentropy", ["accuracy"], **options)
    return made


def test_a_sequence_learns_and_answers(data):
    images, labels = data
    made = model()
    history = made.fit(images, labels, epochs=4, validation_split=0.25, verbose=0)
    assert history.epoch == [0, 1, 2, 3] and len(history.history["val_accuracy"]) == 4
    assert history.history["loss"][-1] < history.history["loss"][0]
    loss, accuracy = made.evaluate(images, labels)
    answers = made.predict(images)
    assert answers.shape == (400, 2) and answers.dtype == np.float32
    np.testing.assert_allclose(answers.sum(1), 1, rtol=1e-6)
    assert accuracy == (answers.argmax(1) == labels).mean() > 0.95
    np.testing.assert_allclose(loss, -np.log(answers[np.arange(400), labels]).mean(), rtol=1e-5)


def test_without_a_softmax_the_answers_are_logits(data):
    images, labels = data
    made = Sequential([Input((8, 8)), layers.Flatten(), layers.Dense(2)], device="cpu")
    made.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    made.fit(images, labels, verbose=0)
    kernel, bias = made.get_weights()
    expected = (images.reshape(400, 64) / np.float32(255)) @ kernel + bias
    np.testing.assert_allclose(made.predict(images), expected, atol=1e-5)


def test_a_graph_has_branches(data):
    images, labels = data
    inputs = Input((8, 8, 1))
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    y = layers.Conv2D(4, 3, padding="same")(x)
    x = layers.Concatenate()([layers.Add()([x, y]), x])
    made = Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(layers.ReLU()(x))), device="cpu")
    made.compile("adam", "categorical_crossentropy", ["accuracy"])
    made.fit(images, np.eye(2)[labels], epochs=2, verbose=0)
    assert [layer.name for layer in made.layers] == ["conv2d", "conv2d_1", "add", "concatenate", "re_lu",
                                                     "global_average_pooling2d", "dense"]  # fmt: skip
    assert made.predict(images).shape == (400, 2)


def test_unscaled_pixels_of_another_type_are_warned_of(data):
    images, labels = data
    with pytest.warns(UserWarning, match=r"x: whole numbers up to 249 as int64 are taken as they are; give x.astype"):
        model().fit(images.astype(int), labels, verbose=0)
    with pytest.warns(UserWarning, match="x divided by the largest"):
        model().evaluate(images.astype("uint16") * 257, labels)


def test_the_summary_is_keras_table(capsys):
    model().summary()
    text = capsys.readouterr().out
    assert 'Model: "sequential"' in text and "conv2d (Conv2D)" in text and "Total params: 170" in text
    assert model().count_params() == 170


@pytest.mark.parametrize("ending", ["keras", "h5", "onnx", "safetensors"])
def test_a_saved_model_answers_the_same(data, tmp_path, ending):
    images, labels = data
    made = model()
    made.fit(images, labels, epochs=1, verbose=0)
    made.save(tmp_path / f"model.{ending}")
    again = load_model(tmp_path / f"model.{ending}", device="cpu")
    np.testing.assert_array_equal(again.predict(images).argmax(1), made.predict(images).argmax(1))
    np.testing.assert_allclose(again.evaluate(images, labels), made.evaluate(images, labels), rtol=1e-6)
    again.fit(images, labels, epochs=1, verbose=0)


def test_weights_can_be_taken_and_given(data):
    images, labels = data
    one, other = model(), model()
    before = one.get_weights()
    assert [weight.shape for weight in before] == [(3, 3, 1, 6), (6,), (54, 2), (2,)]
    np.testing.assert_array_equal(before[0], other.get_weights()[0])
    one.fit(images, labels, verbose=0)
    other.set_weights(one.get_weights())
    np.testing.assert_array_equal(one.predict(images), other.predict(images))
    with pytest.raises(ValueError, match=r"conv2d.kernel is \[2\], but the model's is \[3, 3, 1, 6\]"):
        other.set_weights([np.zeros(2)] * 4)
    with pytest.raises(ValueError, match="weights has 1 samples|as many"):
        other.set_weights([np.zeros(2)])


def test_fit_begins_with_the_weights_that_there_are(data):
    images, labels = data
    one, other = model(), model()
    other.get_weights()
    one.fit(images, labels, verbose=0, seed=0)
    other.fit(images, labels, verbose=0, seed=0)
    np.testing.assert_array_equal(one.get_weights()[2], other.get_weights()[2])
    before = one.evaluate(images, labels)[0]
    one.fit(images, labels, verbose=0)
    assert one.evaluate(images, labels)[0] < before


def test_callbacks_are_told_and_steer(data, tmp_path):
    images, labels = data
    told = []

    class Own(callbacks.Callback):
        def on_train_begin(self, logs=None):
            told.append("begin")

        def on_epoch_begin(self, epoch, logs=None):
            told.append(("epoch", epoch))

        def on_train_batch_end(self, batch, logs=None):
            told.append(("batch", batch, set(logs)))

        def on_epoch_end(self, epoch, logs=None):
            told.append(("loss", logs["loss"], self.model.evaluate(images, labels)[0]))
            self.model.stop_training = epoch == 1

        def on_train_end(self, logs=None):
            told.append("end")

    seen = []
    made = model()
    history = made.fit(images, labels, epochs=9, verbose=0, callbacks=[Own(), lambda epoch, logs: seen.append(epoch)])
    assert told[0] == "begin" and told[1] == ("epoch", 0) and told[-1] == "end" and ("epoch", 1) in told
    assert ("batch", 12, {"loss", "accuracy"}) in told
    assert history.epoch == seen == [0, 1]
    # The model in a callback has the epoch's weights.
    assert [one for one in told if one[0] == "loss"][-1][2] == made.evaluate(images, labels)[0]


def test_checkpoints_logs_and_rates(data, tmp_path):
    images, labels = data
    made = model()
    history = made.fit(
        images, labels, epochs=3, verbose=0, validation_split=0.2,
        callbacks=[
            callbacks.ModelCheckpoint(tmp_path / "{epoch}-{val_loss:.3f}.keras"),
            callbacks.CSVLogger(tmp_path / "log.csv"),
            callbacks.LearningRateScheduler(lambda epoch, rate: 0.01 / (epoch + 1)),
        ],
    )  # fmt: skip
    assert history.history["learning_rate"] == [0.01, 0.005, 0.01 / 3]
    assert len(list(tmp_path.glob("*.keras"))) == 3
    rows = list(csv.DictReader(open(tmp_path / "log.csv")))
    assert [float(row["loss"]) for row in rows] == history.history["loss"] and rows[0]["epoch"] == "0"
    last = load_model(next(tmp_path.glob("3-*.keras")), device="cpu")
    np.testing.assert_array_equal(last.predict(images), made.predict(images))


def test_only_the_best_are_saved(data, tmp_path):
    images, labels = data
    made, rates = model(), [5e-3, 5e-3, 0.5, 5e-3, 5e-3]
    best = callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras", monitor="loss", save_best_only=True)
    schedule = callbacks.LearningRateScheduler(lambda epoch, rate: rates[epoch])
    losses = made.fit(images, labels, epochs=5, verbose=0, callbacks=[schedule, best]).history["loss"]
    improved = {f"{epoch + 1}.keras" for epoch, loss in enumerate(losses) if loss == min(losses[: epoch + 1])}
    assert {path.name for path in tmp_path.iterdir()} == improved != {f"{epoch}.keras" for epoch in range(1, 6)}


def test_the_last_part_validates_and_does_not_train(data):
    images, labels = data
    one, other = model(), model()
    history = one.fit(images, labels, epochs=2, verbose=0, validation_split=0.25).history
    assert other.fit(images[:300], labels[:300], epochs=2, verbose=0).history["loss"] == history["loss"]
    loss, accuracy = one.evaluate(images[300:], labels[300:])
    assert history["val_accuracy"][-1] == accuracy and abs(history["val_loss"][-1] - loss) < 1e-6


def test_a_rate_that_a_callback_sets_holds(data):
    def slower(epoch, logs):
        made.optimizer.learning_rate = 1e-4

    made = model()
    history = made.fit(*data, epochs=3, verbose=0, callbacks=slower)
    assert history.history["learning_rate"] == [5e-3, 1e-4, 1e-4]


def test_early_stopping_and_plateaus_are_the_engines(data):
    images, labels = data
    made = model()
    stop = callbacks.EarlyStopping("loss", min_delta=10.0, patience=2, restore_best_weights=True)
    history = made.fit(images, labels, epochs=9, verbose=0, callbacks=[stop])
    assert history.epoch == [0, 1, 2]
    once = model()
    once.fit(images, labels, epochs=1, verbose=0)
    np.testing.assert_array_equal(made.predict(images), once.predict(images))
    plateau = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10.0)
    rates = model().fit(images, labels, epochs=4, verbose=0, callbacks=plateau).history["learning_rate"]
    assert rates == [5e-3, 5e-3, 2.5e-3, 1.25e-3]


def test_what_a_callback_raises_ends_the_training_and_keeps_the_weights(data):
    made = model()

    def fails(epoch, logs):
        raise RuntimeError("of my own")

    first = made.get_weights()[0]
    with pytest.raises(RuntimeError, match="of my own"):
        made.fit(*data, epochs=3, verbose=0, callbacks=fails)
    assert (made.get_weights()[0] != first).any() and made.history.epoch == [0]


def test_progress_is_a_bar_or_a_line(data, capsys):
    made = model()
    made.fit(*data, epochs=2, verbose=1)
    err = capsys.readouterr().err
    assert "Epoch 2/2" in err and "400" in err and "accuracy=" in err
    made.fit(*data, epochs=1, verbose=2)
    assert capsys.readouterr().out.startswith("Epoch 1/1: ")
    made.fit(*data, epochs=1, verbose=0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda: layers.Conv2D(3, 3, filtrs=2), TypeError, 'unknown argument "filtrs" (did you mean "filters"?)'),
        (lambda: layers.Dense(3, name=4), ValueError, "name is 4; give a text"),
        (lambda: Input((8, 0)), ValueError, "shape is (8, 0); give (H, W, C)"),
        (lambda: Sequential([3]), ValueError, "layers has 3; give layers such as Dense(10)"),
        (lambda: Sequential(3), ValueError, "layers is 3; give a list"),
        (lambda: Sequential([layers.Dense(2)], device="cpu").summary(), ValueError, "its input's shape is not known"),
        (lambda: layers.Add()(Input((2, 2, 1))), ValueError, "takes a list of two inputs or more"),
        (lambda: layers.Dense(2)(3), ValueError, "its input is 3; give what Input or a layer returned"),
        (lambda: Model(3, 4), ValueError, "inputs is 3; give what Input"),
        (lambda: model().compile("adm"), ValueError, "optimizer is 'adm' (did you mean \"adam\"?)"),
        (lambda: model().compile("adam", "mse"), ValueError, "loss is 'mse'; give one of"),
        (lambda: model().compile("adam", None), ValueError, "loss is None; give one of"),
        (lambda: model().compile(los="x"), TypeError, 'unknown argument "los" (did you mean "loss"?)'),
        (lambda: model().compile("adam", "sparse_categorical_crossentropy", ["auc"]), ValueError, "metrics is 'auc'"),
        (lambda: optimizers.Adam(beta1=0.9), TypeError, 'unknown argument "beta1" (did you mean "beta_1"?)'),
        (lambda: optimizers.SGD(momentum=1), ValueError, "momentum is 1; give a number from 0 to below 1"),
        (lambda: callbacks.EarlyStopping("val_acc"), ValueError, "monitor is 'val_acc' (did you mean \"val_loss\"?)"),
        (lambda: callbacks.EarlyStopping("loss", mode="max"), ValueError, "give 'min' or 'auto'"),
        (lambda: model().get_layer("dens"), ValueError, "no layer is called 'dens'"),
        (lambda: load_model("nothing.keras"), ValueError, "nothing.keras"),
        (lambda: load_model(3), ValueError, "filepath is 3; give a path"),
        (lambda: model().save("model.pt"), ValueError, "its ending is no format's; give one of .onnx"),
        (lambda: keras.utils.set_random_seed(-1), ValueError, "seed is -1"),
        (
            lambda: Sequential([Input((4, 4, 1)), layers.Conv2D(2, 9), layers.Flatten(), layers.Dense(2)]).summary(),
            ValueError,
            "conv2d",
        ),
    ],
)
def test_mistakes_are_named(make, kind, words):
    with pytest.raises(kind) as error:
        make()
    assert words in str(error.value), str(error.value)


def test_mistakes_of_fit_are_named(data):
    images, labels = data
    for arguments, words in [
        ({"x": None}, "x is missing; give images"),
        ({"y": None}, "y is missing; give labels"),
        ({"x": images[:, :5]}, "x is an array [400, 5, 8] of uint8, but the model takes images [8, 8, 1]"),
        ({"x": images.astype("U3")}, "give uint8 (0 to 255) or floats"),
        ({"x": np.full((400, 8, 8), np.nan)}, "x: a pixel of image 0 is NaN; give finite numbers"),
        ({"x": images[:0]}, "give at least one image"),
        ({"y": labels[1:]}, "y has 399 samples, but x has 400; give as many"),
        ({"y": labels + 1}, "label 2 of sample 1 is none; give whole numbers from 0 to 1"),
        ({"y": np.eye(2)[labels]}, "one-hot rows are of the loss 'categorical_crossentropy'"),
        ({"epochs": 0}, "epochs is 0; give a whole number, 1 or more"),
        ({"validation_split": 1.0}, "validation_split is 1.0; give"),
        ({"verbose": 7}, "verbose is 7; give"),
        ({"sample_weight": labels}, 'unknown argument "sample_weight"'),
        ({"epoch": 3}, 'unknown argument "epoch" (did you mean "epochs"?)'),
    ]:
        with pytest.raises((ValueError, TypeError)) as error:
            model().fit(**{"x": images, "y": labels, "verbose": 0, **arguments})
        assert words in str(error.value), str(error.value)
    with pytest.raises(ValueError, match="fit: the model is not compiled"):
        Sequential([Input((8, 8)), layers.Flatten(), layers.Dense(2)]).fit(images, labels)
