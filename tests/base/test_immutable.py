"""Copies and pickles of objects that never change."""

import copy
import pickle

from anyshot.base.immutable import Immutable


class Doubling(Immutable):
    """An object with something that cannot be pickled."""

    def __init__(self, start, *, factor=2):
        self.grown = lambda: start * factor


def test_an_immutable_object_is_its_own_copy_and_is_created_again_from_a_pickle():
    made = Doubling(3, factor=5)
    assert copy.deepcopy([made])[0] is made
    assert pickle.loads(pickle.dumps(made)).grown() == 15
