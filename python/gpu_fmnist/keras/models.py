"""Models: a sequence of layers, or a graph of them."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from .. import _engine
from .._arguments import (
    MOST_CLASSES,
    array,
    choice,
    images,
    number,
    pair,
    refuse_unknown,
    same_kind,
    same_length,
    shown,
    whole,
)
from .._training import History, train
from ..machine import named
from . import losses, optimizers
from .callbacks import CallbackList
from .layers import InputLayer, Layer, Tensor, automatic_name
from .utils import random_seed

METRICS = ("accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy")


class Model:
    """A graph of layers, from ``Input`` to the last one's output.

    Args:
        inputs: What ``Input`` returned.
        outputs: What the last layer returned: logits, or their softmax, ``[N, C]``.
        name: Of the model, for its files and its summary.
        device: ``"auto"``, ``"cpu"``, a backend, or a part of a device's name.
    """

    _input: tuple[int, ...] | None
    #: Each layer, and the names of what it takes where that is not the layer before.
    _layers: list[tuple[Layer, list[str]]]

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str = "model", device: str = "auto") -> None:
        self._prepare(name, device)
        for argument, value in (("inputs", inputs), ("outputs", outputs)):
            if not isinstance(value, Tensor):
                raise ValueError(f"{argument} is {shown(value)}; give what Input and the last layer returned")
        if not isinstance(inputs.layer, InputLayer):
            raise ValueError(f"inputs is {shown(inputs)}; give what Input returned")
        self._layers = graph(inputs, outputs)
        self._input = inputs.layer.shape

    def _prepare(self, name: str, device: str) -> None:
        if not isinstance(name, str) or not name:
            raise ValueError(f"name is {shown(name)}; give a text")
        self.name, self._device = name, named(device)
        self._network: Any = None
        self._input = None
        self._layers = []
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: losses.Loss | None = None
        self.metrics: list[str] = []
        self.history: History | None = None

    @property
    def layers(self) -> list[Layer]:
        """The layers, in the order in which they run."""
        return [layer for layer, _ in self._layers]

    @property
    def device(self) -> str:
        """What computes, in words."""
        return self._built().device()

    def get_layer(self, name: str) -> Layer:
        """The layer of that name."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        known = [layer.name for layer in self.layers if layer.name]
        raise ValueError(
            f"no layer is called {name!r}{_engine.nearest(str(name), known)}; there are {', '.join(known)}"
        )

    def compile(self, optimizer: Any = "adam", loss: Any = None, metrics: Any = None, **unknown: Any) -> None:
        """Says how the model is trained.

        Args:
            optimizer: ``"adam"``, ``"adamw"``, ``"sgd"``, or an object of ``optimizers``.
            loss: ``"sparse_categorical_crossentropy"`` of labels ``[N]``, ``"categorical_crossentropy"`` of ``[N, C]``,
                or an object of ``losses``.
            metrics: ``["accuracy"]`` or nothing; accuracy is always in the history.
        """
        refuse_unknown("compile", unknown, ["optimizer", "loss", "metrics"])
        self.optimizer, self.loss = optimizers.get(optimizer), losses.get(loss)
        given = [metrics] if isinstance(metrics, str) else list(metrics or [])
        self.metrics = [choice("metrics", one, METRICS) for one in given]

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        *,
        seed: int | None = None,
        run_dir: Any = None,
        **unknown: Any,
    ) -> History:
        """Trains on from the weights that there are.

        Args:
            x: Images ``[N, H, W]``, ``[N, H, W, C]`` or ``[N, features]``: uint8 stands for byte / 255, floats for
                themselves.
            y: Labels ``[N]``, or one-hot ``[N, C]``, as the loss wants them.
            batch_size: Samples a step, 32 where nothing is said, as in Keras.
            epochs: Passes over the samples.
            verbose: 0: nothing; 1 or "auto": a bar an epoch; 2: a line an epoch.
            callbacks: Of ``callbacks``, or functions of epoch and logs.
            validation_split: The last part of the samples, which validates and does not train.
            validation_data: ``(x, y)`` to validate with instead.
            shuffle: Whether each epoch visits the samples in another order.
            seed: Of initial weights, order and dropout; see ``utils.set_random_seed``.
            run_dir: A new folder for the run's checkpoints, as ``gpu-fmnist train`` writes it.

        Ctrl-C ends it with the weights of that moment, and raises KeyboardInterrupt.
        """
        refuse_unknown("fit", unknown, ["x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_split",
                                        "validation_data", "shuffle", "seed", "run_dir"])  # fmt: skip
        self._compiled("fit")
        x = self._images("x", x)
        labels = self._labels("y", y, len(x))
        part = number("validation_split", validation_split, "a fraction from 0 to below 1", lambda part: 0 <= part < 1)
        validation = None
        if validation_data is not None:
            other, other_labels = pair("validation_data", validation_data)
            other = same_kind(x, self._images("validation_data", other))
            validation = other, self._labels("validation_data's y", other_labels, len(other))
        elif part > 0:
            cut = int(len(x) * (1 - part))
            if cut == 0 or cut == len(x):
                raise ValueError(
                    f"validation_split {part} leaves {cut} of {len(x)} samples to train with; give another"
                )
            validation = x[cut:], labels[cut:]
            x, labels = x[:cut], labels[:cut]
        options = {
            **self._options(),
            "epochs": whole("epochs", epochs),
            "batch_size": min(32 if batch_size is None else whole("batch_size", batch_size), len(x)),
            "shuffle": bool(shuffle),
            "seed": random_seed() if seed is None else whole("seed", seed, 0),
            "validation_fraction": 0.0,
            "validation_data": validation is not None,
            "drop_remainder": False,
        }
        verbose = 1 if verbose == "auto" else whole("verbose", verbose, 0, 2)
        told = CallbackList.of([] if callbacks is None else callbacks, self, options)
        self.history = History()
        run_dir = None if run_dir is None else os.fspath(run_dir)
        train(
            self._network,
            (x, labels),
            validation,
            options,
            self.history,
            verbose=verbose,
            callbacks=told,
            run_dir=run_dir,
        )
        return self.history

    def evaluate(
        self, x: Any = None, y: Any = None, batch_size: Any = None, verbose: Any = 0, *, return_dict: bool = False
    ) -> Any:
        """Mean loss, and where the model was compiled with metrics the accuracy: a number, a list or a dict."""
        self._compiled("evaluate")
        x = self._images("x", x)
        labels = self._labels("y", y, len(x))
        loss, accuracy = self._trained().evaluate(x, labels)
        if return_dict:
            return {"loss": loss, "accuracy": accuracy} if self.metrics else {"loss": loss}
        return [loss, accuracy] if self.metrics else loss

    def predict(self, x: Any, batch_size: Any = None, verbose: Any = 0) -> np.ndarray:
        """``[N, C]`` of float32: probabilities where the model ends in a softmax or is from a file, else logits."""
        x = self._images("x", x)
        network = self._trained()
        if self._gives_probabilities():
            return np.frombuffer(network.probabilities(x), np.float64).astype(np.float32).reshape(len(x), -1)
        return np.frombuffer(network.logits(x), np.float32).reshape(len(x), -1)

    def summary(self, print_fn: Any = print) -> None:
        """Prints layers, output shapes and parameters, as Keras does."""
        print_fn(self._built().summary().rstrip("\n"))

    def count_params(self) -> int:
        """How many weights there are."""
        return sum(self._built().parameters())

    def get_weights(self) -> list[np.ndarray]:
        """The weights, layer by layer, in Keras' shapes."""
        return [np.frombuffer(values, np.float32).reshape(shape) for _, shape, values in self._trained().weights()]

    def set_weights(self, weights: list[Any]) -> None:
        """Replaces the weights by as many of the same shapes."""
        own = self._trained().weights()
        same_length("weights", len(weights), "the model", len(own))
        new = []
        for (name, shape, _), given in zip(own, weights, strict=True):
            values = np.require(array(name, given), np.float32, ["C", "A"])
            if list(values.shape) != list(shape):
                raise ValueError(
                    f"weights: {name} is {list(values.shape)}, but the model's is {list(shape)}; give those"
                )
            new.append((name, shape, values.reshape(-1)))
        self._network.set_weights(new)

    def save(self, filepath: Any, overwrite: bool = True) -> None:
        """Writes the model into a file by its ending: .keras, .h5, .onnx or .safetensors."""
        if not isinstance(filepath, (str, os.PathLike)):
            raise ValueError(f"filepath is {shown(filepath)}; give a path such as 'model.keras'")
        if not overwrite and os.path.exists(filepath):
            raise ValueError(f"filepath: {os.fspath(filepath)} is there already; give another, or overwrite=True")
        self._trained().save(os.fspath(filepath))

    def _gives_probabilities(self) -> bool:
        return self.layers[-1].arguments.get("activation") == "softmax"

    def _spelled(self, shape: tuple[int, ...]) -> dict[str, Any]:
        """The model as a model file spells it; of ``(H, W, C)``, ``(H, W)`` or ``(F,)`` where it does not say."""
        own = self._input or shape
        sizes = [[1, *own, 1], [*own, 1], list(own)][len(own) - 1]
        layers: list[dict[str, Any]] = []
        # Features are an image of one line, which is made flat.
        source = "input"
        if len(own) == 1 and (not self._layers or self._layers[0][0].kind != "flatten"):
            source = "features"
            layers.append({"type": "flatten", "name": source})
        for layer, inputs in self._layers:
            inputs = [source if name == "input" else name for name in inputs]
            layers.append({**layer.keys(), **({"inputs": inputs} if inputs else {})})
        return {"name": self.name, "input": sizes, "layers": layers}

    def _built(self, shape: tuple[int, ...] | None = None) -> Any:
        """The network, made where there is none yet."""
        if self._network is None:
            if self._input is None and shape is None:
                raise ValueError(
                    f"{self.name}: its input's shape is not known; begin with Input((H, W, C)), or fit it first"
                )
            keys = json.dumps(self._spelled(shape or ()), default=str)
            self._network = _engine.Network.spelled(self.name, keys, [], self._device)
            for layer, (name, *_) in zip(reversed(self.layers), reversed(self._network.layers()), strict=False):
                layer.name = name
        return self._network

    def _trained(self) -> Any:
        """The network with weights, at first those that a training begins with."""
        network = self._built()
        if not network.weights():
            network.initialise(random_seed())
        return network

    def _images(self, argument: str, value: Any) -> np.ndarray:
        if value is None:
            raise ValueError(f"{argument} is missing; give images [N, H, W, C]")
        if self._network is None and self._input is None:
            self._built(images(argument, value).shape[1:])
        shape = tuple(json.loads(self._built().config())["model"]["input"])
        return images(argument, value, shape)

    def _labels(self, argument: str, value: Any, count: int) -> np.ndarray:
        if value is None:
            raise ValueError(f"{argument} is missing; give labels [N]")
        found = array(argument, value)
        classes = self._built().layers()[-1][2][-1]
        if self.loss is not None and self.loss.one_hot:
            if found.ndim != 2 or found.shape[1] != classes:
                hint = "labels [N] are of the loss 'sparse_categorical_crossentropy'"
                raise ValueError(f"{argument} is {shown(found)}; give one-hot rows [N, {classes}]; {hint}")
            same_length(argument, len(found), "x", count)
            if not (((found == 0) | (found == 1)).all() and (found.sum(axis=1) == 1).all()):
                raise ValueError(f"{argument} has rows that are not one-hot; give a single 1 in each")
            return found.argmax(axis=1).astype(np.uint8)
        if found.ndim == 2 and found.shape[1] == 1:
            found = found[:, 0]
        if found.ndim != 1 or found.dtype.kind not in "biuf":
            hint = "; one-hot rows are of the loss 'categorical_crossentropy'" if found.ndim == 2 else ""
            raise ValueError(f"{argument} is {shown(found)}; give labels [N], whole numbers from 0{hint}")
        same_length(argument, len(found), "x", count)
        most = min(classes, MOST_CLASSES)
        with np.errstate(invalid="ignore"):
            wrong = ~((found >= 0) & (found < most) & (found == np.floor(found)))
        if wrong.any():
            place = int(wrong.argmax())
            raise ValueError(
                f"{argument}: label {found[place]} of sample {place} is none; give whole numbers from 0 to {most - 1}"
            )
        return np.require(found.astype(np.uint8), requirements=["C"])

    def _compiled(self, what: str) -> None:
        if self.optimizer is None or self.loss is None:
            raise ValueError(f"{what}: the model is not compiled; call compile(optimizer, loss) first")

    def _options(self) -> dict[str, Any]:
        """What compile said, as keys of a configuration."""
        assert self.optimizer is not None and self.loss is not None
        schedule = {} if self.optimizer.schedule is None else self.optimizer.schedule.options()
        return {
            "optimizer": self.optimizer.keys,
            "average": self.optimizer.keys["ema_momentum"] > 0,
            "learning_rate": self.optimizer.learning_rate,
            "loss": {"label_smoothing": self.loss.label_smoothing},
            **schedule,
        }

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lstrip('_')} {self.name!r}, {len(self._layers)} layers>"


