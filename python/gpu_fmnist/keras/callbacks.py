"""Callbacks, as Keras has them. A plain function among them is called with (epoch, logs) after each epoch."""

from __future__ import annotations

import csv
import os
from typing import Any

import numpy as np

from .._arguments import choice, number, refuse_unknown, shown, whole

MONITORS = ("val_loss", "val_accuracy", "loss", "accuracy")
NOT_NEGATIVE = ("a number from 0 on", lambda value: 0 <= value < np.inf)


class Callback:
    """What is told of a training. ``self.model`` is the model, with the weights of the last epoch."""

    model: Any = None
    params: dict[str, Any] = {}

    def on_train_begin(self, logs: Any = None) -> None: ...

    def on_train_end(self, logs: Any = None) -> None: ...

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None: ...

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None: ...


class LambdaCallback(Callback):
    """Callables by the name of what they are told of."""

    def __init__(self, **functions: Any) -> None:
        known = ["on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_train_batch_end"]
        refuse_unknown("LambdaCallback", functions, known)
        for name, function in functions.items():
            if not callable(function):
                raise ValueError(f"{name} is {shown(function)}; give a function")
            setattr(self, name, function)


class EarlyStopping(Callback):
    """Ends the training once the monitored figure no longer improves; the engine itself watches."""

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
        **unknown: Any,
    ) -> None:
        refuse_unknown("EarlyStopping", unknown, names(locals()))
        self.monitor = monitored(monitor, mode)
        self.options = {
            "min_delta": number("min_delta", min_delta, *NOT_NEGATIVE),
            "patience": whole("patience", patience, 0),
            "baseline": None if baseline is None else number("baseline", baseline, "a number", np.isfinite),
            "start_from_epoch": whole("start_from_epoch", start_from_epoch, 0),
            "restore_best_weights": bool(restore_best_weights),
        }


class ReduceLROnPlateau(Callback):
    """Makes the learning rate smaller once the monitored figure no longer improves; the engine watches."""

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **unknown: Any,
    ) -> None:
        refuse_unknown("ReduceLROnPlateau", unknown, names(locals()))
        self.monitor = monitored(monitor, mode)
        self.options = {
            "factor": number("factor", factor, "a number between 0 and 1", lambda part: 0 < part < 1),
            "patience": whole("patience", patience, 0),
            "min_delta": number("min_delta", min_delta, *NOT_NEGATIVE),
            "cooldown": whole("cooldown", cooldown, 0),
            "min_lr": number("min_lr", min_lr, *NOT_NEGATIVE),
        }


