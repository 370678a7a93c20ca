"""A classifier of images with scikit-learn's face."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, check_X_y, column_or_1d, validate_data

from . import _engine
from ._arguments import MOST_CLASSES, copied, images, number, same_kind, same_length, shown, whole
from ._arguments import pair as two
from ._training import History, train

Shape = tuple[int, int, int]

#: What a fit leaves.
FITTED = ("classes_", "network_", "history_", "n_iter_")

#: Arrays as scikit-learn hands them on: C-contiguous, uint8 as it is, any other numbers as float32.
KINDS: dict[str, Any] = {"dtype": [np.float32, np.uint8], "order": "C", "allow_nd": True}

#: What features without a place in an image are learnt by.
MLP = {"name": "mlp", "layers": [{"type": "flatten"}, {"type": "dense", "units": 128, "activation": "relu"}]}


class Classifier(ClassifierMixin, BaseEstimator):
    """A network that learns to tell images apart, on a GPU where there is one.

    Parameters:
        model: ``"auto"``: cnn1 for images (784 features are one of 28 x 28), a dense layer of 128 for features. Else a
            built-in network (``"cnn1"``, ``"cnn2"``, ``"cnn3"``, ``"fast93"``, ``"best95"``, ``"best96"``,
            ``"resnet20"``), which is given the images' shape and as many outputs as there are classes; the path of a
            model file in TOML; a dict with its keys; or one of ``gpu_fmnist.keras``' models, of which only the layers
            are taken.
        epochs: Passes over the training samples; what the model's file says where it is None, as with those below.
        batch_size: Samples a step; all of them where there are fewer and nothing is asked for.
        learning_rate: The optimizer's, which the schedule goes by.
        optimizer: ``"adam"``, ``"adamw"`` or ``"sgd"``.
        settings: Any other keys of a model file, as ``{"optimizer.momentum": 0.9, "augmentation.flip": "horizontal"}``:
            the command line's ``--set``.
        validation_fraction: The part of the samples that is held out to validate with, chosen as scikit-learn's
            ``train_test_split(range(N), test_size=validation_fraction, random_state=split_seed)``; of 0 all of them
            train.
        split_seed: Of that choice.
        callbacks: A list of ``gpu_fmnist.keras.callbacks``.
        shuffle: Whether each epoch visits the samples in another order.
        device: ``"auto"``, ``"cpu"``, a backend (``"vulkan"``), or a part of a device's name: see
            :func:`gpu_fmnist.devices`.
        random_state: The seed of the initial weights, the order and the dropout: the command line's ``--seed``.
        verbose: 0: nothing; 1: a bar an epoch; 2: a line an epoch.

    Attributes:
        classes_: The labels, ascending, ``[C]``.
        n_features_in_: The values of an image.
        history_: A list with a number an epoch of ``loss``, ``accuracy``, ``learning_rate``, and ``val_loss`` and
            ``val_accuracy`` where something was validated.
        n_iter_: Epochs trained.
        device_: What computes, in words.

    Images are ``[N, H, W]``, ``[N, H, W, C]`` or ``[N, features]`` of uint8, which stand for byte / 255, or of floats,
    which stand for themselves and should be about as large, from 0 to 1. C-contiguous uint8 and float32 are not copied;
    nobody may change them during ``fit``.

    >>> import numpy as np
    >>> from gpu_fmnist import Classifier
    >>> images = np.zeros((200, 8, 8), dtype="uint8")
    >>> images[::2, 2:5] = 200
    >>> labels = np.where(np.arange(200) % 2, "dark", "striped")
    >>> classifier = Classifier(epochs=3, batch_size=20, device="cpu").fit(images, labels)
    >>> classifier.predict(images[:3])
    array(['striped', 'dark', 'striped'], dtype='<U7')
    >>> classifier.score(images, labels)
    1.0
    """

    def __init__(
        self,
        model: Any = "auto",
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        optimizer: str | None = None,
        settings: dict[str, Any] | None = None,
        validation_fraction: float = 0.0,
        split_seed: int = 2020,
        callbacks: list[Any] | None = None,
        shuffle: bool = True,
        device: str = "auto",
        random_state: Any = 0,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.optimizer = optimizer
        self.settings = settings
        self.validation_fraction = validation_fraction
        self.split_seed = split_seed
        self.callbacks = callbacks
        self.shuffle = shuffle
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any, *, validation_data: Any = None, run_dir: Any = None) -> Classifier:
        """Trains from new weights on.

        Args:
            X: Images, ``[N, H, W]``, ``[N, H, W, C]`` or ``[N, features]``.
            y: Their labels, ``[N]``, whatever they are; at most 256 different ones.
            validation_data: ``(X, y)`` to validate each epoch with, instead of a part of the samples.
            run_dir: A new folder for the run's checkpoints and ``metrics.csv``, as ``gpu-fmnist train`` writes it.

        Ctrl-C ends it with the weights of that moment, and raises KeyboardInterrupt.
        """
        X, labels = self._fit_data(X, y)
        with copied("y", labels):
            classes, numbers = np.unique(labels, return_inverse=True)
        if len(classes) > MOST_CLASSES:
            raise ValueError(f"y has {len(classes)} different labels; give at most {MOST_CLASSES} classes")
        if len(classes) < 2:
            raise ValueError(
                f"y has one class, {shown(classes[0])}: nothing can be told apart; give two or more classes"
            )
        network = self._network_for(X, len(classes))
        validation = None
        if validation_data is not None:
            validation = self._validation(
                validation_data, X, classes, tuple(json.loads(network.config())["model"]["input"])
            )
        options = self._options(network, len(numbers), validation is not None)
        before = {name: value for name, value in vars(self).items() if name in FITTED}
        self.classes_, self.network_ = classes, network
        network.set_class_names([str(name) for name in classes] if classes.dtype.kind in "US" else [])
        history = History()
        try:
            train(
                network,
                (X, numbers.astype(np.uint8)),
                validation,
                options,
                history,
                verbose=whole("verbose", self.verbose, 0, 2),
                callbacks=self._callbacks(options),
                run_dir=None if run_dir is None else os.fspath(run_dir),
            )
        finally:
            # Whatever ended it, what was trained is kept.
            if network.weights():
                self.history_, self.n_iter_ = history.history, len(history.epoch)
            else:
                del self.classes_, self.network_
                self.__dict__.update(before)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probabilities of the classes, ``[N, C]`` of float64, in the order of ``classes_``."""
        X = self._images(X)
        values = self.network_.probabilities(X)
        return np.frombuffer(values, dtype=np.float64).reshape(len(X), len(self.classes_))

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest label of each image, ``[N]``."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        return self.classes_[likeliest]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The part of the images whose likeliest label is theirs."""
        predicted = self.predict(X)
        with copied("y", y):
            return float(accuracy_score(y, predicted, sample_weight=sample_weight))

    @property
    def device_(self) -> str:
        """What computes, in words."""
        check_is_fitted(self)
        return self.network_.device()

    def save(self, path: Any) -> None:
        """Writes the network into a file by its ending: .safetensors, .onnx, .h5, .keras or .npz (Keras' weights)."""
        check_is_fitted(self)
        self.network_.save(os.fspath(path))

    def summary(self) -> str:
        """Layers, output shapes and parameters, as Keras' table has them."""
        check_is_fitted(self)
        return self.network_.summary()

    def _fit_data(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """What scikit-learn asks of every estimator's data, as images for the engine, and labels ``[N]``."""
        with copied("X", X):
            if y is None or dimensions(X) <= 2:
                X, y = validate_data(self, X, y, **KINDS)
            else:
                X, y = check_X_y(X, y, **KINDS)
                self.n_features_in_ = int(np.prod(X.shape[1:]))
        labels = column_or_1d(y)
        with copied("y", labels):
            check_classification_targets(labels)
        return images("X", X), labels

    def _images(self, X: Any) -> np.ndarray:
        """Images of the kind that it was fitted with."""
        check_is_fitted(self)
        with copied("X", X):
            X = validate_data(self, X, reset=False, **KINDS) if dimensions(X) <= 2 else check_array(X, **KINDS)
        return images("X", X, tuple(json.loads(self.network_.config())["model"]["input"]))

    def _validation(self, data: Any, X: np.ndarray, classes: np.ndarray, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
        given, labels = two("validation_data", data)
        with copied("validation_data", given):
            other = check_array(given, input_name="validation_data", **KINDS)
        other = same_kind(X, images("validation_data", other, shape))
        labels = column_or_1d(labels)
        same_length("validation_data's y", len(labels), "its X", len(other))
        numbers = np.searchsorted(classes, labels).clip(0, len(classes) - 1)
        if (strange := classes[numbers] != labels).any():
            label = shown(labels[strange.argmax()])
            raise ValueError(
                f"validation_data has the label {label}, which y has not; give samples of the same classes"
            )
        return other, numbers.astype(np.uint8)

    def _network_for(self, X: np.ndarray, classes: int) -> Any:
        """A new network for these images and as many classes."""
        settings = self._settings()
        shape = image_shape(X)
        name = self.model
        if isinstance(name, str) and name == "auto":
            name = (
                "cnn1"
                if min(shape[:2]) >= 5
                else {**MLP, "layers": [*MLP["layers"], {"type": "dense", "units": classes}]}
            )
        if hasattr(name, "_spelled"):
            name = name._spelled(X.shape[1:] if shape != (28, 28, 1) else shape)
        if isinstance(name, dict):
            keys = {"input": list(shape), **name}
            return _engine.Network.spelled("model", as_json("model", keys), settings, self.device)
        if not isinstance(name, (str, Path)):
            raise ValueError(
                f"model is {shown(name)}; give a built-in network's name, a TOML file, a dict or a keras model"
            )
        network = _engine.Network.named(os.fspath(name), settings, self._device())
        if str(name) in _engine.BUILT_IN:
            own = json.loads(network.config())["model"]
            fitting = []
            if tuple(own["input"]) != shape and (X.ndim > 2 or int(np.prod(own["input"])) != X.shape[1]):
                fitting.append(f"input={list(shape)}")
            layer, _, outputs, _ = network.layers()[-1]
            if outputs != [classes]:
                fitting.append(f"layers.{layer}.units={classes}")
            if fitting:
                network = _engine.Network.named(os.fspath(name), fitting + settings, self._device())
        return network

    def _device(self) -> str:
        if not isinstance(self.device, str):
            raise ValueError(f'device is {shown(self.device)}; give "auto", "cpu" or a part of a name in devices()')
        return self.device

    def _settings(self) -> list[str]:
        settings = {}
        if self.optimizer is not None:
            settings["optimizer.type"] = self.optimizer
        if self.settings is not None:
            if not isinstance(self.settings, dict):
                raise ValueError(
                    f"settings is {shown(self.settings)}; give a dict such as {{'loss.label_smoothing': 0.1}}"
                )
            settings.update(self.settings)
        self._device()
        return [f"{key}={as_toml(key, value)}" for key, value in settings.items()]

    def _options(self, network: Any, samples: int, validates: bool) -> dict[str, Any]:
        """The keys of a configuration that the parameters give."""
        fraction = number(
            "validation_fraction", self.validation_fraction, "a fraction from 0 to below 1", lambda part: 0 <= part < 1
        )
        fraction = 0.0 if validates else fraction
        options = {
            "seed": self._seed(),
            "shuffle": bool(self.shuffle),
            "split_seed": whole("split_seed", self.split_seed, 0, 2**32 - 1),
            "validation_fraction": fraction,
            "validation_data": validates,
        }
        if self.epochs is not None:
            options["epochs"] = whole("epochs", self.epochs)
        if self.learning_rate is not None:
            options["learning_rate"] = number(
                "learning_rate", self.learning_rate, "a positive number such as 1e-3", lambda rate: 0 < rate < np.inf
            )
        left = samples - int(np.ceil(fraction * samples))
        if self.batch_size is not None:
            options["batch_size"] = whole("batch_size", self.batch_size)
            if options["batch_size"] > left > 0:
                warnings.warn(
                    f"batch_size {self.batch_size}: only {left} samples train; a step takes all", stacklevel=3
                )
                options["batch_size"] = left
        elif json.loads(network.config())["batch_size"] > left > 0:
            options["batch_size"] = left
        return options

    def _callbacks(self, options: dict[str, Any]) -> Any:
        if self.callbacks is None:
            return None
        from .keras.callbacks import CallbackList

        return CallbackList.of(self.callbacks, self, options)

    def _seed(self) -> int:
        if isinstance(self.random_state, (int, np.integer)) and not isinstance(self.random_state, bool):
            return whole("random_state", self.random_state, 0)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__().copy()
        if network := state.pop("network_", None):
            state["_pickled"] = {
                "config": network.config(),
                "weights": network.weights(),
                "class_names": network.class_names(),
            }
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        pickled = state.pop("_pickled", None)
        super().__setstate__(state)
        if pickled is not None:
            network = _engine.Network.configured(pickled["config"], self._device())
            network.set_weights(
                [(name, shape, np.frombuffer(values, np.float32)) for name, shape, values in pickled["weights"]]
            )
            network.set_class_names(pickled["class_names"])
            self.network_ = network

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        tags.input_tags.three_d_array = True
        return tags


def dimensions(X: Any) -> int:
    """How many axes there are, of whatever scikit-learn makes an array of."""
    return X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim


def image_shape(X: np.ndarray) -> Shape:
    """``(H, W, C)`` of images ``[N, H, W]`` or ``[N, H, W, C]``; features are one line."""
    if X.ndim == 2:
        return (28, 28, 1) if X.shape[1] == 784 else (1, X.shape[1], 1)
    return (X.shape[1], X.shape[2], 1 if X.ndim == 3 else X.shape[3])


def as_json(argument: str, value: Any) -> str:
    """A dict of plain values as JSON."""
    try:
        return json.dumps(value, default=lambda other: other.item(), allow_nan=False)
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{argument}: not a dict of texts, numbers and lists ({error}); give one") from None


def as_toml(key: Any, value: Any) -> str:
    """A value as a setting spells it."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, float, np.integer, np.floating)):
        return repr(value.item() if isinstance(value, np.generic) else value)
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(as_toml(key, each) for each in value)}]"
    raise ValueError(f"settings: {key} is {shown(value)}; give a text, a number, a truth value or a list")


__all__ = ["Classifier"]
