"""The answers of a project, found again in the background after every change."""

import io
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Self

import numpy as np

from anyshot.app.studio.classes import ClassRow
from anyshot.app.studio.items import Labels
from anyshot.app.studio.learning import MAX_POOL, Learned, Learner, texts_of
from anyshot.app.studio.project import Project
from anyshot.app.studio.tested_answers import TestedAnswers
from anyshot.base.progress import hidden
from anyshot.base.validation import Indexes, Vectors
from anyshot.errors import AnyshotError, ProjectError
from anyshot.zero_shot.class_texts import Source

CLASSES_PAUSE: Final = 0.05
"""How long no class must have been changed before a refit [s]."""
RETRY_PAUSE: Final = 1.0
"""How long to wait before a project that could not be read is tried again [s]."""
GROWTH: Final = 1.2
"""How many times as many items are encoded when answers are added, so that 300,000 items need few rounds."""
FIT_GROWTH: Final = 4
"""How many times as many items are encoded when the first model is replaced by one that is fitted to more of them."""
MIN_SHARE: Final = 0.05
"""Share in the weights of a class from which more known kinds than the nearest are shown; below, it is chance."""
_NEEDED: Final = frozenset({"classes", "labels", "items"})  # subjects of changes after which answers may differ

Phase = Literal["waiting", "encoding", "fitting", "ready", "failed"]


@dataclass(frozen=True)
class State:
    """What the background work does, how many items are encoded of how many, and what the user should be told."""

    phase: Phase = "waiting"
    done: int = 0
    total: int = 0
    sentence: str = ""


@dataclass(frozen=True)
class AnswerSet:
    """The answers to all items that are encoded, found for one version of the project.

    Classes are ids, -1 for unknown.
    """

    version: int
    ids: Indexes = field(default_factory=lambda: np.zeros(0, np.intp))  # (n,), ascending
    classes: Indexes = field(default_factory=lambda: np.zeros(0, np.intp))  # (n,)
    confidence: Vectors = field(default_factory=lambda: np.zeros(0, np.float32))  # (n,)

    def rows_of(self, ids: Sequence[int] | Indexes) -> Indexes:
        """Return the row of each id (n,), -1 for an item without an answer."""
        given = np.asarray(ids, dtype=np.intp)
        if not len(self.ids):
            return np.full(len(given), -1, dtype=np.intp)
        rows = np.minimum(np.searchsorted(self.ids, given), len(self.ids) - 1)
        return np.where(self.ids[rows] == given, rows, -1)

    def changed_from(self, before: "AnswerSet") -> list[int]:
        """Return the items that had another answer before."""
        rows = before.rows_of(self.ids)
        there = np.flatnonzero(rows >= 0)
        changed: list[int] = self.ids[there[before.classes[rows[there]] != self.classes[there]]].tolist()
        return changed

    def to_bytes(self, tested: TestedAnswers) -> bytes:
        """Return the answers as they are stored, with those that were tested."""
        packed = io.BytesIO()
        np.savez(packed, ids=self.ids, classes=self.classes, confidence=self.confidence, **tested.arrays())
        return packed.getvalue()

    @classmethod
    def from_bytes(cls, version: int, packed: bytes) -> tuple[Self, TestedAnswers]:
        """Return the answers that were stored."""
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            found = cls(version, **{name: arrays[name] for name in ("ids", "classes", "confidence")})
            return found, TestedAnswers.from_arrays(arrays)


@dataclass(frozen=True)
class ChangedAnswers:
    """The items whose answer the last refit changed; number: how many refits there were."""

    number: int = 0
    items: tuple[int, ...] = ()


@dataclass(frozen=True)
class Chip:
    """A word by which a class is read, or for images a known kind that is like it.

    source: "own", "bundled" (found for the name), "translated" (for its translation), "similar" (for similar names),
    "any" (the name denies, and is read as any text), or "kind".
    """

    word: str
    source: Source | Literal["kind"]
    is_struck: bool = False


