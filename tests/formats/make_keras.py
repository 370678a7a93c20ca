"""Small networks that Keras trained and saved, and what is in them: the files beside this one.

    venv/bin/pip install tensorflow-cpu keras tf_keras && venv/bin/python make_keras.py

The files are of Keras 3.15.1 and of tf_keras 2.21.0, which is Keras 2. `keras.json` has their layers as our JSON spells
them, and of each file the layers' names, the SHA-256 of each array's bytes, and Adam's state where it can go on. A file may
have one layer more, a softmax.
"""
import hashlib, json
from pathlib import Path

import keras as keras3
import numpy as np
import tf_keras as keras2

HERE = Path(__file__).parent
# Every file has these layers, however it spells them.
LAYERS = [
    {"type": "conv2d", "filters": 2, "kernel": [3, 3], "stride": [2, 1], "padding": "same", "activation": "relu"},
    {"type": "max_pool2d", "size": [2, 2]},
    {"type": "conv2d", "filters": 3, "kernel": [2, 1], "stride": [1, 1], "padding": "valid", "activation": "linear"},
    {"type": "activation", "activation": "relu"},
    {"type": "flatten"},
    {"type": "dropout", "rate": 0.25},
    {"type": "dense", "units": 3, "activation": "linear"},
]
files = {}


def save(keras, file, model, optimizer):
    """Trains the model for three steps, where there is an optimizer, and saves it."""
    if optimizer is not None:
        model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        images = np.random.default_rng(1).random((12, 8, 6, 1), np.float32)
        model.fit(images, np.arange(12) % 3, batch_size=4, epochs=1, verbose=0)
    model.save(HERE / file)
    names = [layer.name for layer in model.layers if type(layer).__name__ != "InputLayer"]
    kinds = [f"{name}.{part}" for name in (names[0], names[2], names[6]) for part in ("kernel", "bias")]
    arrays, state = dict(zip(kinds, model.weights)), None
    if "Adam" in type(optimizer).__name__:
        state = {"learning_rate": float(np.float32(optimizer.learning_rate)), "time": int(optimizer.iterations)}
        for number, (name, variable) in enumerate(list(arrays.items())):
            if hasattr(optimizer, "get_slot"):
                moments = [optimizer.get_slot(variable, slot) for slot in "mv"]
            else:
                moments = [optimizer._momentums[number], optimizer._velocities[number]]
            arrays |= dict(zip((f"{name}.first_moment", f"{name}.second_moment"), moments))
    digest = lambda array: hashlib.sha256(np.asarray(array).astype("<f4").tobytes()).hexdigest()
    digests = {name: digest(array.numpy()) for name, array in arrays.items()}
    files[file] = {"name": model.name, "names": names, "adam": state, "arrays": digests}


def sequential(keras, first, name):
    """`first` is what makes the input known: an Input, or the first layer's argument."""
    layers = keras.layers
    return keras.Sequential(
        [*first.get("layers", []),
         layers.Conv2D(2, (3, 3), strides=(2, 1), padding="same", activation="relu", **first.get("arguments", {})),
         layers.MaxPooling2D((2, 2)), layers.Conv2D(3, (2, 1)), layers.ReLU(), layers.Flatten(), layers.Dropout(0.25),
         layers.Dense(3, activation="softmax")], name=name)


def functional(keras):
    layers = keras.layers
    image = layers.Input((8, 6, 1))
    x = layers.Conv2D(2, 3, strides=(2, 1), padding="same", activation="relu")(image)
    x = layers.Conv2D(3, (2, 1))(layers.MaxPooling2D(2)(x))
    x = layers.Flatten()(layers.Activation("relu")(x))
    return keras.Model(image, layers.Activation("softmax")(layers.Dense(3)(layers.Dropout(0.25)(x))), name="chain")


keras3.utils.set_random_seed(3)
keras2.utils.set_random_seed(2)
explicit, argument = lambda keras: {"layers": [keras.layers.Input((8, 6, 1))]}, {"arguments": {"input_shape": (8, 6, 1)}}
save(keras3, "keras3.keras", sequential(keras3, explicit(keras3), "tiny"), keras3.optimizers.Adam(0.002))
save(keras3, "keras3.h5", sequential(keras3, argument, "tiny"), keras3.optimizers.Adam(0.002))
save(keras3, "keras3_functional.keras", functional(keras3), keras3.optimizers.RMSprop())
save(keras2, "keras2.keras", sequential(keras2, explicit(keras2), "tiny"), keras2.optimizers.Adam(0.002))
save(keras2, "keras2.h5", sequential(keras2, argument, "tiny"), keras2.optimizers.Adam(0.002))
save(keras2, "keras2_old_adam.h5", sequential(keras2, argument, "tiny"), keras2.optimizers.legacy.Adam(0.002))
save(keras2, "keras2_functional.h5", functional(keras2), None)
lines = [f" {json.dumps(file)}: {json.dumps(what)}" for file, what in files.items()]
files_text = ",\n".join(lines)
(HERE / "keras.json").write_text(f'{{"layers": {json.dumps(LAYERS)},\n"files": {{\n{files_text}\n}}}}\n')
