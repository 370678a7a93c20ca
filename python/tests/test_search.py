"""Searches by Optuna: several processes, one that dies, pruning, and the table of it all."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import pictures, write_idx

from gpu_fmnist import load_model
from gpu_fmnist.search import Work, main, search

MODEL = """
name = "lines"
input = [8, 8, 1]
layers = [{ type = "conv2d", filters = 4, kernel = 3, activation = "relu" }, { type = "flatten" },
          { type = "dense", units = 2 }]
training = { epochs = 3, batch_size = 32, validation_fraction = 0.25 }
"""

RATES = "learning_rate = { log_uniform = [1e-4, 1e-2] }"


@pytest.fixture
def made(tmp_path):
    write_idx(tmp_path / "data", pictures(200, seed=1), pictures(40, seed=2))
    (tmp_path / "lines.toml").write_text(MODEL)
    return tmp_path


def space(folder, parameters=RATES, head="method = 'tpe'\ncount = 6"):
    path = folder / "space.toml"
    common = f"model = '{folder / 'lines.toml'}'\ndata_dir = '{folder / 'data'}'"
    path.write_text(f"{head}\n[parameters]\n{common}\n{parameters}\n")
    return path


def started(folder, *arguments):
    command = [sys.executable, "-m", "gpu_fmnist.search", "space.toml", "--run-dir", "s", "--device", "cpu", *arguments]
    paths = [os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(load_model.__code__.co_filename))))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*paths, os.environ.get("PYTHONPATH", "")])}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, **pipes)


def ended(process, code=0):
    out, errors = process.communicate(timeout=300)
    assert process.returncode == code, errors
    return out, errors


def table(folder):
    with open(folder / "sweep.csv", newline="") as file:
        return list(csv.DictReader(file))


def until(what, process):
    began = time.monotonic()
    while not what():
        assert process.poll() is None and time.monotonic() - began < 120, process.communicate()[1]
        time.sleep(0.01)


def test_two_processes_share_a_search(made):
    # Long enough that the second begins before the first has done all.
    space(made, RATES + "\nepochs = 24", "method = 'tpe'\ncount = 10")
    said = [ended(process) for process in [started(made), started(made)]]
    rows = table(made / "s")
    assert [row["task"] for row in rows] == [str(number) for number in range(1, 11)]
    assert all(row["status"] == "complete" and row["epochs"] == "24" and row["host"] for row in rows)
    assert len({row["learning_rate"] for row in rows}) == 10
    done = [{line.split()[2] for line in errors.splitlines() if ": task " in line} for _, errors in said]
    assert done[0] and done[1] and not done[0] & done[1] and len(done[0] | done[1]) == 10
    # Both tell the same, once all have ended.
    assert said[0][0] == said[1][0] and "in all: " in said[0][0]
    assert not os.listdir(made / "s" / "workers") and not os.listdir(made / "s" / "asking")
    for number in range(1, 11):
        assert json.loads((made / "s" / "tasks" / str(number) / "result.json").read_text())["test_accuracy"] is not None


def test_what_a_killed_process_was_doing_is_done_again(made):
    space(made, "epochs = 400\nlearning_rate = [1e-3, 2e-3]", "method = 'random'\ncount = 2")
    process, other = started(made), started(made)
    for number in ("1", "2"):
        until((made / "s" / "tasks" / number / "metrics.csv").exists, process)
    process.kill()
    process.communicate()
    _, errors = ended(other)
    (said,) = [line for line in errors.splitlines() if "has died; its values are tried again" in line]
    assert f"-{process.pid}-" in said, errors
    rows = table(made / "s")
    assert sorted(row["status"] for row in rows) == ["complete", "complete", "failed"]
    (failed,) = [row for row in rows if row["status"] == "failed"]
    assert said.startswith(f"task {failed['task']}: its process ") and 0 < int(failed["epochs"]) < 400
    assert failed["learning_rate"] == rows[2]["learning_rate"] and rows[2]["status"] == "complete"
    # Nothing is left to do.
    assert ended(started(made))[1] == ""


def test_an_interrupt_says_what_it_was_doing(made):
    space(made, "epochs = 2000", "method = 'random'\ncount = 1")
    process = started(made)
    until((made / "s" / "tasks" / "1" / "metrics.csv").exists, process)
    process.send_signal(signal.SIGTERM)
    _, errors = ended(process, 130)
    assert "task 1: interrupted; its values are tried again" in errors
    assert errors.splitlines()[-1] == (
        "interrupted; go on with: python -m gpu_fmnist.search space.toml --run-dir s --device cpu"
    )


def test_pruning_ends_what_is_worse_than_the_median(made):
    parameters = "learning_rate = [5e-3, 1e-6]\nepochs = 6"
    head = "method = 'random'\ncount = 12\nseed = 1\nmetric = 'loss'\n"
    head += "[pruning]\ntype = 'median'\nmin_tasks = 2\nwarm_up_epochs = 1"
    study = search(space(made, parameters, head), made / "s", device="cpu", verbose=0)
    states = {}
    for trial in study.trials:
        rate, steps = trial.user_attrs["task"]["values"]["learning_rate"], sorted(trial.intermediate_values)
        assert steps == list(range(1, len(steps) + 1)) and (trial.state.name == "PRUNED") == (len(steps) < 6)
        assert trial.state.name != "PRUNED" or len(steps) > 1, "within the warm-up"
        states.setdefault(rate, []).append(trial.state.name)
    assert "PRUNED" in states[1e-6] and set(states[5e-3]) == {"COMPLETE"}, states
    main([str(space(made, parameters, head)), "--run-dir", str(made / "s"), "--device", "cpu", "-q"])
    rows = table(made / "s")
    assert [row["status"] for row in rows] == [trial.state.name.lower() for trial in study.trials]
    pruned = next(row for row in rows if row["status"] == "pruned")
    assert pruned["test_accuracy"] and float(pruned["training_flop"]) > 0


def test_a_task_is_the_run_of_the_command(made, program):
    study = search(space(made, RATES + "\noptimizer.beta_1 = [0.5, 0.9]"), made / "s", device="cpu", verbose=0)
    main([str(made / "space.toml"), "--run-dir", str(made / "s"), "--device", "cpu", "-q"])
    task = json.loads((made / "s" / "sweep.json").read_text())["tasks"][2]
    program("train", *task["arguments"], "--data-dir", task["data_dir"], "--run-dir", made / "run", "--adapter", "cpu")
    ours, theirs = (load_model(folder, device="cpu") for folder in (made / "s" / "tasks" / "3", made / "run"))
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    row = table(made / "s")[2]
    assert float(row["val_accuracy"]) == study.trials[2].value
    about = program("evaluate", "--run", made / "run", "--data-dir", made / "data", "--adapter", "cpu", "--json")
    assert float(row["test_accuracy"]) == json.loads(about)["accuracy"]
    # And the folder is a sweep's.
    text = program("collect", made / "s")
    assert text.splitlines()[0].split()[:3] == ["task", "learning_rate", "optimizer.beta_1"]
    assert table(made / "s")[2] == row


def test_the_seed_decides_and_more_may_follow(made):
    def drawn(folder, count):
        path = space(made, RATES, f"method = 'tpe'\ncount = {count}\nseed = 7")
        study = search(path, made / folder, device="cpu", verbose=0)
        return [trial.user_attrs["task"]["values"] for trial in study.trials]

    first = drawn("a", 3)
    assert drawn("b", 3) == first != drawn("c", 4)
    more = drawn("a", 5)
    assert more[:3] == first and len({values["learning_rate"] for values in more}) == 5
    # To six digits, as they are shown.
    assert all(values["learning_rate"] == float(f"{values['learning_rate']:.5e}") for values in more)


def test_all_kinds_of_values_are_drawn(made):
    parameters = """
        batch_size = { log_integers = [8, 64] }
        epochs = { integers = [1, 2] }
        layers.conv2d.filters = [3, 4]
        optimizer.beta_1 = { uniform = [0.8, 0.95] }
        schedule.type = "steps"
        schedule.factors = [[0.5]]
        schedule.boundaries = [[0.25], [0.75]]
    """
    study = search(space(made, parameters, "method = 'tpe'\ncount = 12"), made / "s", device="cpu", verbose=0)
    for trial in study.trials:
        values = trial.user_attrs["task"]["values"]
        config = trial.user_attrs["task"]["config"]
        assert config["batch_size"] == values["batch_size"] and 8 <= values["batch_size"] <= 64
        assert config["epochs"] == values["epochs"] in (1, 2)
        assert 0.8 <= values["optimizer.beta_1"] <= 0.95 and values["layers.conv2d.filters"] in (3, 4)
        assert config["schedule"]["boundaries"] == values["schedule.boundaries"] in ([0.25], [0.75])


def test_what_diverges_has_ended(made):
    study = search(
        space(made, "learning_rate = 1e30", "method = 'random'\ncount = 1"), made / "s", device="cpu", verbose=0
    )
    assert [trial.state.name for trial in study.trials] == ["PRUNED"]
    assert main([str(made / "space.toml"), "--run-dir", str(made / "s"), "-q"]) == 0
    assert table(made / "s")[0]["status"] == "diverged"


def test_values_that_fail_again_and_again_are_given_up(made, monkeypatch):
    path, run = space(made, "epochs = 1", "method = 'random'\ncount = 1"), made / "s"
    trained = Work.trained

    def fails(self, task, folder):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(Work, "trained", fails)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="out of memory"):
            search(path, run, device="cpu", verbose=0)
    monkeypatch.setattr(Work, "trained", trained)
    study = search(path, run, device="cpu", verbose=0)
    assert [trial.state.name for trial in study.trials] == ["FAIL"] * 3


@pytest.mark.parametrize(
    ("parameters", "head", "words"),
    [
        ("epochs = [1, 2]", "", 'space.toml: method is "grid", which is for'),
        (RATES, "method = 'tpe'", "space.toml: count is missing or 0; give"),
        (RATES, "method = 'tpe'\ncount = 1\nseeds = 2", "seeds is for 'gpu-fmnist sweep new'"),
        (RATES, "method = 'tep'\ncount = 1", 'method is "tep" (did you mean "tpe"?)'),
        (
            "learning_rat = [1, 2]",
            "method = 'tpe'\ncount = 1",
            'unknown key "learning_rat" (did you mean "learning_rate"?)',
        ),
        ("batch_size = 100000", "method = 'tpe'\ncount = 1", "space.toml: task 1"),
        ("tensorboard = true", "method = 'tpe'\ncount = 1", "tensorboard is not for a search; leave it out"),
        ("validation_fraction = 0", "method = 'tpe'\ncount = 1", "nothing is validated; give loss or accuracy"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(made, parameters, head, words, capsys):
    assert main([str(space(made, parameters, head)), "--run-dir", str(made / "s"), "--device", "cpu"]) == 1
    errors = capsys.readouterr().err
    assert words in errors and len(errors.splitlines()) == 1, errors


def test_another_space_needs_another_folder(made):
    search(space(made, "epochs = 1", "method = 'random'\ncount = 1"), made / "s", device="cpu", verbose=0)
    with pytest.raises(ValueError, match="was begun with another space; give it another folder"):
        search(space(made, "epochs = 2", "method = 'random'\ncount = 1"), made / "s", device="cpu", verbose=0)
    for wrong, words in [((3,), "space is 3; give"), ((space(made), 3), "run_dir is 3; give")]:
        with pytest.raises(ValueError, match=words):
            search(*wrong, device="cpu")
