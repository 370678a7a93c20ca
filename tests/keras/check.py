"""Real Keras against our files, and the other way round: what tests/keras/oracle.rs runs, with a folder.

FOLDER/ours/NAME/ has model.h5 and model.keras as we wrote them, half.h5 and half.keras with weights in float16, and beside them what is true of them: the arrays by name
(`.f32`), Adam's state, images and labels, our probabilities, and the arrays after another epoch of ours.
FOLDER/theirs/NAME.h5 and .keras are written here by Keras, and FOLDER/theirs/NAME/ what is true of them, for us to read;
FOLDER/optimizers/NAME/ has the same of a network that another optimizer trained, with what it keeps, and theirs/ in there the
other way round; FOLDER/refused has files that we must refuse.
"""
import json, os, sys, warnings
from pathlib import Path

os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3", COLUMNS="80")
import keras
import numpy as np

sys.dont_write_bytecode = True
import kinds

layers = keras.layers
FOLDER = Path(sys.argv[1])
WIDTHS = {  # convolutions (filters, stride, padding), then dense units and the dropout after each
    "cnn1": ([(32, 1, "valid")], [(128, 0)]),
    "cnn2": ([(32, 1, "valid"), (64, 2, "same")], [(128, 0.25), (256, 0.25), (128, 0)]),
    "cnn3": ([(64, 1, "valid"), (128, 2, "same"), (64, 2, "same")], [(128, 0.25), (256, 0.5), (256, 0.25), (128, 0.1)]),
}
STATES = {
    "first_moment": "_momentums",
    "second_moment": "_velocities",
    "velocity": "momentums",
    "average": "_model_variables_moving_average",
}
warnings.simplefilter("error")


def names(model):
    """Names of the arrays in the order of model.weights, whatever Keras calls the layers."""
    count = {}
    for layer in model.layers:
        if layer.weights:
            kind = type(layer).__name__.lower()
            number = count[kind] = count.get(kind, -1) + 1
            yield from (f"{kind}{'_' * bool(number)}{number or ''}.{part}" for part in ("kernel", "bias"))


def arrays(model):
    """All arrays by our names: weights, and what the optimizer keeps of them."""
    found = dict(zip(names(model), model.weights))
    for number, name in enumerate(list(found)):
        for state, attribute in STATES.items():
            # Before it trains, an optimizer has none.
            if kept := getattr(model.optimizer, attribute, []):
                found[f"{name}.{state}"] = kept[number]
    return {name: array.numpy() for name, array in found.items()}


def same_bits(actual, folder, has_states, what):
    expected = {path.stem: path for path in folder.glob("*.f32") if has_states or path.stem.count(".") == 1}
    assert actual.keys() == expected.keys(), (what, sorted(actual), sorted(expected))
    for name, array in actual.items():
        assert array.dtype == np.float32 and array.tobytes() == expected[name].read_bytes(), (what, name)


def near(actual, folder):
    """The part of all values that are within 1e-5 of the folder's."""
    pairs = [(array.ravel(), np.fromfile(folder / f"{name}.f32", "<f4")) for name, array in actual.items()]
    actual, expected = (np.concatenate(side) for side in zip(*pairs))
    return np.mean(np.abs(actual - expected) <= 1e-5)


def data(folder):
    images = np.fromfile(folder / "images.u8", np.uint8).reshape(-1, 28, 28, 1)
    return (images / 255).astype(np.float32), np.fromfile(folder / "labels.u8", np.uint8)