class Answers:
    """The answers of a project; one thread keeps them up to date, and the latest change wins.

    Reading them takes no time: `current`, `changed`, `tested` and `state` are replaced as a whole.

    Parameters
    ----------
    project : Project
        The project.
    start : bool, default=True
        Whether to start the thread. Without it, `refit` finds the answers once.
    """

    def __init__(self, project: Project, *, start: bool = True) -> None:
        self._project, self._learner = project, Learner(project)
        stored = project.database.read("select version, arrays from answers")
        self.current, self.tested = AnswerSet(0), TestedAnswers()
        if stored:
            self.current, self.tested = AnswerSet.from_bytes(stored[0]["version"], stored[0]["arrays"])
        self.changed, self.state = ChangedAnswers(), State()
        self.learned: Learned | None = None
        self._closed = threading.Event()
        self._version = -1  # of the project that the answers were found for
        self._stored_version = -1
        self._labeled = np.zeros(0, np.intp)  # items with a label when `learned` was fitted
        self._n_fitted = 0  # items that were encoded when the first model was fitted
        self._thread = threading.Thread(target=self._run, name="anyshot-answers", daemon=True)
        if start:
            self._thread.start()

    def close(self) -> None:
        """Stop the thread, after the refit that it is at."""
        self._closed.set()
        self._project.database.notify()
        if self._thread.is_alive():
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait_until_ready(self, seconds: float = 60.0) -> bool:
        """Wait until the answers are those of the project as it is now, and return whether they are."""
        deadline = time.monotonic() + seconds
        while not (self.is_current() and self._stored_version == self._version):
            if time.monotonic() > deadline or self._closed.is_set() or self.state.phase == "failed":
                return False
            time.sleep(0.01)
        return True

    def is_current(self) -> bool:
        """Return whether the answers are those of the project as it is now."""
        return self._version >= 0 and not self._project.database.subjects_since(self._version) & _NEEDED

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names of classes that are no answer yet, since neither their texts nor labels tell anything about them."""
        return self._learner.left_out

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the library warns of when it is fitted to the classes and labels."""
        return self._learner.warnings

    @property
    def hard_texts(self) -> dict[str, list[int]]:
        """The ids of texts in letters that the encoder does not know, and in a language that it was not trained on."""
        return {"unread": self._learner.vectors.unread, "foreign": self._learner.vectors.foreign}

    def chips(self) -> dict[int, list[Chip]]:
        """Return the words by which each class is read, or known kinds of images that are like it; struck ones last.

        None where names of classes say nothing about the items.
        """
        classes = self._project.classes.all()
        texts = texts_of(classes)
        if not self._project.kind_facts.names_help:
            return {one.id: [] for one in classes}
        if self._project.kind == "texts":
            found = self._learner.embedder.reader.readings(texts)
            shown = [_chips(one, *own) for one, own in zip(classes, found, strict=True)]
        else:
            bridge = self._learner.embedder.reader.bridge
            kinds: list[list[tuple[str, float]]] = [[] for _ in classes]
            if bridge is not None and classes:
                kinds = bridge.similar_classes(texts)
            shown = [
                [Chip(word, "own") for word in (*one.words, *one.added)]
                + [Chip(kind, "kind") for kind, share in own if kind == own[0][0] or share >= MIN_SHARE]
                for one, own in zip(classes, kinds, strict=True)
            ]
        struck = [[Chip(word, "bundled", True) for word in one.struck] for one in classes]
        return {one.id: [*own, *gone] for one, own, gone in zip(classes, shown, struck, strict=True)}

    def vectors(self, ids: Indexes) -> tuple[Indexes, Vectors]:
        """Return those of the ids whose items are encoded, and their vectors (n, d)."""
        vectors = self._learner.vectors  # it may be replaced meanwhile
        known = vectors.known(ids)
        return known, vectors.of(known)

    def encode_text(self, text: str) -> Vectors | None:
        """Return the vector (1, d) of a text among the items; None if the encoder cannot compare texts with them."""
        embedder = self._learner.embedder
        return embedder.encode_texts([text]) if embedder.reader.encode is not None else None

    def refit(self) -> AnswerSet:
        """Find the answers for the project as it is now, and store them."""
        version = self._project.version
        labels, classes = self._project.items.labels(), self._project.classes.all()
        if self._learner.is_outdated(labels):
            self._learner, self.learned = Learner(self._project), None
        total, can_answer = len(labels.ids), len(labels.ids) > 0 and len(classes) > 1
        self.learned = self.learned if can_answer else None
        with hidden():
            for done in self._learner.vectors.encode(labels.ids):
                self.state = State("encoding", done, total)
                if can_answer and done > GROWTH * len(self.current.ids):
                    self._answer_some(labels, version, done)
                else:
                    self._project.database.notify()
                if self._closed.is_set():
                    return self.current
            if can_answer:
                self.state = State("fitting", total, total)
                self._fit(classes, labels, total)
        gone = _missing_images(total - len(self._learner.vectors.known(labels.ids)))
        self._finish(self._answered(labels, version), State("ready", total, total, gone))
        return self.current

    # --- private ---

    def _run(self) -> None:
        """Refit after each change, until closed."""
        database = self._project.database
        try:
            while not (self._closed.is_set() or database.is_closed):
                try:
                    version = self._project.version  # read before, so that a change in between is not waited for
                    if self.is_current():
                        database.wait(version, 1.0)
                        continue
                    self._wait_for_all_classes()
                    self._try()
                except ProjectError as error:  # another program may have locked the file, or the folder was moved
                    self.state = State("failed", sentence=str(error))
                    self._closed.wait(RETRY_PAUSE)
        finally:
            if not self._closed.is_set():
                self.state = replace(self.state, phase="failed")

    def _wait_for_all_classes(self) -> None:
        """Wait while classes are changed: several that are added one after another need one refit, not one each."""
        version = self._version
        while "classes" in self._project.database.subjects_since(version):
            version = self._project.version
            time.sleep(CLASSES_PAUSE)

    def _try(self) -> None:
        version = self._project.version
        try:
            self.refit()
        except ProjectError:
            raise
        except AnyshotError as error:
            self._version = version  # not tried again before the next change
            self.state = State("failed", sentence=str(error))
            self._project.database.notify()

    def _answer_some(self, labels: Labels, version: int, n_encoded: int) -> None:
        """Find the answers to the items that are encoded so far."""
        is_small = len(self.current.ids) < MAX_POOL and n_encoded >= FIT_GROWTH * self._n_fitted
        if self.learned is None or is_small:
            self._fit(self._project.classes.all(), labels, n_encoded)
        self.current = self._answered(labels, version)
        self._store(None)

    def _fit(self, classes: Sequence[ClassRow], labels: Labels, n_encoded: int) -> None:
        """Replace the model, once what it answered to items that were labeled since is kept."""
        labeled = labels.ids[labels.labels != 0]
        new = labeled[~np.isin(labeled, self._labeled)]
        if self.learned is not None and len(new):
            self.tested = self.tested.and_those_of(self.learned, new, self._learner.vectors)
        self._labeled = labeled
        self.learned, self._n_fitted = self._learner.fit(classes, labels), n_encoded

    def _answered(self, labels: Labels, version: int) -> AnswerSet:
        ids = self._learner.vectors.known(labels.ids)
        if self.learned is None or not len(ids):
            return AnswerSet(version)
        vectors = self.learned.joined(ids, self._learner.vectors.of(ids))
        return AnswerSet(version, ids, *self.learned.answers(vectors))

    def _finish(self, found: AnswerSet, state: State) -> None:
        """Replace the answers by those to all items, and store them."""
        before, self.current, self.state, self._version = self.current, found, state, found.version
        self.changed = ChangedAnswers(self.changed.number + 1, tuple(found.changed_from(before)))
        self._store(found)  # last, since it wakes those who wait for new answers
        self._stored_version = found.version

    def _store(self, found: AnswerSet | None) -> None:
        """Store the answers, or only count a change of them, while there are more to come."""
        with self._project.database.transaction() as transaction:
            if found is not None:
                transaction.connection.execute(
                    "insert or replace into answers (id, version, arrays) values (1, ?, ?)",
                    (found.version, found.to_bytes(self.tested)),
                )
            transaction.mark_changed("answers")
        self._project.database.notify()


def _missing_images(n: int) -> str:
    if not n:
        return ""
    return f"{n:,} image{'s' if n > 1 else ''} cannot be read: the files are no longer in the project's folder images."


def _chips(one: ClassRow, words: Sequence[str], source: Source) -> list[Chip]:
    own = {word.casefold() for word in (*one.words, *one.added)}
    listed: Source = "bundled" if source == "own" else source
    return [Chip(word, "own" if word.casefold() in own else listed) for word in words]
