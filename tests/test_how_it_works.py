"""The page on how the any-shot model works: a version written from it, its links, its picture, and its constants."""

import ast
import re
from dataclasses import fields
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from scipy.special import softmax

import reimplementation
from anyshot import AnyShotClassifier, Words
from anyshot.any_shot.defaults import DEFAULTS
from anyshot.base.validation import unit
from anyshot.zero_shot.class_readings import ClassReader
from anyshot.zero_shot.class_texts import describe
from anyshot.zero_shot.latent_semantics import learn_semantics

PAGE = Path(__file__).parents[1] / "docs" / "how_it_works.md"
TEXT = PAGE.read_text(encoding="utf-8")
SENTENCES = re.findall(r"^(\d+)\. (.+?\.)$(?=\n\d|\n\n)", TEXT, flags=re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[`([\w.]+)`\]\(([\w./]+\.py)\)")


def functions_of(path):
    """Return the functions and classes of a file, methods as Class.method."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{own.name}" for own in node.body if isinstance(own, ast.FunctionDef)}
    return found


POOLS = {
    "without a pool, by names that mislead": {"n_unlabeled": 0, "error_of_names": 3.0},
    "with a small pool": {"n_unlabeled": 3},
    "with a pool": {},
    "with a pool that is mostly of one class": {"part_of_others": 0.2},
    "with a pool of other clusters": {"error_of_names": 3.0},
    "with a pool of another domain": {"moved_by": 3.0},
}


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(("n_classes", "n_each"), [(4, 0), (4, 1), (4, 5), (4, 6), (12, 2)])
def test_a_version_written_from_the_page_gives_the_same_predictions(n_classes, n_each, pool):
    usual = {"n_unlabeled": 480, "part_of_others": 1, "error_of_names": 1, "moved_by": 0}
    n_unlabeled, part, error, moved_by = (usual | POOLS[pool]).values()
    random = np.random.default_rng(n_classes + n_each)
    means = random.normal(size=(n_classes, 16))
    S = unit(means + error * random.normal(size=means.shape)).astype(float)

    def draw(n_each):
        y = random.permutation(np.repeat(np.arange(n_classes), n_each))
        return unit(means[y] + 1.2 * random.normal(size=(len(y), 16))).astype(float), y

    (X, y), (U, classes_of_pool), (new, _) = draw(n_each), draw(40), draw(60)
    U = U[(classes_of_pool == 0) | (random.random(len(U)) < part)]
    U = unit(U + moved_by * unit(random.normal(size=(1, 16)))).astype(float) if moved_by else U
    U = U[:n_unlabeled] if n_unlabeled else None
    clf = AnyShotClassifier(dict(enumerate(S)), encoder="vectors", cache=False)
    found = clf.fit(X, y, unlabeled=U).predict_proba(new)
    W, b, of_pool = reimplementation.fit(S, X, y, U)
    expected = softmax(new @ W.T + b, axis=1)
    if of_pool > 1:
        assert np.abs(clf.predict_proba(U) - softmax((U @ W.T + b) / of_pool, axis=1)).mean() < 0.01
    assert np.mean(found.argmax(axis=1) == expected.argmax(axis=1)) >= 0.97
    assert np.abs(found - expected).mean() < 0.01  # heads of held-out labels stop early, at `held_out_tol`


@pytest.mark.parametrize("n_each", [0, 4])
def test_the_version_leaves_a_class_that_the_pool_lacks_where_it_is(n_each):
    random = np.random.default_rng(0)
    means = random.normal(size=(4, 16))
    S = unit(means + random.normal(size=means.shape)).astype(float)
    y, classes_of_pool = np.repeat([0, 1, 2], n_each), np.repeat([0, 1, 2], 60)
    X, U = (unit(means[own] + 0.6 * random.normal(size=(len(own), 16))).astype(float) for own in (y, classes_of_pool))
    clf = AnyShotClassifier(dict(enumerate(S)), encoder="vectors", cache=False).fit(X, y, unlabeled=U)
    assert any(reason.startswith("3 has no labels") for reason in clf.reasons_)
    W, b, of_pool = reimplementation.fit(S, X, y, U)
    expected = softmax((U @ W.T + b) / of_pool, axis=1)
    assert np.abs(clf.predict_proba(U) - expected).mean() < 0.01


def test_the_version_has_the_same_class_vectors():
    table = np.random.default_rng(0).normal(size=(128, 16))  # a vector for each character

    def encode(texts):
        return unit(np.stack([table[[ord(letter) % 128 for letter in text]].sum(axis=0) for text in texts]))

    given = {
        "spam": Words("prize, winner"),
        "late parcel": ["it never came", Words("late")],
        "other requests now ok": None,
    }
    S = ClassReader(encode, 16, of_texts=True).embed(describe(given))
    texts = [["spam"], ["late parcel", "it never came"], ["other requests now ok"]]
    expected = reimplementation.class_vectors(texts, [["prize", "winner"], ["late"], []], encode)
    np.testing.assert_allclose(S, expected, atol=1e-6)


def test_the_version_has_the_same_vectors_of_shared_words():
    random = np.random.default_rng(0)
    topics = [[f"{name}{number}" for number in range(12)] for name in ("ga", "bo", "tu")]
    y = np.repeat(range(3), 60)
    texts = [" ".join(random.choice(topics[label], 5)) for label in y]
    learned = learn_semantics(texts)
    z, new = learned.vectors(texts), [*texts[:20], "ga1 bo2", "none"]
    expected = reimplementation.of_shared_words(texts, texts)
    cosines = reimplementation.of_shared_words(texts, new) @ expected.T
    assert np.abs(learned.vectors(new) @ z.T - cosines).mean() < 0.02  # the last directions are found approximately
    P = np.eye(3)[y]
    w = learned.weighted(z, P, most=180 / 480, evidence=DEFAULTS.semantics_evidence).weight
    assert reimplementation.weight_of_words(expected, P, 180, 3) == pytest.approx(w, rel=0.02)


def test_ten_sentences_tell_the_fit_and_each_links_to_a_function():
    assert [int(number) for number, _ in SENTENCES] == list(range(1, 11))
    assert all(LINK.search(sentence) for _, sentence in SENTENCES)


@pytest.mark.parametrize(("name", "target"), LINK.findall(TEXT))
def test_a_linked_function_exists(name, target):
    assert name in functions_of(PAGE.parent / target)


def test_the_table_of_constants_is_that_of_the_package():
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|[^|]+\|$", TEXT, flags=re.MULTILINE)
    assert {name: ast.literal_eval(value) for name, value in rows if "/" not in value}.items() <= vars(DEFAULTS).items()
    assert [name for name, _ in rows] == [field.name for field in fields(DEFAULTS)]


def test_the_picture_numbers_the_sentences():
    (name,) = re.findall(r'<img src="([\w/.]+)"', TEXT)
    texts = ElementTree.parse(PAGE.parent / name).iter("{http://www.w3.org/2000/svg}text")
    assert {str(number) for number in range(1, 11)} <= {text.text for text in texts}