def check_ours(folder):
    truth = json.loads((folder / "truth.json").read_text())
    images, labels = data(folder)
    expected = np.fromfile(folder / "probabilities.f64", "<f8").reshape(len(images), -1)
    for file in ("model.keras", "model.h5"):
        what = f"{folder.name} {file}"
        model = keras.models.load_model(folder / file)
        optimizer = model.optimizer
        # Of a .h5 file, Keras cannot go on with a state: fit would fail.
        has_state = file.endswith(".keras")
        same_bits(arrays(model), folder / "arrays", has_state, what)
        assert int(optimizer.iterations) == (truth["time"] if has_state else 0), what
        assert np.float32(optimizer.learning_rate) == np.float32(truth["learning_rate"]), what
        config = optimizer.get_config()
        assert (type(optimizer).__name__, config["epsilon"]) == ("Adam", 1e-7), what
        difference = np.abs(model.predict(images, verbose=0) - expected).max()
        assert difference <= 1e-5, (what, difference)
        loss, accuracy = model.evaluate(images, labels, batch_size=truth["batch"], verbose=0)
        likelihood = expected[np.arange(len(labels)), labels]
        assert abs(loss + np.log(likelihood).mean()) <= 1e-4, (what, loss)
        assert abs(accuracy - np.mean(expected.argmax(1) == labels)) <= 1e-4, (what, accuracy)
        if folder.name == "cnn1":  # Without dropout, both know what comes next.
            check_continued(model, folder, truth, images, labels, has_state, what)
        print(f"{what}: predict within {difference:.1e}")
    for file in ("half.keras", "half.h5"):
        for name, array in arrays(keras.models.load_model(folder / file)).items():
            expected = np.fromfile(folder / "arrays" / f"{name}.f32", "<f4").reshape(array.shape)
            stored = expected.astype(np.float16).astype(np.float32) if name.count(".") == 1 else expected
            assert array.dtype == np.float32 and array.tobytes() == stored.tobytes(), (folder.name, file, name)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        alone = keras.models.load_model(folder / "alone.keras")
    assert ["Skipping variable loading for optimizer" in str(warning.message) for warning in said] == [True], said
    same_bits({name: array for name, array in arrays(alone).items() if name.count(".") == 1}, folder / "arrays", False, "alone")
    assert alone.fit(images, labels, verbose=0).epoch == [0] and int(alone.optimizer.iterations) > 0


def check_continued(model, folder, truth, images, labels, has_state, what):
    """After an epoch of `fit` Keras is where we are after one; and elsewhere with an Adam that starts anew."""
    history = model.fit(images, labels, batch_size=truth["batch"], epochs=1, shuffle=False, verbose=0).history
    part = near(arrays(model), folder / "after")
    print(f"{what}: after fit {part:.5f} of all weights and states agree")
    if has_state:
        assert int(model.optimizer.iterations) == truth["time_after"], what
        assert abs(history["loss"][0] - truth["loss_after"]) <= 1e-4 * truth["loss_after"], (what, history)
        assert part > 0.999, what
    else:
        assert int(model.optimizer.iterations) == truth["time_after"] - truth["time"], what
        assert part < 0.9, what


def check_optimizer(folder):
    """Keras goes on with what an optimizer of ours kept, and ends where we do."""
    truth = json.loads((folder / "truth.json").read_text())
    ours = truth["optimizer"]
    images, labels = data(folder)
    model = keras.models.load_model(folder / "model.keras")
    optimizer = model.optimizer
    if ours["weight_decay_exclude"]:  # No file can say it.
        optimizer.exclude_from_weight_decay(var_names=ours["weight_decay_exclude"])
    config = optimizer.get_config()
    assert type(optimizer).__name__.lower() == ours["type"], folder
    assert (config["weight_decay"] or 0) == ours["weight_decay"], folder
    assert (config["global_clipnorm"] or 0) == ours["global_clipnorm"], folder
    assert (config["ema_momentum"] if config["use_ema"] else 0) == ours["ema_momentum"], folder
    own = {key for key in ("beta_1", "beta_2", "epsilon", "momentum", "nesterov") if key in ours}
    assert own and all(config[key] == ours[key] for key in own), folder
    same_bits(arrays(model), folder / "arrays", True, folder)
    check_continued(model, folder, truth, images, labels, True, f"{folder.name} model.keras")


def write_their_optimizer(folder):
    """The other way round: a network after an epoch, and after another one."""
    truth = json.loads((folder / "truth.json").read_text())
    ours = truth["optimizer"]
    settings = {key: ours[key] for key in ("beta_1", "beta_2", "epsilon", "momentum", "nesterov") if key in ours}
    if ours["weight_decay"]:
        settings["weight_decay"] = ours["weight_decay"]
    if ours["global_clipnorm"]:
        settings["global_clipnorm"] = ours["global_clipnorm"]
    if ours["ema_momentum"]:
        settings |= {"use_ema": True, "ema_momentum": ours["ema_momentum"]}
    kind = {"adam": "Adam", "adamw": "AdamW", "sgd": "SGD"}[ours["type"]]
    optimizer = getattr(keras.optimizers, kind)(truth["learning_rate"], **settings)
    if ours["weight_decay_exclude"]:
        optimizer.exclude_from_weight_decay(var_names=ours["weight_decay_exclude"])
    keras.utils.set_random_seed(5)
    conv = layers.Conv2D(32, 3, activation="relu")
    stack = [keras.Input((28, 28, 1)), conv, layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(128, activation="relu")]
    model = keras.Sequential(stack + [layers.Dense(10, activation="softmax")])
    model.compile(optimizer, loss="sparse_categorical_crossentropy")
    images, labels = data(folder)
    theirs = folder / "theirs"
    for step in ("arrays", "after"):
        model.fit(images, labels, batch_size=truth["batch"], epochs=1, shuffle=False, verbose=0)
        (theirs / step).mkdir(parents=True)
        for array, values in arrays(model).items():
            values.tofile(theirs / step / f"{array}.f32")
        if step == "arrays":
            model.save(theirs / "model.keras")
    model.save(theirs / "model.h5")


