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


def write(keras, folder, only=None):
    """Writes NAME.h5 and NAME.keras of all kinds and NAME.weights.h5 of some, images.u8, and expected.json: pixels of an image, and
    probabilities. `only` are the files to keep."""
    keras.utils.set_random_seed(1)
    folder.mkdir(parents=True, exist_ok=True)
    IMAGES.tofile(folder / "images.u8")
    expected = {}
    for number, (name, model) in enumerate(kinds(keras)):
        optimizer = optimizers(keras)[number % len(optimizers(keras))]
        shape = input_shape(model)
        count = int(np.prod(shape))
        bytes_ = IMAGES.reshape(-1, count)[:8].reshape(-1, *shape)
        pixels = (bytes_ if name == "rescaled" else bytes_ / 255).astype(np.float32)
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
        expected[name] = {"pixels": count, "probabilities": said.ravel().tolist()}
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
        "rows.keras", "normalised.h5", "nested.keras", "noise.h5", "pixels_to_image.h5", "pixels_to_image.weights.h5"])
    write(keras2, files / "keras2", ["rows_to_image.keras", "rows_to_image.weights.h5", "frozen.keras", "nested.h5"])
    write_packed(files.parent.parent / "formats/keras3.h5", files)
