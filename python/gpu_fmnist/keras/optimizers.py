"""Optimizers, with Keras' keys and defaults."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arguments import choice, number, refuse_unknown, shown
from . import schedules
from .schedules import Schedule

POSITIVE = ("a positive number such as 1e-3", lambda rate: 0 < rate < np.inf)
RATE = ("a number from 0 to below 1", lambda part: 0 <= part < 1)
NOT_NEGATIVE = ("a number from 0 on", lambda value: 0 <= value < np.inf)


class Optimizer:
    """What moves the weights.

    Attributes:
        learning_rate: A number, or one of ``gpu_fmnist.keras.optimizers.schedules``. Callbacks may set another number.
    """

    type = ""

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None,
        global_clipnorm: float | None,
        use_ema: bool,
        ema_momentum: float,
        unknown: dict[str, Any],
        own: dict[str, Any],
    ) -> None:
        common = ["learning_rate", "weight_decay", "global_clipnorm", "use_ema", "ema_momentum", "name"]
        unknown.pop("name", None)
        refuse_unknown(type(self).__name__, unknown, [*common[:1], *own, *common[1:]])
        if isinstance(learning_rate, Schedule):
            self.schedule: Schedule | None = learning_rate
            self.learning_rate = learning_rate.initial_learning_rate
        else:
            self.schedule = None
            self.learning_rate = number("learning_rate", learning_rate, *POSITIVE)
        self.keys = {
            "type": self.type,
            **own,
            "weight_decay": number("weight_decay", weight_decay or 0.0, *NOT_NEGATIVE),
            "weight_decay_exclude": [],
            "global_clipnorm": number("global_clipnorm", global_clipnorm or 0.0, *NOT_NEGATIVE),
            "ema_momentum": number("ema_momentum", ema_momentum, *RATE) if use_ema else 0.0,
        }

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, learning_rate={self.learning_rate}>"


class Adam(Optimizer):
    """Kingma and Ba, 2015."""

    type = "adam"

    def __init__(
        self,
        learning_rate: Any = 1e-3,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *,
        weight_decay: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        **unknown: Any,
    ) -> None:
        own = {
            "beta_1": number("beta_1", beta_1, *RATE),
            "beta_2": number("beta_2", beta_2, *RATE),
            "epsilon": number("epsilon", epsilon, *POSITIVE),
        }
        super().__init__(learning_rate, weight_decay, global_clipnorm, use_ema, ema_momentum, unknown, own)


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    type = "adamw"

    def __init__(
        self, learning_rate: Any = 1e-3, *positional: Any, weight_decay: float | None = 4e-3, **keys: Any
    ) -> None:
        super().__init__(learning_rate, *positional, weight_decay=weight_decay, **keys)


class SGD(Optimizer):
    """Gradient descent, with momentum or Nesterov's."""

    type = "sgd"

    def __init__(
        self,
        learning_rate: Any = 1e-2,
        momentum: float = 0.0,
        nesterov: bool = False,
        *,
        weight_decay: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        **unknown: Any,
    ) -> None:
        own = {"momentum": number("momentum", momentum, *RATE), "nesterov": bool(nesterov)}
        super().__init__(learning_rate, weight_decay, global_clipnorm, use_ema, ema_momentum, unknown, own)


__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "get", "schedules"]

NAMES = {"adam": Adam, "adamw": AdamW, "sgd": SGD}


def get(optimizer: Any) -> Optimizer:
    """An optimizer by its name."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    if isinstance(optimizer, str):
        return NAMES[choice("optimizer", optimizer.lower(), NAMES)]()
    raise ValueError(f"optimizer is {shown(optimizer)}; give one of {', '.join(map(repr, NAMES))}")
