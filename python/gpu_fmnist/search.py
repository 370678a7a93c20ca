"""Searches a space of parameters by Optuna: ``python -m gpu_fmnist.search space.toml``.

The space is a file like those of ``gpu-fmnist sweep``. Any number of processes, on any hosts that share the folder,
work on the same search; what one that died was doing is done again. Needs Optuna: ``pip install gpu-fmnist[search]``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shlex
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from . import _engine
from ._arguments import shown, whole
from ._optuna import TrialState, distribution, journal, optuna, pruner, sampler, value
from .datasets.fashion_mnist import load_data
from .machine import named

#: How often one looks whether what others are doing has ended, in seconds.
PAUSE = 1.0

#: How often values are tried whose processes die.
TRIES = 3

#: How Optuna calls what became of a task.
STATES = {
    "complete": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "diverged": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


class Task(NamedTuple):
    """What is trained."""

    #: Its number among the tasks, from 1, and among Optuna's trials.
    number: int
    trial: Any
    #: As ``sweep.json`` has it.
    about: dict[str, Any]


def search(space: Any, run_dir: Any = None, *, device: str = "auto", verbose: int = 1) -> optuna.Study:
    """Trains one task after the other until the space's ``count`` have ended, by this process or by others.

    Args:
        space: The space's file, in TOML.
        run_dir: The search's folder; ``runs/NAME-search`` without it. There may be a search of this space in it, which
            then goes on, or which other processes are working on.
        device: What trains: see :func:`gpu_fmnist.devices`.
        verbose: 1 says on stderr what became of each task; 0 nothing.

    Returns:
        Optuna's study. The folder has ``journal.log``, a run's folder for each task in ``tasks``, and, as a sweep has,
        ``sweep.json``, ``sweep.csv`` and pictures.

    Ctrl-C ends it; what was being trained is done again by whoever goes on.
    """
    if not isinstance(space, (str, os.PathLike)):
        raise ValueError(f"space is {shown(space)}; give the path of a TOML file")
    if run_dir is not None and not isinstance(run_dir, (str, os.PathLike)):
        raise ValueError(f"run_dir is {shown(run_dir)}; give a path, or leave it out")
    work = Work(Path(space), run_dir, named(device), whole("verbose", verbose, 0, 1))
    work.do()
    return work.study


class Work:
    """What one process does of a search."""

    def __init__(self, file: Path, run_dir: Any, device: str, verbose: int) -> None:
        self.space = _engine.SearchSpace(os.fspath(file))
        self.about = json.loads(self.space.about())
        self.count, self.metric = self.about["search"]["count"], self.about["metric"]
        self.device, self.verbose = device, verbose
        self.folder = Path(run_dir) if run_dir is not None else Path("runs") / f"{self.about['name']}-search"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.distributions = {
            one["name"]: found for one in self.about["parameters"] if (found := distribution(one["values"])) is not None
        }
        self.data: dict[str, Any] = {}
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{time.time_ns()}"
        with self.lock():
            self.study = self.begun(file)

    def begun(self, file: Path) -> optuna.Study:
        """The study in the folder, which is of this space."""
        path = str(self.folder / "journal.log")
        study = optuna.create_study(
            storage=optuna.storages.JournalStorage(journal.JournalFileBackend(path, journal.JournalFileOpenLock(path))),
            study_name="search",
            direction="maximize" if self.about["maximize"] else "minimize",
            pruner=pruner(self.about["pruning"]),
            load_if_exists=True,
        )
        # More may be asked for later.
        space = {**self.about, "search": {**self.about["search"], "count": None}}
        if "space" not in study.user_attrs:
            study.set_user_attr("space", space)
        elif study.user_attrs["space"] != space:
            problem = f"the search in {self.folder} was begun with another space"
            raise ValueError(f"{file}: {problem}; give it another folder, or only change count")
        return study

    @contextmanager
    def lock(self) -> Iterator[None]:
        """While one process asks or reaps, no other does."""
        while (lock := _engine.Lock.take(str(self.folder / "asking"))) is None:
            time.sleep(PAUSE / 50)
        try:
            yield
        finally:
            lock.release()

    def workers(self, name: str) -> str:
        """The folder that says whether a process lives."""
        return str(self.folder / "workers" / name)

    def task_folder(self, number: int) -> Path:
        return self.folder / "tasks" / str(number)

    def do(self) -> None:
        """Does tasks until none is left."""
        alive = _engine.Lock.take(self.workers(self.worker))
        waits = False
        try:
            while True:
                with self.lock():
                    self.reap()
                    task = self.next()
                if task is not None:
                    self.train(task)
                elif others := self.running():
                    if not waits:
                        self.say(f"waiting for {count_of(len(others), 'task')} of other processes")
                    waits = True
                    time.sleep(PAUSE)
                else:
                    break
        finally:
            alive.release()
            with suppress(OSError):
                os.rmdir(self.workers(self.worker))

    def running(self) -> list[Any]:
        return self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))

    def next(self) -> Task | None:
        """The next task, which is this process' own from now on; under the lock."""
        trials = self.study.get_trials(deepcopy=False)
        waits = any(trial.state == TrialState.WAITING for trial in trials)
        counted = [trial for trial in trials if trial.state != TrialState.FAIL or tries_of(trial) == TRIES]
        if not waits and len(counted) >= self.count:
            return None
        self.study.sampler = sampler(self.about["search"], len(trials))
        trial = self.study.ask(self.distributions)
        number = 1 + sum("task" in one.user_attrs for one in trials)
        try:
            about = json.loads(self.space.task(json.dumps(self.values(trial.params)), number))
        except BaseException:
            self.study.tell(trial, state=TrialState.FAIL)
            raise
        trial.set_user_attr("task", {"number": number, "worker": self.worker, **about})
        self.write_manifest()
        return Task(number, trial, about)

    def values(self, drawn: dict[str, Any]) -> dict[str, Any]:
        """The value of each parameter, those that do not vary, too."""
        return {one["name"]: value(one["values"], drawn.get(one["name"])) for one in self.about["parameters"]}

    def write_manifest(self) -> None:
        """Writes ``sweep.json``, by which the folder is that of a sweep; under the lock."""
        found = [one.user_attrs["task"] for one in self.study.get_trials(deepcopy=False) if "task" in one.user_attrs]
        found.sort(key=lambda task: task["number"])
        tasks = [{key: one[key] for key in one if key not in ("number", "worker")} for one in found]
        new = self.folder / "sweep.json.new"
        new.write_text(self.space.manifest(json.dumps(tasks)) + "\n")
        new.replace(self.folder / "sweep.json")

    def reap(self) -> None:
        """Ends the tasks whose processes have died, and has their values tried again; under the lock."""
        for trial in self.running():
            task = trial.user_attrs.get("task")
            if task is None:
                # Nobody else is between asking and saying what for.
                self.study.tell(trial.number, state=TrialState.FAIL)
            elif task["worker"] == self.worker or _engine.Lock.is_held(self.workers(task["worker"])):
                continue
            elif outcome := trial.user_attrs.get("outcome"):
                self.settle(trial, task["number"], outcome)
            else:
                self.fail(trial, task["number"], f"its process {task['worker']} has died")

    def fail(self, trial: Any, number: int, problem: str) -> None:
        """Ends a task that came to nothing; its values are tried again, unless they were too often; under the lock."""
        frozen = self.study.get_trials(deepcopy=False)[trial.number]
        if frozen.state != TrialState.RUNNING:
            # Another process has ended it, which saw no sign of life.
            return
        again = tries_of(frozen) < TRIES
        if again:
            self.study.enqueue_trial(frozen.params, user_attrs={"tries": tries_of(frozen) + 1})
        self.settle(trial, number, outcome_of("failed", self.task_folder(number)))
        self.say(f"task {number}: {problem}; {'its values are tried again' if again else 'given up'}")

    def settle(self, trial: Any, number: int, outcome: dict[str, Any]) -> None:
        """Tells what became of a task: the folder, and then Optuna."""
        folder = self.task_folder(number)
        folder.mkdir(parents=True, exist_ok=True)
        _engine.end_task(os.fspath(folder), json.dumps(outcome))
        state = STATES[outcome["status"]]
        frozen = self.study.get_trials(deepcopy=False)[trial.number]
        value = frozen.intermediate_values[frozen.last_step] if state == TrialState.COMPLETE else None
        self.study.tell(trial.number, value, state, skip_if_finished=True)

    def train(self, task: Task) -> None:
        """Trains a task, tests it and tells of it."""
        number, trial, about = task
        try:
            outcome = self.trained(task, self.task_folder(number))
        except BaseException as error:
            with self.lock():
                self.fail(trial, number, "interrupted" if isinstance(error, KeyboardInterrupt) else str(error))
            raise
        trial.set_user_attr("outcome", outcome)
        self.settle(trial, number, outcome)
        self.say_ended(number, about["values"], outcome)

    def trained(self, task: Task, folder: Path) -> dict[str, Any]:
        number, trial, about = task
        (x_train, y_train), (x_test, y_test) = self.dataset(about["data_dir"])
        network = _engine.Network.configured(json.dumps(about["config"]), self.device)
        watch = Watch(trial, self.metric)
        try:
            network.fit((x_train, y_train), None, "{}", watch, os.fspath(folder))
        except _engine.DivergedError as error:
            self.say(f"task {number}: {error}")
            return outcome_of("diverged", folder)
        return outcome_of("pruned" if watch.pruned else "complete", folder, network.evaluate(x_test, y_test))

    def dataset(self, folder: str) -> Any:
        if folder not in self.data:
            self.data = {folder: load_data(folder)}
        return self.data[folder]

    def say(self, line: str) -> None:
        if self.verbose:
            print(line, file=sys.stderr, flush=True)

    def say_ended(self, number: int, values: dict[str, Any], outcome: dict[str, Any]) -> None:
        states = [trial.state for trial in self.study.get_trials(deepcopy=False)]
        ended = states.count(TrialState.COMPLETE) + states.count(TrialState.PRUNED)
        words = f" ({', '.join(f'{name} = {values[name]}' for name in values)})" if values else ""
        test = "" if outcome["test_accuracy"] is None else f", test accuracy {outcome['test_accuracy']:.4f}"
        took = f"{count_of(outcome['epochs'], 'epoch')} in {outcome['seconds']:.1f} s"
        self.say(f"{ended}/{self.count}: task {number}{words}: {outcome['status']}, {took}{test}")


