"""How the learning rate goes on from step to step."""

from __future__ import annotations

import math
from typing import Any

from .._arguments import number, refuse_unknown, whole


class Schedule:
    """A course of the learning rate over the whole training."""

    def __init__(self, initial_learning_rate: float) -> None:
        self.initial_learning_rate = number(
            "initial_learning_rate",
            initial_learning_rate,
            "a positive number such as 1e-3",
            lambda rate: 0 < rate < math.inf,
        )

    def options(self) -> dict[str, Any]:
        """The keys of a configuration."""
        raise NotImplementedError


class CosineDecay(Schedule):
    """Keras' CosineDecay down to 0 over the whole training, after so many epochs in which the rate grows from 0."""

    def __init__(self, initial_learning_rate: float = 1e-3, *, warm_up_epochs: int = 0, **unknown: Any) -> None:
        refuse_unknown("CosineDecay", unknown, ["initial_learning_rate", "warm_up_epochs"])
        super().__init__(initial_learning_rate)
        self.warm_up_epochs = whole("warm_up_epochs", warm_up_epochs, 0)

    def options(self) -> dict[str, Any]:
        return {"schedule": "cosine", "warm_up_epochs": self.warm_up_epochs}
