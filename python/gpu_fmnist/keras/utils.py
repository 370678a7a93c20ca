"""Seeds."""

from __future__ import annotations

from .._arguments import whole

_seed = 0


def set_random_seed(seed: int) -> None:
    """The seed of every ``fit`` from now on that is given none: of initial weights, order and dropout."""
    global _seed
    _seed = whole("seed", seed, 0)


def random_seed() -> int:
    """What :func:`set_random_seed` was given, else 0."""
    return _seed