class ModelCheckpoint(Callback):
    """Saves the model after each epoch, or after each that is better than all before.

    ``filepath`` ends in a format's ending and may have ``{epoch:02d}`` and ``{val_loss:.2f}`` in it.
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        **unknown: Any,
    ) -> None:
        refuse_unknown("ModelCheckpoint", unknown, names(locals()))
        if not isinstance(filepath, (str, os.PathLike)):
            raise ValueError(f"filepath is {shown(filepath)}; give a path such as 'best.keras'")
        self.filepath, self.save_best_only = os.fspath(filepath), bool(save_best_only)
        self.monitor = monitored(monitor, mode)

    def on_train_begin(self, logs: Any = None) -> None:
        self.best: float | None = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.save_best_only:
            value = of(logs, self.monitor)
            larger = self.monitor.endswith("accuracy")
            if self.best is not None and not (value > self.best if larger else value < self.best):
                return
            self.best = value
        try:
            path = self.filepath.format(epoch=epoch + 1, **logs)
        except (KeyError, IndexError, ValueError) as error:
            known = ", ".join(["epoch", *logs])
            raise ValueError(f"filepath is {self.filepath!r}, which has {error} in braces; there are {known}") from None
        self.model.save(path)


class CSVLogger(Callback):
    """Writes a line an epoch into a file."""

    def __init__(self, filename: Any, separator: str = ",", append: bool = False, **unknown: Any) -> None:
        refuse_unknown("CSVLogger", unknown, names(locals()))
        if not isinstance(filename, (str, os.PathLike)):
            raise ValueError(f"filename is {shown(filename)}; give a path such as 'metrics.csv'")
        self.filename, self.separator, self.append = os.fspath(filename), separator, bool(append)

    def on_train_begin(self, logs: Any = None) -> None:
        self.header = not (self.append and os.path.exists(self.filename) and os.path.getsize(self.filename))
        if not self.append:
            open(self.filename, "w").close()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        with open(self.filename, "a", newline="") as file:
            writer = csv.writer(file, delimiter=self.separator)
            columns = sorted(logs)
            if self.header:
                writer.writerow(["epoch", *columns])
                self.header = False
            writer.writerow([epoch, *(logs[column] for column in columns)])


class LearningRateScheduler(Callback):
    """Sets the learning rate of each epoch by a function of its number, from 0, and the rate before."""

    def __init__(self, schedule: Any, verbose: int = 0) -> None:
        if not callable(schedule):
            raise ValueError(f"schedule is {shown(schedule)}; give a function of epoch and learning rate")
        self.schedule = schedule

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        rate = float(self.schedule(epoch, self.params["callbacks"].learning_rate))
        self.params["callbacks"].learning_rate = rate


class CallbackList:
    """A training's callbacks, and what they want of the engine."""

    def __init__(self, callbacks: list[Callback], model: Any) -> None:
        self.callbacks, self.model = callbacks, model
        #: Of the epoch that begins.
        self.learning_rate = 0.0
        self.shown = 0.0

    @classmethod
    def of(cls, given: Any, model: Any, options: dict[str, Any]) -> CallbackList:
        """Of what a user gives; ``options`` gets the keys of a configuration for what the engine does itself."""
        given = list(given) if isinstance(given, (list, tuple)) else [given]
        callbacks = []
        for one in given:
            keys = {EarlyStopping: "early_stopping", ReduceLROnPlateau: "reduce_lr_on_plateau"}
            key = next((keys[kind] for kind in keys if isinstance(one, kind)), None)
            if key is not None:
                if key in options:
                    raise ValueError(f"callbacks has two of {type(one).__name__}; give one")
                if options.setdefault("monitor", one.monitor) != one.monitor:
                    raise ValueError(
                        "callbacks: EarlyStopping and ReduceLROnPlateau have one monitor; give both the same"
                    )
                options[key] = one.options
            elif isinstance(one, Callback) or (hasattr(one, "on_epoch_end") and hasattr(one, "on_train_begin")):
                callbacks.append(one)
            elif callable(one) and not isinstance(one, type):
                callbacks.append(LambdaCallback(on_epoch_end=one))
            else:
                raise ValueError(f"callbacks has {shown(one)}; give Callback objects, or functions of epoch and logs")
        return cls(callbacks, model)

    def begin(self, learning_rate: float) -> None:
        self.learning_rate, self.model.stop_training = learning_rate, False
        self._show_rate()
        for callback in self.callbacks:
            callback.model = self.model
            callback.params = {"callbacks": self}
            if hasattr(callback, "set_model"):
                callback.set_model(self.model)
        self._each("on_train_begin")
        self._epoch_begin(0)

    def batch_end(self, batch: int, logs: dict[str, float]) -> bool:
        self._each("on_train_batch_end", batch, logs)
        return bool(self.model.stop_training)

    def epoch_end(
        self, epoch: int, logs: dict[str, float], learning_rate: float, is_last: bool
    ) -> tuple[bool, float | None]:
        """Whether to stop, and the learning rate from now on where it is another."""
        self.learning_rate = learning_rate
        self._show_rate()
        self._each("on_epoch_end", epoch, dict(logs))
        if self.model.stop_training or is_last:
            return True, None
        self._take_rate()
        self._epoch_begin(epoch + 1)
        return False, None if self.learning_rate == learning_rate else float(self.learning_rate)

    def end(self) -> None:
        self._each("on_train_end")
        vars(self.model).pop("stop_training", None)

    def _epoch_begin(self, epoch: int) -> None:
        self._each("on_epoch_begin", epoch)
        self._take_rate()

    def _show_rate(self) -> None:
        self.shown = self.learning_rate
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is not None and hasattr(optimizer, "learning_rate"):
            optimizer.learning_rate = self.shown

    def _take_rate(self) -> None:
        """What a callback set of the model's optimizer."""
        rate = getattr(getattr(self.model, "optimizer", None), "learning_rate", self.shown)
        if rate != self.shown:
            self.learning_rate = float(rate)
        self._show_rate()

    def _each(self, event: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            if function := getattr(callback, event, None):
                function(*arguments)


def names(arguments: dict[str, Any]) -> list[str]:
    return [name for name in arguments if name not in ("self", "unknown", "__class__")]


def monitored(monitor: Any, mode: Any) -> str:
    name = choice("monitor", monitor, MONITORS)
    best = "max" if name.endswith("accuracy") else "min"
    if choice("mode", mode, ["auto", "min", "max"]) not in ("auto", best):
        raise ValueError(f"mode is {mode!r}, but {name} is better where it is {best}imal; give {best!r} or 'auto'")
    return name


def of(logs: dict[str, float], monitor: str) -> float:
    if monitor not in logs:
        raise ValueError(f"monitor is {monitor!r}, but nothing is validated; give validation_data, or monitor 'loss'")
    return logs[monitor]