class Sequential(Model):
    """Layers one after the other, the first perhaps ``Input``; without it the first images say what they are."""

    def __init__(self, layers: Any = None, name: str = "sequential", device: str = "auto") -> None:
        self._prepare(name, device)
        if layers is not None and not isinstance(layers, (list, tuple)):
            raise ValueError(f"layers is {shown(layers)}; give a list of layers")
        for layer in layers or []:
            self.add(layer)

    def add(self, layer: Any) -> None:
        """One more layer at the end."""
        if self._network is not None:
            raise ValueError("add: the model is built already; make another")
        if isinstance(layer, Tensor) and isinstance(layer.layer, InputLayer):
            if self._layers or self._input is not None:
                raise ValueError("layers: Input is first or not at all; put it first")
            self._input = layer.layer.shape
            return
        if not isinstance(layer, Layer):
            raise ValueError(f"layers has {shown(layer)}; give layers such as Dense(10)")
        if any(layer is other for other in self.layers):
            raise ValueError(f"layers has {layer!r} twice; make another with its arguments")
        if layer.takes == 0:
            raise ValueError(f"{type(layer).__name__} takes two inputs or more; use Model(inputs, outputs)")
        if not self._layers and self._input is None:
            self._input = layer.input_shape
        self._layers.append((layer, []))

    def pop(self) -> Layer:
        """Takes the last layer away."""
        if self._network is not None or not self._layers:
            raise ValueError("pop: there is no layer, or the model is built already; make another")
        return self._layers.pop()[0]


