"""List the files of the package that run in one call: a short way down is easier to read, to trace and to change.

    python benchmarks/files_touched.py                # every call below
    python benchmarks/files_touched.py "report"       # the calls whose name holds this
    python benchmarks/files_touched.py --functions    # with the functions of each file

A file counts when a function of it runs; importing it does not count. Each call runs twice with one cache that is empty
at first, and the second run is traced; AnyShotClassifier encodes its texts both times, with the encoder that the first
run loaded. The first edition touched 42 files in FineTunedClassifier.fit, 40 in the report command.
"""

import contextlib
import io
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import anyshot

PACKAGE = Path(anyshot.__file__).parent
TEXTS = ["I was charged twice", "where is my parcel", "the courier never came", "refund my money"] * 5
LABELS = ["billing", "delivery", "delivery", "billing"] * 5
MORE = ["my invoice is wrong", "the package is late", "I paid two times", "track my order"] * 3


def functions_of(call: Callable[[], Any]) -> dict[str, list[str]]:
    """Return the functions that run in `call`, in the order of the source, by the files of the package."""
    seen: set[tuple[str, str, int]] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_name != "<module>" and code.co_filename.startswith(str(PACKAGE)):
            seen.add((code.co_filename, code.co_qualname, code.co_firstlineno))

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        call()  # imports what it needs, and fills the cache
        sys.setprofile(note)
        try:
            call()
        finally:
            sys.setprofile(None)
    found = defaultdict(list)
    for file, name, _ in sorted(seen, key=lambda one: (one[0], one[2])):
        if "<" not in name.split(".")[-1]:
            found[str(Path(file).relative_to(PACKAGE))].append(name)
    return found


def calls(folder: Path) -> dict[str, tuple[int | None, Callable[[], Any]]]:
    """Return each call by name, with the number of files that it may touch."""
    table, model = folder / "messages.csv", folder / "model"
    rows = zip(TEXTS, LABELS, strict=True)
    table.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    classifier = anyshot.AnyShotClassifier(["billing", "delivery"], cache=False).fit(TEXTS, LABELS)
    classifier.save(model)
    tuned = anyshot.FineTunedClassifier("minilm", freeze_at="layer5", epochs=1, random_state=0)
    from anyshot.app import cli

    def command(*words: str) -> Callable[[], Any]:
        return lambda: cli.run(list(words))

    return {
        "FineTunedClassifier.fit": (24, lambda: tuned.fit(TEXTS, LABELS)),
        "the report command": (22, command("report", str(model), str(table), "--out", str(folder / "report.html"))),
        "AnyShotClassifier.fit": (
            16,
            lambda: anyshot.AnyShotClassifier(["billing", "delivery"], cache=False).fit(TEXTS, LABELS, unlabeled=MORE),
        ),
        "AnyShotClassifier.predict": (8, lambda: classifier.predict(MORE)),
        "load": (None, lambda: anyshot.load(model)),
    }


if __name__ == "__main__":
    listed = "--functions" in sys.argv
    wanted = next((word for word in sys.argv[1:] if word != "--functions"), "")
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["ANYSHOT_CACHE"] = str(Path(scratch) / "cache")
        for name, (most, call) in calls(Path(scratch)).items():
            if wanted in name:
                found = functions_of(call)
                target = "" if most is None else f" (at most {most})"
                print(f"\n{name}: {len(found)} files{target}")
                for file, functions in found.items():
                    print(f"  {len(functions):3d} {file}", *functions if listed else (), sep="\n          ")
