"""The one loss: cross-entropy of softmax, with labels as numbers or one-hot."""

from __future__ import annotations

from typing import Any

from .._arguments import choice, number, refuse_unknown, shown


class Loss:
    """Cross-entropy of the softmax of a network's logits."""

    #: Whether labels are rows ``[N, C]`` with a one.
    one_hot = False

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, **unknown: Any) -> None:
        refuse_unknown(type(self).__name__, unknown, ["from_logits", "label_smoothing"])
        #: Of no influence: where the last layer is a softmax, it is part of the loss, and the numbers are the same.
        self.from_logits = bool(from_logits)
        self.label_smoothing = number(
            "label_smoothing", label_smoothing, "a number from 0 to below 1", lambda part: 0 <= part < 1
        )


class SparseCategoricalCrossentropy(Loss):
    """For labels ``[N]`` or ``[N, 1]``: numbers of classes, from 0."""


class CategoricalCrossentropy(Loss):
    """For labels ``[N, C]``, in each row a one at the sample's class."""

    one_hot = True


NAMES = {
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
}


def get(loss: Any) -> Loss:
    """A loss by its name."""
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str) or loss is None:
        return NAMES[choice("loss", loss, NAMES)]()
    raise ValueError(f"loss is {shown(loss)}; give one of {', '.join(map(repr, NAMES))}")
