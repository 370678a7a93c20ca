"""Splits of samples by their numbers, index for index scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _engine
from ._arguments import number, whole

#: More than any data set has, and what memory bears.
MOST = 2**28

Indices = tuple[np.ndarray, np.ndarray]


def train_test_split(count: int, test_size: float = 0.2, random_state: int = 2020) -> Indices:
    """The numbers of the samples to train with and of those held out, as ``train`` of the command line splits them.

    They are those of ``sklearn.model_selection.train_test_split(range(count), test_size=..., random_state=...)``.

    >>> train, test = train_test_split(10, 0.2, random_state=0)
    >>> test
    array([2, 8], dtype=uint32)
    """
    fraction = number("test_size", test_size, "a fraction between 0 and 1", lambda part: 0 < part < 1)
    most = 2**32 - 1
    return _arrays(
        _engine.train_test_split(whole("count", count, 0, MOST), fraction, whole("random_state", random_state, 0, most))
    )


def k_folds(count: int, n_splits: int = 5, random_state: int = 2020) -> list[Indices]:
    """The splits of ``sklearn.model_selection.KFold(n_splits, shuffle=True, random_state=...)``."""
    seed = whole("random_state", random_state, 0, 2**32 - 1)
    return [
        _arrays(split)
        for split in _engine.k_folds(whole("count", count, 0, MOST), whole("n_splits", n_splits, 0, MOST), seed)
    ]


def _arrays(split: Any) -> Indices:
    train, test = split
    return np.array(train, dtype=np.uint32), np.array(test, dtype=np.uint32)
