"""Threads and processes that share a model."""

import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from anyshot import AnyShotClassifier, load_encoder
from situations.situation import SIGNS, TABLE, TEXTS, Subject, fitted, photo

holds = Subject("threads")


@holds("eight threads that ask one model: the same answers")
def _(_: Path) -> object:
    model = fitted()
    alone = model.predict_proba(TEXTS)
    with ThreadPoolExecutor(8) as pool:
        return all(np.allclose(alone, one, atol=1e-5) for one in pool.map(model.predict_proba, [TEXTS] * 16))


@holds("threads that ask while classes change: no wrong answer")
def _(_: Path) -> object:
    X = np.eye(6, 8, dtype=np.float32)
    clf = AnyShotClassifier({f"c{k}": X[k] for k in range(6)}, cache=False).fit(X, [f"c{k}" for k in range(6)])
    wrong: list[Any] = []
    over = threading.Event()

    def use() -> None:
        while not over.is_set():
            wrong.extend(np.flatnonzero(clf.predict(X[1:]) != [f"c{k}" for k in range(1, 6)]))

    users = [threading.Thread(target=use) for _ in range(3)]
    for user in users:
        user.start()
    for _change in range(10):
        clf.remove_class("c0")
        clf.add_class("c0", X[0])
    over.set()
    for user in users:
        user.join()
    return not wrong


@holds("a class removed while a thread asks: answers of one version or the other")
def _(_: Path) -> object:
    model = fitted(TABLE, SIGNS)
    seen: set[int] = set()
    ask = threading.Thread(target=lambda: seen.update(model.predict_proba(TABLE).shape[1] for _ in range(200)))
    ask.start()
    for _change in range(20):
        model.add_class("maybe", examples=TABLE[:3])
        model.remove_class("maybe")
    ask.join()
    return seen <= {2, 3} and set(model.predict(TABLE)) == {"yes", "no"}


@holds("eight threads that add classes: all are there")
def _(_: Path) -> object:
    clf = fitted(np.eye(4, dtype=np.float32), ["a", "b", "c", "d"], encoder="vectors")
    names = [f"new {number}" for number in range(8)]
    threads = [
        threading.Thread(target=clf.add_class, args=(name,), kwargs={"examples": [vector]})
        for name, vector in zip(names, np.random.default_rng(0).normal(size=(8, 4)), strict=True)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return clf.classes_.tolist() == sorted(["a", "b", "c", "d", *names])


def _encoded(path: str) -> tuple[int, ...]:
    return tuple(load_encoder("efficientnet-lite0").encode([path]).shape)


@holds("a forked process after images were encoded: encodes too")
def _(folder: Path) -> object:
    path = str(photo(folder, "a.png"))
    _encoded(path)
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        return pool.submit(_encoded, path).result(timeout=60) == (1, 1280)
