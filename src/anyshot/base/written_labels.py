"""Labels as people and files write them, in the types of the classes that they name."""

from collections.abc import Iterable

from anyshot.base.labels import Label, as_whole, clean_name
from anyshot.errors import ClassesError


def as_classes_write_them(labels: Iterable[Label], classes: Iterable[Label]) -> list[Label]:
    """Return each label in the type of the matching class, 1 as "1" or "1" as 1; other labels are not changed.

    Truth values match however they are written: spreadsheets write TRUE, JSON true.

    >>> as_classes_write_them([1, 2.0, "b", True, None, "c"], ["1", "2", "b", "true"])
    ['1', '2', 'b', 'true', None, 'c']
    >>> as_classes_write_them(["FALSE", "true", "maybe"], [False, True])
    [False, True, 'maybe']
    """
    listed = list(classes)
    exact = {(type(name), name): name for name in listed}
    written = {as_whole(name): name for name in listed} | {str(name): name for name in listed}
    truth = {str(name).casefold(): name for name in listed}
    found: list[Label] = []
    for label in labels:
        one = exact.get((type(label), label), written.get(str(label), written.get(as_whole(label), label)))
        same = truth.get(str(label).casefold(), one)
        found.append(same if isinstance(label, bool) or (one is label and isinstance(same, bool)) else one)
    return found


def one_class(name: str, classes: Iterable[Label]) -> Label:
    """Return a class named on the command line, or in an address, in the type of the model's classes."""
    listed = list(classes)
    found = as_classes_write_them([clean_name(name)], listed)[0]
    if found in listed or not all(type(one) is int for one in listed):
        return found
    try:
        return int(name)
    except ValueError as error:
        raise ClassesError(
            f"The classes of the model are integers, such as {listed[0]}; {name!r} is not an integer."
        ) from error
