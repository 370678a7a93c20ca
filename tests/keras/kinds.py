"""Small networks of every kind that is read to predict with, as Keras saves them, and what Keras predicts.

    venv/bin/pip install tensorflow-cpu keras tf_keras jax h5py && venv/bin/python kinds.py

makes the files in files/ beside this one: of Keras 3.15.1 on JAX, and of tf_keras 2.21.0, which is Keras 2.
tests/keras/check.py makes all kinds anew.
"""
import json, os, zipfile
from pathlib import Path

import numpy as np

# The networks of which there are files with weights alone, too.
WEIGHTS = ("rows", "pixels_to_image", "rows_to_image", "regularized")
# Of layers that Keras 3.15 cannot save as .h5.
NOT_IN_H5 = "not_in_h5"
# Those that take bytes; the others take bytes / 255.
OF_BYTES = ("rescaled", "rescaled_to_one", "formula")
IMAGES = np.random.default_rng(5).integers(0, 256, (12, 8, 8), np.uint8)


def kinds(keras):
    L, R, C = keras.layers, keras.regularizers, keras.constraints
    three = hasattr(keras, "ops")
    stack = lambda *layers, shape=(8, 8, 1): keras.Sequential([L.Input(shape), *layers])
    conv = lambda **more: L.Conv2D(2, 3, **{"activation": "relu", **more})
    last = lambda **more: L.Dense(3, **{"activation": "softmax", **more})
    end = lambda: (L.Flatten(), last())
    yield "rows", stack(L.Flatten(), L.Dense(5, activation="relu"), L.Dense(3), shape=(8, 8))
    yield "pixels", stack(L.Dense(5, activation="relu"), last(), shape=(64,))
    yield "pixels_to_image", stack(L.GaussianNoise(0.1), L.Reshape((8, 8, 1)), conv(), *end(), shape=(64,))
    yield "rows_to_image", stack(L.Reshape((8, -1, 1)), conv(), L.MaxPooling2D(), *end(), shape=(8, 8))
    yield "image_to_pixels", stack(L.Reshape((64,)), L.Dense(5, activation="relu"), last())
    yield "reshaped_between", stack(conv(), L.Reshape((-1, 2)), L.Reshape((6, 6, 2)), L.MaxPooling2D(), L.Reshape((-1,)), last())
    yield "regularized", stack(
        conv(kernel_regularizer=R.L1(1e-3), kernel_constraint=C.MaxNorm(2), kernel_initializer="he_normal"), L.Flatten(),
        L.Dense(4, activation="relu", bias_regularizer="l2", activity_regularizer=R.L2(1e-3)),
        L.Dropout(0.5, noise_shape=(None, 1)), last(kernel_regularizer=R.L1L2(1e-3, 1e-3), bias_constraint=C.NonNeg()))
    yield "noise", stack(
        L.GaussianNoise(0.1), conv(), L.SpatialDropout2D(0.3), L.GaussianDropout(0.2), L.ActivityRegularization(l2=0.1),
        L.Flatten(), L.AlphaDropout(0.1), last())
    random = [L.RandomFlip("horizontal"), L.RandomRotation(0.1), L.RandomZoom(0.1), L.RandomTranslation(0.1, 0.1),
              L.RandomContrast(0.2), L.RandomCrop(8, 8)]
    brightness = L.RandomBrightness(0.2, value_range=(0, 1))
    yield "augmented", stack(*random, *([] if three else [brightness]), conv(), *end())
    yield "rescaled", stack(L.RandomFlip(), L.Rescaling(1 / 255), conv(), *end())
    yield "no_bias", stack(conv(use_bias=False), L.Flatten(), last(use_bias=False))
    yield "normalised", stack(
        conv(use_bias=False, activation=None), L.BatchNormalization(), L.ReLU(), L.MaxPooling2D(), L.Flatten(), L.Dense(4),
        L.Dropout(0.2), L.BatchNormalization(scale=False, epsilon=0.01), L.Activation("relu"), last())
    frozen = stack(conv(trainable=False), L.Flatten(), L.Dense(4), L.BatchNormalization(center=False), L.ReLU(), last())
    frozen.layers[3].trainable = False
    yield "frozen", frozen
    inner = stack(conv(activation=None, trainable=False), L.BatchNormalization(), L.Activation("relu"), L.Flatten())
    yield "nested", keras.Sequential([inner, keras.Sequential([L.Dense(4, activation="relu"), L.Dense(3)]), L.Softmax()])
    image = L.Input((8, 8))
    tail = L.Input((72,))
    within = keras.Model(tail, L.Dense(4, activation="relu")(tail))
    x = stack(L.Reshape((8, 8, 1)), conv(), L.Flatten(), shape=(8, 8))(image)
    yield "graph", keras.Model(image, L.Activation("softmax")(L.Activation("linear")(L.Dense(3)(within(x)))))
    yield "as_layers", stack(conv(activation=L.ReLU()), L.Dropout(0.1), L.Flatten(), last(activation=None), L.Softmax())
    if three:
        more = [L.RandomErasing(), L.RandomShear(0.1, 0.1), L.RandomPerspective(), L.RandomGaussianBlur(), L.RandomElasticTransform(),
                L.RandomInvert(value_range=(0, 1)), L.MixUp(), L.CutMix(), L.Identity()]
        yield "more_random", stack(*more, conv(), *end())
        yield "colours", stack(
            L.RandomHue(0.1, value_range=(0, 1)), L.RandomGrayscale(), L.RandomColorJitter((0, 1)), L.AugMix((0, 1)),
            L.RandAugment((0, 1)), conv(), *end(), shape=(4, 4, 3))
        yield "colour_pixels", stack(L.Dense(4, activation="relu"), last(), shape=(48,))
        yield NOT_IN_H5, stack(
            brightness, L.RandomSaturation(0.1), L.RandomColorDegeneration(0.1), L.RandomPosterization(4, value_range=(0, 1)),
            L.RandomSharpness(0.1, value_range=(0, 1)), conv(), *end(), shape=(4, 4, 3))
    yield "pool_same", stack(conv(), L.MaxPooling2D(2, padding="same"), *end())
    yield "zeros_around", stack(
        L.ZeroPadding2D(1), conv(), L.ZeroPadding2D(((0, 1), (0, 1))), conv(strides=2), L.ZeroPadding2D(((1, 2), (2, 2))),
        L.Conv2D(2, (4, 5), activation="relu"), *end())
    within = stack(conv(activation=None), L.BatchNormalization(), conv(activation=None), L.BatchNormalization(), L.Flatten())
    within.trainable = False
    within.layers[-2].trainable = True
    yield "partly_frozen", keras.Sequential([keras.Sequential([within, L.Dense(3)]), L.Softmax()])
    yield "convolution_last", stack(conv(), L.MaxPooling2D(), L.Conv2D(3, 3), L.BatchNormalization(), L.Flatten(), L.Softmax())
    yield "convolution_alone", stack(conv(), L.Conv2D(3, 6, activation="softmax"), L.Reshape((3,)))
    yield "global_max", stack(conv(), L.GlobalMaxPooling2D(), last())
    yield "unmoved", stack(
        L.CenterCrop(8, 8), L.Permute((1, 2, 3)), L.Conv2D(2, 3, dtype="float32"), L.LeakyReLU(0.0), L.Flatten(), L.Permute((1,)),
        L.Flatten(), last(activation=None), L.Activation(keras.activations.softmax))
    yield from graphs(keras)


