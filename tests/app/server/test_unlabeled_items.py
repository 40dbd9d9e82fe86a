"""The unlabeled items of a served model, on disk."""

from anyshot.app.server import unlabeled_items
from anyshot.app.server.unlabeled_items import UnlabeledItems


def test_items_are_there_for_the_next_process_each_once(tmp_path):
    UnlabeledItems(tmp_path / "model").add(["a\nb", {"image": "AAAA"}, [0.5, 1]])
    UnlabeledItems(tmp_path / "model").add(["a\nb", "\u2028c"])
    assert UnlabeledItems(tmp_path / "model").latest() == ["a\nb", {"image": "AAAA"}, [0.5, 1], "\u2028c"]


def test_a_line_that_was_cut_is_left_out_and_does_not_hurt_the_next(tmp_path):
    kept = UnlabeledItems(tmp_path / "model")
    kept.add(["first"])
    with kept.file.open("a") as file:
        file.write('"half of a li')
    assert kept.latest() == ["first"]
    kept.add(["next"])
    assert kept.latest() == ["first", "next"]


def test_the_oldest_items_go_when_there_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr(unlabeled_items, "MOST", 3)
    kept = UnlabeledItems(tmp_path / "model")
    for start in range(0, 12, 2):
        kept.add([f"item {start}", f"item {start + 1}"])
    assert kept.latest() == ["item 9", "item 10", "item 11"]
    assert len(kept.file.read_text().splitlines()) <= 6
