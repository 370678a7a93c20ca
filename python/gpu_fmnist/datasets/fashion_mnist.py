"""Fashion-MNIST: 60,000 and 10,000 grey pictures of 28 x 28 pixels, in ten classes."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .. import _engine
from .._arguments import shown

Part = tuple[np.ndarray, np.ndarray]

#: What the classes are called, by label.
CLASS_NAMES: tuple[str, ...] = tuple(_engine.FASHION_MNIST)


def load_data(folder: Any = None) -> tuple[Part, Part]:
    """Training and test samples, as Keras gives them.

    Args:
        folder: Where the four files are, plain or gzip. Without it, the usual places are looked into (``data``,
            Debian's package, Keras' and torchvision's, the user's cache), and at last the files are fetched into that
            cache.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: uint8, images ``[N, 28, 28]`` from 0 to 255 and labels ``[N]`` from 0
        to 9. Another data set in the same format has its own shape, with colours ``[N, H, W, C]``.
    """
    if folder is not None and not isinstance(folder, (str, os.PathLike)):
        raise ValueError(f"folder is {shown(folder)}; give a path, or leave it out")
    progress = Progress()
    try:
        train, test = _engine.fashion_mnist(None if folder is None else os.fspath(folder), progress)
    finally:
        progress.close()
    return part(train), part(test)


def part(found: Any) -> Part:
    images, shape, labels = found
    shape = shape[:3] if shape[3] == 1 else shape
    return np.frombuffer(images, np.uint8).reshape(shape), np.frombuffer(labels, np.uint8)


class Progress:
    """A bar for each file that is fetched."""

    def __init__(self) -> None:
        self.file: str | None = None
        self.bar: Any = None

    def __call__(self, file: str, done: int, total: int | None) -> None:
        from tqdm.auto import tqdm

        if file != self.file:
            self.close()
            self.file, self.bar = file, tqdm(desc=file, total=total, unit="B", unit_scale=True)
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
