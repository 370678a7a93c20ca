"""Threads, interrupts, processes, the machine, and strange arguments."""

import ctypes
import multiprocessing
import os
import signal
import threading
import time

import numpy as np
import pytest
from conftest import pictures

import gpu_fmnist
from gpu_fmnist import Classifier


def small(**options):
    return Classifier(**{"device": "cpu", "epochs": 3, "batch_size": 20, "learning_rate": 5e-3, **options})


def fitted(seed):
    return small(random_state=seed).fit(*pictures(200)).history_["loss"]


def test_two_threads_fit_at_once():
    results = {}
    threads = [threading.Thread(target=lambda seed=seed: results.update({seed: fitted(seed)})) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {1: fitted(1), 2: fitted(2)}


def test_spawned_processes_fit():
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(fitted, [1, 2]) == [fitted(1), fitted(2)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_is_told_to_spawn():
    fitted(1)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            fitted(1)
            os.write(write, b"no error")
        except RuntimeError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    assert b"use spawn" in os.read(read, 1000)


def test_an_interrupt_keeps_what_was_trained():
    images, labels = pictures(400, size=28)
    classifier = Classifier("cnn1", device="cpu", epochs=1000, batch_size=50)
    timer = threading.Timer(1.5, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(images, labels)
    assert time.monotonic() - began < 30
    assert classifier.predict(images[:3]).shape == (3,)
    assert len(classifier.history_["loss"]) == classifier.n_iter_ < 1000


def test_an_interrupt_ends_one_of_two_trainings():
    expected, results = fitted(1), {}
    began, interrupted = threading.Event(), threading.Event()

    def wait(epoch, logs):
        began.set()
        interrupted.wait(60)

    def other():
        results[1] = small(random_state=1, callbacks=[wait]).fit(*pictures(200)).history_["loss"]

    def interrupt():
        began.wait(60)
        signal.raise_signal(signal.SIGINT)

    threads = [threading.Thread(target=other), threading.Thread(target=interrupt)]
    for thread in threads:
        thread.start()
    classifier = Classifier("cnn1", device="cpu", epochs=1000, batch_size=50)
    with pytest.raises(KeyboardInterrupt):
        classifier.fit(*pictures(400, size=28))
    interrupted.set()
    for thread in threads:
        thread.join()
    # It may have come before the first epoch was over.
    assert results == {1: expected} and getattr(classifier, "n_iter_", 0) < 1000


def test_an_interrupt_in_another_thread_is_that_threads():
    """As a notebook's server or a debugger does it."""
    classifier, raised, began = small(epochs=100_000, random_state=2), [], threading.Event()

    def other():
        try:
            classifier.set_params(callbacks=[lambda epoch, logs: began.set()]).fit(*pictures(200))
        except KeyboardInterrupt as error:
            raised.append(error)

    thread = threading.Thread(target=other)
    thread.start()
    assert began.wait(60)
    interrupt = ctypes.pythonapi.PyThreadState_SetAsyncExc
    assert interrupt(ctypes.c_ulong(thread.ident), ctypes.py_object(KeyboardInterrupt)) == 1
    own = fitted(1)
    thread.join(60)
    assert raised and 0 < classifier.n_iter_ < 100_000 and own == fitted(1)
    assert classifier.predict(pictures(3)[0]).shape == (3,)


def test_one_network_is_not_trained_twice_at_once():
    images, labels = pictures(100)
    model = gpu_fmnist.keras.Sequential(
        [gpu_fmnist.keras.layers.Flatten(), gpu_fmnist.keras.layers.Dense(2)], device="cpu"
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="is being trained"):
        model.fit(images, labels, verbose=0, callbacks=lambda epoch, logs: model.fit(images, labels, verbose=0))


def test_other_work_goes_on_meanwhile():
    images, labels = pictures(2000, size=28)
    turns, done = 0, threading.Event()
    thread = threading.Thread(
        target=lambda: (Classifier("cnn1", device="cpu", epochs=1).fit(images, labels), done.set())
    )
    thread.start()
    while not done.is_set():
        turns += 1
        time.sleep(0.001)
    thread.join()
    assert turns > 20


def test_this_machine_is_described_and_proved():
    devices = gpu_fmnist.devices()
    assert devices[-1].name == devices[-1].backend == "cpu"
    assert all(proof.passed for proof in gpu_fmnist.selftest("cpu"))
    measured = gpu_fmnist.bench("cnn1", device="cpu", repeats=1)
    assert measured.images_per_second == measured.batch_size / measured.seconds_per_step > 0
    with pytest.raises(ValueError, match="repeats is 0"):
        gpu_fmnist.bench(repeats=0)


STRANGE = [
    None, True, -1, 0, 3, 2.5, float("nan"), float("inf"), 10**30, "", "cpu", b"bytes", [], [1], [[1], [1, 2]], {},
    object(), np.zeros(0), np.zeros((0, 8, 8)), np.zeros((4, 8, 8)),
    np.full((4, 8, 8), np.nan), np.full((4, 8, 8), 1e39),
    np.zeros((4, 8, 8), np.uint8), np.zeros((4, 8, 8), complex), np.zeros((4, 8, 8), object), np.array(["a"] * 4),
    np.zeros((4, 64), np.float16), np.zeros((2, 2, 2, 2, 2)), np.zeros((4, 8, 8), np.uint8)[:, ::2], np.float32(3),
    np.broadcast_to(np.uint8(3), (4, 8, 8)), np.array([0, 1, 0, 1]), np.array([0, 1, 0, 300]),
    np.zeros((4, 8, 8), ">f4"), np.array([np.datetime64("2020-01-01")] * 4), memoryview(bytes(256)), range(4),
    lambda: 3, np.ma.masked_array([1, 2]), np.frombuffer(bytes(4 * 8 * 8), np.uint8).reshape(4, 8, 8),
    np.broadcast_to(np.uint8(3), (10**11, 8, 8)), np.broadcast_to(np.float64(0.5), (10**11, 64)),
    np.broadcast_to(np.int64(1), 10**13),
]  # fmt: skip


def test_strange_arguments_are_answered_with_exceptions():
    """Whatever is given, a Python exception of a kind that says what to do, or a result."""
    random = np.random.default_rng(0)
    images, labels = pictures(8)
    keras = gpu_fmnist.keras

    def any_of():
        return STRANGE[random.integers(len(STRANGE))]

    def sometimes(value):
        return value if random.random() < 0.7 else any_of()

    def model():
        made = keras.Sequential([keras.Input((8, 8)), keras.layers.Flatten(), keras.layers.Dense(2)], device="cpu")
        made.compile("adam", "sparse_categorical_crossentropy")
        return made

    fitted, trained = small(epochs=1, batch_size=4).fit(images, labels), model()
    quiet = {"verbose": 0}
    calls = [
        lambda: small(epochs=1, batch_size=4).fit(sometimes(images), sometimes(labels)),
        lambda: small(epochs=1, batch_size=4).fit(images, labels, validation_data=any_of()),
        lambda: small(epochs=sometimes(1), batch_size=sometimes(4), learning_rate=sometimes(0.1)).fit(images, labels),
        lambda: small(model=any_of(), settings=sometimes(None), epochs=1).fit(images, labels),
        lambda: small(device=any_of(), epochs=1).fit(images, labels),
        lambda: small(epochs=1, callbacks=any_of(), random_state=sometimes(0)).fit(images, labels),
        lambda: small(epochs=1, optimizer=any_of()).fit(images, labels),
        lambda: fitted.predict(any_of()),
        lambda: fitted.score(any_of(), sometimes(labels)),
        lambda: fitted.predict_proba(any_of()),
        lambda: model().fit(sometimes(images), sometimes(labels), **quiet),
        lambda: model().fit(images, labels, batch_size=any_of(), epochs=sometimes(1), **quiet),
        lambda: model().fit(images, labels, validation_data=any_of(), **quiet),
        lambda: model().fit(images, labels, validation_split=any_of(), seed=sometimes(1), **quiet),
        lambda: trained.predict(any_of()),
        lambda: trained.evaluate(sometimes(images), sometimes(labels)),
        lambda: trained.set_weights(any_of()),
        lambda: keras.layers.Conv2D(any_of(), any_of(), any_of(), any_of()),
        lambda: keras.Sequential(
            [keras.Input((8, 8)), keras.layers.Conv2D(sometimes(2), sometimes(3), sometimes(1)), keras.layers.Flatten(),
             keras.layers.Dense(sometimes(2), activation=sometimes("relu"))], device="cpu").get_weights(),
        lambda: keras.Sequential(
            [keras.Input((8, 8)), keras.layers.Flatten(), keras.layers.Dense(10 ** int(random.integers(9, 30)))],
            device="cpu").get_weights(),
        lambda: keras.optimizers.Adam(any_of(), any_of()),
        lambda: keras.callbacks.EarlyStopping(sometimes("loss"), any_of(), any_of()),
        lambda: keras.load_model(any_of(), device="cpu"),
        lambda: gpu_fmnist.train_test_split(sometimes(10), sometimes(0.5), sometimes(1)),
        lambda: gpu_fmnist.k_folds(sometimes(10), sometimes(3), sometimes(1)),
        lambda: gpu_fmnist.datasets.fashion_mnist.load_data(any_of() or 3),
        lambda: gpu_fmnist.bench(any_of(), "cpu", 0),
        lambda: gpu_fmnist.selftest(any_of() or 3) if random.random() < 0.05 else None,
    ]  # fmt: skip
    raised = 0
    for _ in range(int(os.environ.get("GPU_FMNIST_STRANGE", 1500))):
        call = calls[random.integers(len(calls))]
        try:
            with np.errstate(all="ignore"):
                call()
        except (ValueError, TypeError, ArithmeticError, RuntimeError, MemoryError) as error:
            raised += 1
            text = str(error)
            assert not isinstance(error, MemoryError) or "give fewer samples" in text, text
            assert text and "panick" not in text and "engine itself" not in text, text
    assert raised > 300