def check_graph(folder):
    """A graph of ours: Keras has the layers' arrays by their names, predicts the same, lays the summary out as we do, and
    another epoch ends where ours does."""
    images = np.fromfile(folder / "images.u8", np.uint8).reshape(-1, 10, 10, 1)
    images, labels = (images / 255).astype(np.float32), np.fromfile(folder / "labels.u8", np.uint8)
    expected = np.fromfile(folder / "probabilities.f64", "<f8").reshape(len(images), -1)

    def named(model):
        return {f"{layer.name}.{weight.name}": weight.numpy() for layer in model.layers for weight in layer.weights}

    for file in ("model.keras", "model.h5"):
        model = keras.models.load_model(folder / file)
        same_bits(named(model), folder / "arrays", False, file)
        difference = np.abs(model.predict(images, verbose=0) - expected).max()
        assert difference <= 1e-5, (file, difference)
        print(f"graph {file}: predict within {difference:.1e}")
        if file == "model.keras":
            model.fit(images, labels, batch_size=8, epochs=1, shuffle=False, verbose=0)
            part = near(named(model), folder / "after")
            print(f"graph {file}: after fit {part:.5f} of all weights agree")
            assert part > 0.99, part
    lines = []
    keras.models.load_model(folder / "model.h5", compile=False).summary(print_fn=lines.append)
    assert "".join(lines) == (folder / "summary.txt").read_text(), "".join(lines)


def write_theirs(name, folder):
    keras.utils.set_random_seed(len(name))
    # Layers are numbered on in one process: the first names are not always those of a model on its own.
    stack = [keras.Input((28, 28, 1))]
    for filters, stride, padding in WIDTHS[name][0]:
        stack += [layers.Conv2D(filters, 3, strides=stride, padding=padding, activation="relu"), layers.MaxPooling2D(2)]
    stack.append(layers.Flatten())
    for units, rate in WIDTHS[name][1]:
        stack += [layers.Dense(units, activation="relu")] + ([layers.Dropout(rate)] if rate else [])
    model = keras.Sequential(stack + [layers.Dense(10, activation="softmax")])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = data(FOLDER / "ours" / name)
    model.fit(images, labels, batch_size=8, epochs=1, verbose=0)
    model.save(folder / f"{name}.keras")  # first: saving as HDF5 takes the optimizer out of what .keras would hold
    model.save(folder / f"{name}.h5")
    (folder / name).mkdir()
    for array, values in arrays(model).items():
        values.tofile(folder / name / f"{array}.f32")
    model.predict(images, verbose=0).tofile(folder / name / "probabilities.f32")
    truth = {"learning_rate": float(model.optimizer.learning_rate), "time": int(model.optimizer.iterations)}
    (folder / name / "truth.json").write_text(json.dumps(truth))