class Watch:
    """Reports each epoch, and ends a training that is to be pruned."""

    def __init__(self, trial: Any, metric: str) -> None:
        self.trial, self.metric, self.pruned = trial, metric, False

    def steps(self, epoch: int, samples: int, loss: float, accuracy: float) -> bool:
        return False

    def epoch(self, result: dict[str, float]) -> tuple[bool, float | None]:
        self.trial.report(result[self.metric], int(result["epoch"]))
        self.pruned = not result["is_last"] and self.trial.should_prune()
        return self.pruned, None


def outcome_of(status: str, folder: Path, tested: tuple[float, float] | tuple[None, None] = (None, None)) -> Any:
    """What ``result.json`` of a task says, whose run has that folder."""
    rows = epochs(folder)
    environment = folder / "environment.json"
    return {
        "status": status,
        "epochs": len(rows),
        "test_loss": tested[0],
        "test_accuracy": tested[1],
        "training_flop": int(rows[-1]["training_flop"]) if rows else 0,
        "seconds": round(sum(float(row["seconds"]) for row in rows), 3),
        "adapter": json.loads(environment.read_text())["adapter"] if environment.exists() else "",
        "host": socket.gethostname(),
    }


def epochs(folder: Path) -> list[dict[str, str]]:
    """The rows of a run's table."""
    try:
        with open(folder / "metrics.csv", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        return []


def tries_of(trial: Any) -> int:
    """How often its values were tried, with this time."""
    return trial.user_attrs.get("tries", 1)


def count_of(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def main(arguments: list[str] | None = None) -> int:
    """The command line: ``python -m gpu_fmnist.search``."""
    parser = argparse.ArgumentParser("python -m gpu_fmnist.search", description=search.__doc__.splitlines()[0])
    parser.add_argument("space", metavar="SPACE.toml", help="the space, with method = 'tpe' or 'random'")
    parser.add_argument("--run-dir", metavar="FOLDER", help="the search's folder [default: runs/<name>-search]")
    parser.add_argument("--device", default="auto", help="auto, cpu, a backend, or a part of a device's name")
    parser.add_argument("-q", "--quiet", action="store_true", help="nothing but the table")
    options = parser.parse_args(arguments)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # A job that is preempted says what it was doing, as one that is interrupted.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        work = Work(Path(options.space), options.run_dir, named(options.device), int(not options.quiet))
        work.do()
        print(_engine.collect(os.fspath(work.folder)), end="")
    except KeyboardInterrupt:
        words = ["python", "-m", "gpu_fmnist.search", *(sys.argv[1:] if arguments is None else arguments)]
        print(f"interrupted; go on with: {shlex.join(words)}", file=sys.stderr)
        return 130
    except (ValueError, TypeError, ArithmeticError, RuntimeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
