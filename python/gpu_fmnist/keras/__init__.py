"""Keras' face of the engine: models, layers, optimizers, losses and callbacks in Keras' words.

>>> import numpy as np
>>> from gpu_fmnist import keras
>>> model = keras.Sequential([
...     keras.Input((8, 8, 1)),
...     keras.layers.Conv2D(8, 3, activation="relu"),
...     keras.layers.MaxPooling2D(2),
...     keras.layers.Flatten(),
...     keras.layers.Dense(2, activation="softmax"),
... ], device="cpu")
>>> model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
>>> images = np.zeros((200, 8, 8), dtype="uint8")
>>> images[::2, 2:5] = 200
>>> history = model.fit(images, np.arange(200) % 2, batch_size=20, epochs=5, verbose=0)
>>> len(history.history["loss"]), model.predict(images[:1]).shape
(5, (1, 2))

What differs from Keras: images of uint8 stand for byte / 255; the loss is cross-entropy; ``predict`` gives
probabilities where the model ends in a softmax or is from a file, else logits, which the loss is of in either case;
each ``fit`` begins with a new optimizer; a batch's callbacks are told after each submission of up to 16 batches, as
with Keras' ``steps_per_execution``.
"""

from .. import datasets
from .._training import History
from . import callbacks, layers, losses, models, optimizers, utils
from .layers import Input
from .models import Model, Sequential, load_model

__all__ = [
    "History",
    "Input",
    "Model",
    "Sequential",
    "callbacks",
    "datasets",
    "layers",
    "load_model",
    "losses",
    "models",
    "optimizers",
    "utils",
]
