"""Makes files/tensorflow_*.onnx by tf2onnx, and what Keras itself predicts, files/tensorflow.json:
`python make_tensorflow.py FOLDER`. Needs tensorflow, keras and tf2onnx.
"""

import json
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy
import tensorflow
import tf2onnx
from keras import layers

IMAGES = numpy.random.default_rng(7).integers(0, 256, (2, 12, 10, 1), dtype=numpy.uint8)


def sequential():
    return [
        layers.Rescaling(1 / 255), layers.Conv2D(4, 3, padding="same", strides=2, use_bias=False),
        layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D(2, padding="same"), layers.Dropout(0.3),
        layers.Flatten(), layers.Dense(6, activation="tanh"), layers.Dense(3, activation="softmax"),
    ]  # fmt: skip


def branches(x):
    x = layers.Rescaling(1 / 127.5, offset=-1)(x)
    x = layers.Conv2D(6, 3, padding="same", activation="silu")(x)
    y = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, use_bias=False)(x)
    y = layers.ReLU(max_value=6)(layers.BatchNormalization()(y))
    y = layers.Conv2D(6, 1, activation="elu")(y)
    x = layers.Add()([x, y])
    pools = [layers.AveragePooling2D(3, 2, padding="same")(x), layers.MaxPooling2D(3, 2, padding="same")(x)]
    x = layers.Concatenate()(pools)
    x = layers.LeakyReLU(negative_slope=0.1)(x)
    x = layers.ZeroPadding2D(1)(x)
    x = layers.Conv2D(5, 3, strides=2)(x)
    x = layers.GlobalAveragePooling2D()(x)
    return layers.Dense(4)(layers.Activation("tanh")(x))


def residual(x):
    x = layers.Rescaling(1 / 255)(x)
    x = layers.Conv2D(4, 3, padding="same")(x)
    for stride in (1, 2):
        y = layers.Activation("relu")(layers.BatchNormalization()(x))
        y = layers.Conv2D(4, 3, stride, padding="same", use_bias=False)(y)
        y = layers.Conv2D(4, 3, padding="same")(layers.Activation("relu")(layers.BatchNormalization()(y)))
        x = layers.Add()([layers.Conv2D(4, 1, stride)(x), y])
    x = layers.GlobalMaxPooling2D()(layers.BatchNormalization()(x))
    return layers.Dense(3, activation="softmax")(layers.Activation("sigmoid")(x))


def made(what):
    if isinstance(what, list):
        return keras.Sequential([keras.Input((12, 10, 1)), *what])
    return keras.Model(x := keras.Input((12, 10, 1)), what(x))


def main(folder):
    expected = {"images": IMAGES.reshape(len(IMAGES), -1).tolist(), "probabilities": {}}
    for name, what in {"sequential": sequential(), "branches": branches, "residual": residual}.items():
        keras.utils.set_random_seed(5)
        model = made(what)
        draw = numpy.random.default_rng(9)
        for weight in model.weights:
            if "kernel" not in weight.path:
                low, high = (0.5, 1.5) if weight.path.endswith(("gamma", "variance")) else (-0.4, 0.4)
                weight.assign(draw.uniform(low, high, weight.shape))
        answer = numpy.asarray(model(IMAGES.astype("float32")), numpy.float64)
        if name == "branches":
            answer = numpy.exp(answer) / numpy.exp(answer).sum(1, keepdims=True)
        expected["probabilities"][name] = answer.tolist()
        signature = [tensorflow.TensorSpec((None, 12, 10, 1), tensorflow.float32, name="images")]
        call = tensorflow.function(lambda x: model(x, training=False), input_signature=signature)
        tf2onnx.convert.from_function(
            call, signature, opset=15, output_path=str(folder / f"tensorflow_{name}.onnx")
        )  # fmt: skip
    (folder / "tensorflow.json").write_text(json.dumps(expected) + "\n")


main(Path(sys.argv[1]))