def write_refused(folder):
    """Networks beyond ours, each with what must be said of it."""
    image = keras.Input((8, 8, 2))
    flat, last = layers.Flatten(), lambda: layers.Dense(3, activation="softmax", name="last")
    plain = lambda *middle: keras.Sequential([keras.Input((8, 8, 2)), *middle, layers.Flatten(), last()])
    conv = lambda **settings: plain(layers.Conv2D(4, 3, name="odd", **settings))
    half = plain(layers.Conv2D(4, 3, name="odd", dtype="mixed_float16"))
    twice = layers.Conv2D(2, 3, padding="same", name="odd")
    twice = twice(twice(image))
    wide = layers.Add(name="odd")([image, layers.Conv2D(1, 1)(image)])
    joined = layers.Concatenate(axis=1, name="odd")([image, image])
    product = layers.Multiply(name="odd")([image, image])

    @keras.saving.register_keras_serializable("My")
    class Flatten(layers.Flatten):
        pass

    models = {
        "normalised": (plain(layers.BatchNormalization(axis=1, name="odd")), "layer 'odd' (BatchNormalization): axis is 1"),
        "mine": (keras.Sequential([image, Flatten(name="odd"), last()]), "Flatten): "),
        "zeros": (plain(layers.ZeroPadding2D(2, name="odd"), layers.Conv2D(4, 3)), "layer 'odd' (ZeroPadding2D): it is supported only"),
        "softmax": (conv(activation="softmax"), "layer 'odd' (Conv2D): its softmax is not the network's end"),
        "large": (keras.Sequential([image, layers.Conv2D(3, 7, name="odd")]), "layer 'odd' (Conv2D): the last layer must be"),
        "clipped": (plain(layers.ReLU(6.0, negative_slope=0.1, name="odd")), "layer 'odd' (ReLU): it has both a max_value and"),
        "learned": (plain(layers.PReLU(name="odd")), "layer 'odd' (PReLU): layers of this class are unsupported"),
        "dilated": (conv(dilation_rate=2), "layer 'odd' (Conv2D): dilation_rate is [2,2]"),
        "grouped": (conv(groups=2), "layer 'odd' (Conv2D): groups is 2"),
        "first": (conv(data_format="channels_first", padding="same"), "layer 'odd' (Conv2D): data_format is \"channels_first\""),
        "selu": (conv(activation="selu"), "layer 'odd' (Conv2D): activation is \"selu\""),
        "half": (half, "layer 'odd' (Conv2D): dtype is \"mixed_float16\""),
        "shared": (keras.Model(image, last()(flat(twice))), "layer 'odd' (Conv2D): it is used in 2 places"),
        "broadcast": (keras.Model(image, last()(layers.Flatten()(wide))), "layer 'odd' (Add): its inputs are of different shapes"),
        "joined": (keras.Model(image, last()(layers.Flatten()(joined))), "layer 'odd' (Concatenate): axis is 1"),
        "product": (keras.Model(image, last()(layers.Flatten()(product))), "layer 'odd' (Multiply): layers of this class are"),
        "rescaled": (plain(layers.Conv2D(2, 3), layers.Rescaling(2, name="odd")), "layer 'odd' (Rescaling): it does not scale the pixels"),
        "turned": (plain(layers.Permute((2, 1, 3), name="odd")), "layer 'odd' (Permute)"),
        "cropped": (plain(layers.RandomCrop(4, 4, name="odd")), "layer 'odd' (RandomCrop)"),
        "reshaped": (plain(layers.Reshape((4, 16, 2)), layers.Conv2D(4, 3, name="odd")), "layer 'odd' (Conv2D): its input [4, 16, 2]"),
        "twice": (keras.Sequential([plain(), layers.Softmax()]), "(Dense): its softmax is not the network's end"),
        "images": (plain(layers.Dense(3, name="odd")), "layer 'odd' (Dense): its input [8, 8, 2] is not flat"),
    }
    for name, (model, _) in models.items():
        model.save(folder / f"{name}.keras")
        model.save(folder / f"{name}.h5")
    (folder / "expected.json").write_text(json.dumps({name: said for name, (_, said) in models.items()}))


def check_ours_in_keras_2(folder):
    """Keras 2 reads the .h5 files, but starts with a new Adam."""
    try:
        import tf_keras
    except ImportError:
        print("SKIPPED: Keras 2 (tf_keras) is not installed")
        return
    images, _ = data(folder)
    expected = np.fromfile(folder / "probabilities.f64", "<f8").reshape(len(images), -1)
    model = tf_keras.models.load_model(folder / "model.h5")
    difference = np.abs(model.predict(images, verbose=0) - expected).max()
    assert difference <= 1e-5 and model.optimizer is not None, (folder, difference)
    print(f"{folder.name} model.h5 in Keras {tf_keras.__version__}: predict within {difference:.1e}")


print(f"Keras {keras.__version__}")
for folder in ("theirs", "refused"):
    (FOLDER / folder).mkdir()
for name in WIDTHS:
    check_ours(FOLDER / "ours" / name)
check_graph(FOLDER / "graph")
for folder in sorted((FOLDER / "optimizers").iterdir()):
    check_optimizer(folder)
warnings.simplefilter("default")
for name in WIDTHS:
    write_theirs(name, FOLDER / "theirs")
for folder in sorted((FOLDER / "optimizers").iterdir()):
    write_their_optimizer(folder)
write_refused(FOLDER / "refused")
kinds.write(keras, FOLDER / "kinds")
try:
    import tf_keras
    kinds.write(tf_keras, FOLDER / "kinds2")
except ImportError:
    print("SKIPPED: networks of every kind by Keras 2 (tf_keras), which is not installed")
for name in WIDTHS:
    check_ours_in_keras_2(FOLDER / "ours" / name)