def graph(inputs: Tensor, outputs: Tensor) -> list[tuple[Layer, list[str]]]:
    """The layers between two tensors in an order in which they can run, each with the names of what it takes."""
    order: list[Tensor] = []
    under_way = [(outputs, False)]
    while under_way:
        tensor, is_ready = under_way.pop()
        if any(tensor is other for other in order):
            continue
        if isinstance(tensor.layer, InputLayer):
            if tensor is not inputs:
                raise ValueError("outputs is made of another Input than inputs; give that one, a model has one")
            continue
        if is_ready:
            order.append(tensor)
        else:
            under_way.append((tensor, True))
            under_way.extend((each, False) for each in reversed(tensor.inputs))
    if not order:
        raise ValueError("outputs is the input itself; give what the last layer returned")
    given = [tensor.layer.name for tensor in order if isinstance(tensor.layer, Layer) and tensor.layer.name]
    layers: list[Any] = []
    for tensor in order:
        layer = tensor.layer
        assert isinstance(layer, Layer)
        if any(layer is other for other in layers):
            raise ValueError(
                f"{layer!r} is called twice, and its weights would be shared; make another with its arguments"
            )
        layers.append(layer)
        if layer.name is None:
            base, number = automatic_name(layer), 0
            while (name := base if number == 0 else f"{base}_{number}") in given:
                number += 1
            layer.name = name
            given.append(name)
    name_of = lambda tensor: "input" if isinstance(tensor.layer, InputLayer) else tensor.layer.name  # noqa: E731
    return [(tensor.layer, [name_of(each) for each in tensor.inputs]) for tensor in order]  # type: ignore[misc]


def load_model(filepath: Any, device: str = "auto") -> Model:
    """The model in a file (.keras, .h5, .onnx, .safetensors, a checkpoint) or in the folder of a run, with its weights.

    It is compiled with Adam and cross-entropy of labels ``[N]``; ``compile`` says otherwise.
    """
    if not isinstance(filepath, (str, os.PathLike)):
        raise ValueError(f"filepath is {shown(filepath)}; give a path such as 'model.keras'")
    network = _engine.Network.load(os.fspath(filepath), named(device))
    about = json.loads(network.config())["model"]
    model = _FromFile.__new__(_FromFile)
    model._prepare(about["name"], device)
    model._network, model._input = network, tuple(about["input"])
    model._layers = [(_Loaded(name, kind), []) for name, kind, _, _ in network.layers()]
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


class _FromFile(Model):
    """A model of a file, in which every network gives probabilities."""

    def _gives_probabilities(self) -> bool:
        return True


class _Loaded(Layer):
    """A layer of a file."""

    def __init__(self, name: str, class_name: str) -> None:
        super().__init__({"common": {"name": name}})
        self.class_name = class_name

    def __repr__(self) -> str:
        return f"<{self.class_name} {self.name}>"


__all__ = ["Model", "Sequential", "load_model"]
