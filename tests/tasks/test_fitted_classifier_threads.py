"""A fitted AnyShotClassifier that some threads use while others change it."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.base import clone

from anyshot import AnyShotClassifier
from anyshot.errors import (
    InputError,
)

WIDTH = 12


NAMES = [f"c{k}" for k in range(8)]


CENTERS = dict(zip(NAMES, np.eye(WIDTH, dtype=np.float32), strict=False))


def near(name, n, *, seed=0):
    """Return vectors of a class, so close to its center that every model of these classes tells them apart."""
    noise = np.random.default_rng(seed).normal(size=(n, WIDTH)).astype(np.float32)
    return CENTERS[name] + 0.02 * noise


def of_centers():
    X = np.concatenate([near(name, 3) for name in NAMES])
    return AnyShotClassifier(CENTERS, cache=False).fit(X, np.repeat(NAMES, 3))


def test_answers_are_of_one_model_while_classes_come_and_go():
    """The class that is removed is the first: any mix of two models shifts the other names by one."""
    clf, stays, over, faults = of_centers(), NAMES[1:], threading.Event(), []
    X, y = np.concatenate([near(name, 4, seed=1) for name in stays]), np.repeat(stays, 4)

    def use():
        while not over.is_set():
            answers, probabilities = clf.predict(X), clf.predict_proba(X)
            faults.extend(answers[answers != y])
            found = clf.evaluate(X, y)
            if found.accuracy != 1 or len(probabilities) != len(X) or len(clf.explain(X[:2])) != 2:
                faults.append(found)
            clf.decision_function(X), clf.closeness(X), clf.suggest(X, n=2), clf.leaderboard_

    def change(name):
        for _ in range(6):
            clf.remove_class(name)
            clf.add_class(name, CENTERS[name], examples=near(name, 2))

    with ThreadPoolExecutor(6) as pool:
        users = [pool.submit(use) for _ in range(4)]
        changes = [pool.submit(change, name) for name in NAMES[:1]]
        for one in changes:
            one.result()
        over.set()
        for one in users:
            one.result()
    assert faults == []


def test_no_label_of_two_threads_that_learn_at_once_is_lost():
    clf, n_threads, n_each = of_centers(), 4, 5

    def learn(thread):
        for step in range(n_each):
            clf.partial_fit(near(NAMES[thread], 2, seed=100 * thread + step + 1), [NAMES[thread]] * 2)

    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(learn, range(n_threads)))
    counts = dict(zip(clf.classes_.tolist(), clf._model.data.counts.tolist(), strict=True))
    assert counts == {name: 3 + 2 * n_each * (row < n_threads) for row, name in enumerate(NAMES)}


def test_threads_that_answer_first_make_one_model(letters):
    clf = AnyShotClassifier(["zoo", "tea"], encoder=letters, cache=False).fit()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: clf.predict(["zoozoo", "teatea"]).tolist(), range(8)))
    assert answers == [["zoo", "tea"]] * 8


def test_a_parameter_that_is_set_out_of_range_later_is_refused_by_every_change():
    clf = AnyShotClassifier(encoder="vectors", cache=False).fit(np.eye(3), list("abc")).set_params(method="none")
    for change in (clf.partial_fit, lambda: clf.add_class("d", examples=[[1, 1, 0]]), lambda: clf.remove_class("a")):
        with pytest.raises(InputError, match="Unknown method 'none'"):
            change()
    assert clf.predict(np.eye(3)).tolist() == list("abc")


def test_a_classifier_that_was_changed_can_be_copied_and_pickled():
    clf = of_centers()
    clf.partial_fit(near("c0", 1, seed=5), ["c0"])
    again = pickle.loads(pickle.dumps(clf))
    np.testing.assert_array_equal(again.predict_proba(near("c1", 3)), clf.predict_proba(near("c1", 3)))
    assert clone(clf).classes is not None
