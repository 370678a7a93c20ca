"""What callers may give: arrays as the engine takes them, and errors that name the argument and the remedy."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from . import _engine

MOST_CLASSES = 256


def refuse_unknown(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raises TypeError for an argument that there is not, naming the nearest that there is.

    >>> refuse_unknown("Conv2D", ["filtrs"], ["filters", "kernel_size"])
    Traceback (most recent call last):
        ...
    TypeError: Conv2D: unknown argument "filtrs" (did you mean "filters"?); there are filters, kernel_size
    """
    known = list(known)
    for name in given:
        if name not in known:
            hint = _engine.nearest(name, known)
            raise TypeError(f'{what}: unknown argument "{name}"{hint}; there are {", ".join(known)}')


def choice(argument: str, value: Any, choices: Iterable[str]) -> str:
    """``value``, which must be one of some texts."""
    choices = list(choices)
    if isinstance(value, str) and value in choices:
        return value
    hint = _engine.nearest(value, choices) if isinstance(value, str) else ""
    raise ValueError(f"{argument} is {shown(value)}{hint}; give one of {', '.join(map(repr, choices))}")


def whole(argument: str, value: Any, least: int = 1, most: int = 2**63 - 1) -> int:
    """``value``, which must be a whole number."""
    if not isinstance(value, (bool, np.bool_)):
        try:
            number = operator.index(value)
        except TypeError:
            number = None
        if number is not None and least <= number <= most:
            return number
    limit = f"{least} or more" if most == 2**63 - 1 else f"{least} to {most}"
    raise ValueError(f"{argument} is {shown(value)}; give a whole number, {limit}")


def number(argument: str, value: Any, what: str, fits: Callable[[float], bool]) -> float:
    """``value``, which must be a number that fits."""
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool) and fits(float(value)):
        return float(value)
    raise ValueError(f"{argument} is {shown(value)}; give {what}")


def shown(value: Any) -> str:
    """A value in one line that a message can bear."""
    if isinstance(value, np.ndarray):
        return f"an array {list(value.shape)} of {value.dtype}"
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


@contextmanager
def copied(argument: str, value: Any) -> Iterator[None]:
    """Where an argument may have to be copied: names it where there is no memory for that."""
    try:
        yield
    except MemoryError:
        remedy = "give fewer samples, or a C-contiguous array of uint8 or float32, which is not copied"
        raise MemoryError(f"{argument} is {shown(value)}: no memory for a copy of it; {remedy}") from None


def array(argument: str, value: Any) -> np.ndarray:
    """``value`` as an array of numbers, not copied where it is one."""
    try:
        with copied(argument, value):
            found = np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:
        raise ValueError(f"{argument} is no array ({error}); give one of numbers") from None
    if found.dtype == object:
        raise ValueError(f"{argument} has no numbers but objects, or rows of several lengths; give an array of numbers")
    return found


def images(argument: str, value: Any, shape: tuple[int, int, int] | None = None) -> np.ndarray:
    """Images as the engine takes them: C-contiguous, uint8 or float32, not copied where they are so already.

    ``value`` is ``[N, H, W]``, ``[N, H, W, C]`` or ``[N, features]``; bytes (uint8) stand for byte / 255, any other
    numbers for themselves. With ``shape``, ``(H, W, C)``, there must be as many values in each image; without, features
    stay such.
    """
    found = array(argument, value)
    if found.dtype.kind not in "biuf" or found.dtype.itemsize > 8:
        raise ValueError(f"{argument} is {shown(found)}; give uint8 (0 to 255) or floats (0 to 1)")
    if found.ndim not in (2, 3, 4):
        raise ValueError(f"{argument} is {shown(found)}; give images [N, H, W], [N, H, W, C] or [N, features]")
    if found.size == 0:
        raise ValueError(f"{argument} is {shown(found)}; give at least one image")
    if shape is not None:
        own = found.shape[1:] + (1,) if found.ndim == 3 else found.shape[1:]
        if own != tuple(shape) and (found.ndim != 2 or found.shape[1] != int(np.prod(shape))):
            raise ValueError(
                f"{argument} is {shown(found)}, but the model takes images {list(shape)} [H, W, C]; give those"
            )
    if found.dtype != np.uint8:
        warn_of_bytes(argument, found)
    with copied(argument, found), np.errstate(over="ignore"):
        kind = np.uint8 if found.dtype == np.uint8 else np.float32
        return np.require(found.astype(kind, copy=False), requirements=["C", "A"])


def warn_of_bytes(argument: str, found: np.ndarray) -> None:
    """Warns where numbers look like unscaled pixels, which a network would see hundreds of times too large."""
    if found.ndim > 2 and found.dtype != bool:
        first = found[:64]
        if first.max() > 1 and first.min() >= 0 and np.array_equal(first, np.floor(first)):
            remedy = (
                "x.astype('uint8'), or x / 255" if first.max() <= 255 else "x divided by the largest that there can be"
            )
            problem = f"{argument}: whole numbers up to {first.max():g} as {found.dtype} are taken as they are"
            warnings.warn(f"{problem}; give {remedy}", stacklevel=4)


def same_kind(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    """``other`` in the kind of ``train``: numbers where those are, and bytes only where both are bytes."""
    if train.dtype == other.dtype:
        return other
    if other.dtype == np.uint8:
        return other.astype(np.float32) / np.float32(255)
    raise ValueError("validation_data has numbers (floats), but the training images are bytes (uint8); give both alike")


def same_length(argument: str, count: int, other: str, expected: int) -> None:
    """Raises ValueError where there are not as many."""
    if count != expected:
        raise ValueError(f"{argument} has {count} samples, but {other} has {expected}; give as many")


def pair(argument: str, value: Any) -> tuple[Any, Any]:
    """The two parts of ``(x, y)``."""
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return value[0], value[1]
    if isinstance(value, (tuple, list)) and len(value) == 3:
        raise ValueError(f"{argument} has sample weights, which are not supported; give (x, y)")
    raise ValueError(f"{argument} is {shown(value)}; give (x, y)")
