"""The parts of a search's space in Optuna's words."""

from __future__ import annotations

import json
from typing import Any

try:
    import optuna
    from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
    from optuna.storages import journal
    from optuna.trial import TrialState
except ImportError as missing:
    raise ImportError(f"a search needs Optuna ({missing}): pip install 'gpu-fmnist[search]'") from None


def distribution(values: dict[str, Any]) -> BaseDistribution | None:
    """Optuna's name for what a parameter may be; None of what does not vary."""
    ((kind, given),) = values.items()
    if kind == "values":
        return CategoricalDistribution([choice(one) for one in given]) if len(given) > 1 else None
    of = IntDistribution if kind.endswith("integers") else FloatDistribution
    return of(*given, log=kind.startswith("log"))


def choice(value: Any) -> Any:
    """A value of a list as Optuna can keep it."""
    return json.dumps(value) if isinstance(value, (list, dict)) else value


def value(values: dict[str, Any], drawn: Any) -> Any:
    """What was drawn as it is trained with: floats to six digits, which people read."""
    ((kind, given),) = values.items()
    if kind == "values":
        return given[0] if len(given) == 1 else next(one for one in given if same(choice(one), drawn))
    return drawn if kind.endswith("integers") else min(max(float(f"{drawn:.5e}"), given[0]), given[1])


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def sampler(about: dict[str, Any], place: int) -> optuna.samplers.BaseSampler:
    """What draws the trial of that place: of the seed and that alone, not of who asks."""
    seed = (about["seed"] * 1_000_003 + place) % 2**32
    return optuna.samplers.RandomSampler(seed) if about["method"] == "random" else optuna.samplers.TPESampler(seed=seed)


def pruner(about: dict[str, Any] | None) -> optuna.pruners.BasePruner:
    """Of the section ``[pruning]``; epochs are counted from 1."""
    if about is None:
        return optuna.pruners.NopPruner()
    if about["type"] == "median":
        return optuna.pruners.MedianPruner(about["min_tasks"], about["warm_up_epochs"] + 1)
    return optuna.pruners.SuccessiveHalvingPruner(about["min_epochs"], about["reduction"])


__all__ = ["TrialState", "distribution", "journal", "optuna", "pruner", "sampler", "value"]