def graphs(keras):
    """Layers and connections beyond a plain chain's."""
    L = keras.layers
    three = hasattr(keras, "ops")
    stack = lambda *layers, shape=(8, 8, 1): keras.Sequential([L.Input(shape), *layers])
    conv = lambda filters=2, size=3, **more: L.Conv2D(filters, size, **{"padding": "same", **more})
    last = lambda **more: L.Dense(3, **{"activation": "softmax", **more})

    def block(x, filters, strides=1):
        y = L.BatchNormalization()(conv(filters, strides=strides, use_bias=False)(x))
        y = conv(filters, use_bias=False)(L.Activation("relu")(y))
        y = L.BatchNormalization(momentum=0.9)(y)
        if strides > 1:
            x = conv(filters, 1, strides=strides, use_bias=False)(x)
        return L.ReLU()(L.Add()([x, y]))

    image = L.Input((8, 8, 1))
    x = L.ReLU()(L.BatchNormalization()(conv(4, use_bias=False, name="stem")(image)))
    x = block(block(block(x, 4), 6, 2), 6)
    yield "residual", keras.Model(image, last()(L.GlobalAveragePooling2D()(x)))
    image = L.Input((8, 8, 2))
    x = conv(4, activation="relu")(image)
    for axis in (3, -1):
        x = L.Concatenate(axis=axis)([x, conv(2, 1)(L.ReLU()(L.BatchNormalization(center=False)(x))), image])
    x = L.MaxPooling2D(3, strides=2, padding="same")(x)
    x = L.Concatenate(axis=1)([L.GlobalAveragePooling2D()(x), L.GlobalMaxPooling2D()(x)])
    yield "dense_block", keras.Model(image, last()(L.BatchNormalization(scale=False)(x)))
    yield "separable", stack(
        L.DepthwiseConv2D(3, depth_multiplier=3, use_bias=False), L.BatchNormalization(epsilon=0.01), L.ReLU(6.0),
        L.SeparableConv2D(5, 3, padding="same", depth_multiplier=2, activation="relu"), L.ZeroPadding2D(1),
        L.DepthwiseConv2D(3, activation="tanh"), L.SeparableConv2D(4, 2, strides=2, use_bias=False, name="sep"),
        L.GlobalAveragePooling2D(), last(use_bias=False))
    yield "pools", stack(
        conv(3), L.AveragePooling2D(3, strides=1, padding="same"), conv(3), L.AveragePooling2D((2, 1)),
        L.MaxPooling2D((3, 2), strides=(2, 1), padding="same"), conv(3), L.MaxPooling2D(2, strides=1), L.Flatten(), last())
    yield "activations", stack(
        conv(activation="tanh"), conv(activation="sigmoid"), conv(activation="elu"), conv(activation="gelu"),
        L.DepthwiseConv2D(3, activation="silu"), L.Flatten(), L.Dense(4, activation="leaky_relu"), last())
    yield "activation_layers", stack(
        conv(), L.ReLU(6.0), conv(), L.LeakyReLU(0.1), conv(), L.LeakyReLU(0.2), conv(), L.ELU(0.5), conv(), L.ELU(),
        conv(), L.ReLU(negative_slope=0.4), *(layer for name in ("gelu", "silu", "tanh", "sigmoid", "elu", "leaky_relu")
                                              for layer in (conv(), L.Activation(name))),
        L.Flatten(), last(activation=None), L.Softmax())
    yield "with_parameters", stack(
        conv(activation=L.ReLU(2.0)), L.SeparableConv2D(2, 3, activation=L.ELU(2.0)), L.Flatten(),
        L.Dense(4, activation=L.LeakyReLU(0.3)), last(), *([L.Identity()] if three else []))
    yield "normalised_first", stack(
        L.BatchNormalization(), conv(activation="relu"), L.BatchNormalization(), L.Dropout(0.1), L.Flatten(),
        L.BatchNormalization(scale=False, center=False), L.Dense(4), L.BatchNormalization(), last())
    yield "rescaled_to_one", stack(L.Rescaling(1 / 127.5, offset=-1), conv(activation="relu"), L.Flatten(), last())
    yield "rescaled_pixels", stack(L.Rescaling(2, -1), L.ZeroPadding2D(1), L.Conv2D(2, 3), L.Flatten(), last())
    yield "normalized_pixels", stack(L.Normalization(mean=0.3, variance=0.1), conv(activation="relu"), L.Flatten(), last())
    yield "pool_last", stack(conv(activation="relu"), conv(3, 1), L.GlobalAveragePooling2D(), L.Softmax(name="odds"))
    yield "flatten_last", stack(conv(activation="relu"), L.Conv2D(3, 8), L.Flatten(), L.Dropout(0.1), L.Activation("softmax"))
    kept = L.GlobalAveragePooling2D(keepdims=True), L.GlobalMaxPooling2D(keepdims=True)
    yield "kept_average", stack(conv(4), kept[0], conv(5, 1, activation="relu"), conv(3, 1), L.Reshape((3,)), L.Softmax())
    yield "kept_largest", stack(conv(4), kept[1], L.Dropout(0.1), L.Flatten(), last())
    a, b = L.Input((8, 8, 2)), L.Input((8, 8, 2))
    both = keras.Model([a, b], [L.Add(name="sum")([a, b, a]), conv(2, name="inner")(b)], name="both")
    image = L.Input((8, 8, 1))
    x, y = both([conv(2, name="one")(image), stack(conv(2), L.ReLU(), shape=(8, 8, 1))(image)])
    x = L.Concatenate()([x, y, L.Add()([x, x])])
    yield "nested_graph", keras.Model(image, keras.Sequential([L.Flatten(), last(name="end")])(x))
    odd = "input", "conv.1", "flatten", "Dense", "a" * 120
    yield "odd_names", stack(
        conv(name=odd[0]), conv(name=odd[1]), L.Reshape((128,)), L.Dense(5, name=odd[2]), L.Dense(4, name=odd[3]), last(name=odd[4]))
    if three:
        A = keras.activations
        image = L.Input((8, 8, 1))
        x = A.relu(conv(2)(image / 127.5 - 1.0))
        x = x + A.gelu(conv(2)(x))
        x = A.relu6(conv(2)(x)) + A.leaky_relu(conv(2)(x), 0.3)
        x = A.elu(conv(2)(A.silu(conv(2)(x))), 2.0)
        yield "formula", keras.Model(image, A.softmax(L.Dense(3)(L.Flatten()(A.tanh(x) + A.sigmoid(x)))))
        yield "relu6", stack(conv(activation="relu6"), L.Flatten(), last())


