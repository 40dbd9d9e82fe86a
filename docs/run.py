"""Run the Python blocks of a page of the documentation and print their output. Usage: python docs/run.py PAGE."""

import contextlib
import io
import re
import sys
from pathlib import Path


def run(page: Path) -> list[tuple[str, str]]:
    """Run the Python blocks of a page; return the output of each and the text block that follows it, if any."""
    blocks = re.findall(
        r"^```(python|text)\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    names: dict[str, object] = {"__name__": "__page__"}
    printed, pairs = "", []
    for kind, content in blocks:
        if kind == "text":
            pairs.append((printed, content))
            continue
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(content, str(page), "exec"), names)  # the page is ours
        printed = out.getvalue()
    return pairs


if __name__ == "__main__":
    for printed, written in run(Path(sys.argv[1])):
        print(printed, end="" if printed == written else f"(the page says)\n{written}")
