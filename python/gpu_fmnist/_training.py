"""What happens between the engine's submissions: progress, callbacks, and the table of epochs."""

from __future__ import annotations

import json
from typing import Any

METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")


class History:
    """What each epoch of a training came to.

    Attributes:
        epoch: The epochs' numbers, from 0, as Keras counts them.
        history: Of ``loss``, ``accuracy``, ``learning_rate`` and, where something was validated, ``val_loss`` and
            ``val_accuracy``, a list with a number an epoch.
        params: ``epochs``, ``steps`` of an epoch, and ``verbose``.
    """

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}
        self.params: dict[str, int] = {}

    def add(self, epoch: int, logs: dict[str, float]) -> None:
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)

    def __repr__(self) -> str:
        return f"<History of {len(self.epoch)} epochs: {', '.join(self.history)}>"


class Bar:
    """A bar an epoch, in a terminal or in Jupyter."""

    def __init__(self, epochs: int, samples: int, verbose: int) -> None:
        self.epochs, self.samples, self.verbose = epochs, samples, verbose
        self.bar: Any = None

    def steps(self, epoch: int, samples: int, loss: float, accuracy: float) -> None:
        if self.verbose == 1:
            if self.bar is None:
                from tqdm.auto import tqdm

                title = f"Epoch {epoch}/{self.epochs}"
                self.bar = tqdm(total=self.samples, desc=title, unit=" images", unit_scale=True, dynamic_ncols=True)
            self.bar.update(samples - self.bar.n)
            self.bar.set_postfix(loss=f"{loss:.4f}", accuracy=f"{accuracy:.4f}")

    def epoch(self, result: dict[str, float]) -> None:
        shown = {name: f"{result[name]:.4f}" for name in METRICS if name in result}
        if self.bar is not None:
            self.bar.set_postfix(shown)
            self.bar.close()
            self.bar = None
        elif self.verbose == 2:
            text = " - ".join(f"{name}: {value}" for name, value in shown.items())
            print(f"Epoch {result['epoch']:.0f}/{self.epochs}: {result['seconds']:.1f}s - {text}", flush=True)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


class Told:
    """What the engine calls: see ``fit`` of ``_engine.Network``."""

    def __init__(self, bar: Bar, history: History, batch_size: int, callbacks: Any = None) -> None:
        self.bar, self.history, self.batch_size, self.callbacks = bar, history, batch_size, callbacks

    def steps(self, epoch: int, samples: int, loss: float, accuracy: float) -> bool:
        self.bar.steps(epoch, samples, loss, accuracy)
        if self.callbacks is None:
            return False
        batch = -(-samples // self.batch_size) - 1
        return self.callbacks.batch_end(batch, {"loss": loss, "accuracy": accuracy})

    def epoch(self, result: dict[str, float]) -> tuple[bool, float | None]:
        self.bar.epoch(result)
        logs = {name: result[name] for name in (*METRICS, "learning_rate") if name in result}
        epoch = int(result["epoch"]) - 1
        self.history.add(epoch, logs)
        if self.callbacks is None:
            return False, None
        return self.callbacks.epoch_end(epoch, logs, result["next_learning_rate"], bool(result["is_last"]))


def train(
    network: Any,
    train: tuple[Any, Any],
    validation: tuple[Any, Any] | None,
    options: dict[str, Any],
    history: History,
    *,
    verbose: int = 0,
    callbacks: Any = None,
    run_dir: Any = None,
) -> None:
    """Trains the network by its configuration with ``options`` in it; ``history`` gets each epoch."""
    config = {**json.loads(network.config()), **options}
    held_out = 0 if validation is not None else -int(-config["validation_fraction"] * len(train[1]) // 1)
    samples, batch = len(train[1]) - held_out, config["batch_size"]
    history.params.update(epochs=config["epochs"], steps=-(-samples // batch), verbose=verbose)
    bar = Bar(config["epochs"], samples, verbose)
    if callbacks is not None:
        callbacks.begin(config["learning_rate"])
        options = {**options, "learning_rate": callbacks.learning_rate}
    try:
        told = Told(bar, history, batch, callbacks)
        network.fit(train, validation, json.dumps(options), told, run_dir)
    finally:
        bar.close()
        if callbacks is not None:
            callbacks.end()