def optimizers(keras):
    """One for each network in turn; None for a network that was never compiled."""
    O = keras.optimizers
    names = ["Adam", "SGD", "RMSprop", "Adagrad", "Nadam", "AdamW", "Adamax", "Ftrl", "Adadelta"]
    made = [getattr(O, name)() for name in names] + [O.SGD(momentum=0.9, nesterov=True), O.Adam(clipnorm=1.0), None]
    return made + ([O.Lion(), O.Lamb(), O.LossScaleOptimizer(O.Adam()), O.Muon()] if hasattr(keras, "ops") else [])


def scramble(model):
    """Weights of no particular kind: those that nothing has trained would hide faults."""
    random = np.random.default_rng(len(model.weights))
    model.set_weights([random.uniform(0.2, 1.5, weight.shape) if "variance" in weight.name or "gamma" in weight.name
                       else random.uniform(-0.6, 0.6, weight.shape) for weight in model.weights])


def custom_loss(truth, prediction):
    return (prediction[:, 0] - 1) ** 2


def input_shape(model):
    """Without the batch. A model whose first layer is one does not know it, in Keras 2."""
    while not hasattr(model, "input_shape"):
        model = model.layers[0]
    return model.input_shape[1:]


def arrays(model):
    """Of each layer with arrays, by its name: the shape and the sum of each."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from arrays(layer)
        elif layer.weights:
            values = [np.asarray(weight) for weight in layer.weights]
            yield layer.name, [[list(value.shape), float(value.astype(np.float64).sum())] for value in values if value.dtype == np.float32]


def write(keras, folder, only=None):
    """Writes NAME.h5 and NAME.keras of all kinds and NAME.weights.h5 of some, images.u8, and expected.json: pixels of an image,
    probabilities, and the layers' arrays. `only` are the files to keep."""
    keras.utils.set_random_seed(1)
    folder.mkdir(parents=True, exist_ok=True)
    IMAGES.tofile(folder / "images.u8")
    expected = {}
    for number, (name, model) in enumerate(kinds(keras)):
        optimizer = optimizers(keras)[number % len(optimizers(keras))]
        shape = input_shape(model)
        count = int(np.prod(shape))
        bytes_ = IMAGES.reshape(-1, count)[:8].reshape(-1, *shape)
        pixels = (bytes_ if name in OF_BYTES else bytes_ / 255).astype(np.float32)
        if optimizer is not None:
            loss = custom_loss if number % 3 == 2 else "sparse_categorical_crossentropy"
            model.compile(optimizer, loss, metrics=["accuracy"])
            model.fit(pixels, np.arange(len(pixels)) % 3, batch_size=4, epochs=1, verbose=0)
        scramble(model)
        said = model.predict(pixels, verbose=0).astype(np.float64)
        if not np.allclose(said.sum(1), 1, atol=1e-4):
            said = np.exp(said) / np.exp(said).sum(1, keepdims=True)
        for ending, save in (("keras", model.save), ("h5", model.save), ("weights.h5", model.save_weights)):
            if f"{name}.{ending}" in only if only else ending != "weights.h5" or name in WEIGHTS:
                try:
                    save(folder / f"{name}.{ending}")
                except TypeError as error:
                    if (name, ending) != (NOT_IN_H5, "h5"):
                        raise
                    print(f"SKIPPED: Keras {keras.__version__} does not save {name}.{ending} ({error})")
                    (folder / f"{name}.{ending}").unlink()
        expected[name] = {"pixels": count, "probabilities": said.ravel().tolist(), "arrays": dict(arrays(model))}
    (folder / "expected.json").write_text(json.dumps(expected))


def copied(source, target, dtype, **settings):
    """What a group has, its arrays stored in another way."""
    import h5py
    for key, value in source.attrs.items():
        target.attrs[key] = value
    for key, value in source.items():
        if isinstance(value, h5py.Group):
            copied(value, target.create_group(key), dtype, **settings)
        elif value.ndim:
            target.create_dataset(key, data=value[()].astype(dtype), **settings)
        else:
            target.create_dataset(key, data=value[()])


def write_packed(source, folder):
    """One network in files that were packed again: as HDF5's newest with a block of the user's own, as Keras' oldest, and as
    archives."""
    import h5py
    with h5py.File(source) as old, h5py.File(folder / "newest.h5", "w", libver="latest", userblock_size=1024) as new:
        copied(old, new, "f8", chunks=True, compression="gzip", shuffle=True, fletcher32=True)
    with h5py.File(source) as old, h5py.File(folder / "oldest.h5", "w") as new:
        copied(old, new, ">f2")
        json_ = json.loads(new.attrs["model_config"])
        layers = json_["config"]["layers"]
        shape = next(layer for layer in layers if layer["class_name"] == "InputLayer")["config"]
        layers = [layer for layer in layers if layer["class_name"] != "InputLayer"]
        layers[0]["config"]["batch_input_shape"] = shape.get("batch_shape") or shape["batch_input_shape"]
        new.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": layers})
        for key in list(new.attrs):
            new.attrs[key] = np.bytes_(new.attrs[key])
    with zipfile.ZipFile(source.with_suffix(".keras")) as old, zipfile.ZipFile(folder / "deflated.keras", "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("my_model/", "")
        for name in old.namelist():
            new.writestr(name, old.read(name))
        new.writestr("__MACOSX/._config.json", b"x")
        new.writestr(".DS_Store", b"x")


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "jax"
    import keras as keras3
    import tf_keras as keras2
    files = Path(__file__).parent / "files"
    write(keras3, files / "keras3", [
        "rows.keras", "normalised.h5", "nested.keras", "noise.h5", "pixels_to_image.h5", "pixels_to_image.weights.h5",
        "residual.keras", "dense_block.h5", "separable.keras", "activation_layers.h5", "nested_graph.keras", "formula.keras",
        "pool_last.h5"])
    write(keras2, files / "keras2", [
        "rows_to_image.keras", "rows_to_image.weights.h5", "frozen.keras", "nested.h5", "residual.h5", "separable.keras",
        "nested_graph.h5", "activation_layers.h5"])
    write_packed(files.parent.parent / "formats/keras3.h5", files)
