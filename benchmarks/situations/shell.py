"""The standard input, pipes, the shell, terminals and locales."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from situations.situation import (
    CLASSES,
    CSV,
    Subject,
    command,
    fails_with,
    in_shell,
    labels_of,
    mentions,
    model_in,
    written,
)

holds = Subject("shell")


# --- standard input --------------------------------------------------------------------------------------------------


def _piped(content: bytes, *arguments: str) -> tuple[int, str, str]:
    """Run `anyshot predict -` on this standard input."""
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(content), encoding="utf-8")
    try:
        return command("predict", "-", *CLASSES, *arguments)
    finally:
        sys.stdin = before


@holds("the standard input with a byte order mark and CRLF: a text for each line")
def _(_: Path) -> object:
    code, out, _said = _piped("\ufeffrefund\r\nmy parcel is late".encode())
    return code == 0 and [json.loads(line)["item"] for line in out.splitlines()] == ["refund", "my parcel is late"]


holds("nothing on the standard input: refused")(lambda _: fails_with(_piped(b""), 1, "input"))
holds("Latin-1 on the standard input: refused, and read with --encoding")(
    lambda _: (
        fails_with(_piped("caf\u00e9 refund\n".encode("latin-1")), 1, "--encoding")
        and labels_of(_piped("caf\u00e9 refund\n".encode("latin-1"), "--encoding", "latin-1")) == ["refund"]
    )
)
PREDICT = "anyshot predict - --classes refund,delivery"


@holds("UTF-8 on the standard input of another locale: read")
def _(folder: Path) -> object:
    how = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}
    result = in_shell(folder, PREDICT, data="Rückgabe bitte\n".encode(), **how)
    return result[0] == 0 and json.loads(result[1])["item"] == "Rückgabe bitte"


@holds("a blank line on the standard input: an answer for each line, or said")
def _(folder: Path) -> object:
    # `paste` puts the answers beside the lines: one was blank.
    result = in_shell(folder, PREDICT, data=b"refund please\n\nmy parcel is late\n")
    return len(result[1].splitlines()) == 3 or mentions(result, "line 2", "skipped")


@holds("JSON lines on the standard input: said")
def _(folder: Path) -> object:
    line = json.dumps({"id": 7, "text": "my parcel is late", "queue": "refund"}) + "\n"
    result = in_shell(folder, PREDICT, data=line.encode() * 2)
    return mentions(result, "JSON")


@holds("a CSV on the standard input: warned of")
def _(folder: Path) -> object:
    # A table is piped: its header is answered, and its labels are read as text.
    return mentions(in_shell(folder, PREDICT, data=CSV.encode()), "warning", "text,label")


holds("- beside a text: refused")(lambda _: fails_with(command("predict", "-", "a", *CLASSES), 2, "only item"))
holds("fit from the standard input: refused, with a file")(
    lambda f: fails_with(command("fit", "-", "--out", f / "m"), 1, "Write the data to a file")
)


@holds("predict <(command): refused by path")
def _(folder: Path) -> object:
    written(folder, "a.csv", CSV)
    result = in_shell(folder, "anyshot predict <(head -3 a.csv) --classes refund,delivery")
    return result[0] in (1, 2) and mentions(result, "/dev/fd")


@holds("fit <(command): refused, with a file")
def _(folder: Path) -> object:
    written(folder, "a.csv", CSV)
    result = in_shell(folder, "anyshot fit <(cat a.csv) --out m")
    return result[0] in (1, 2) and mentions(result, "/dev/fd", "file")


# --- terminal and shell ----------------------------------------------------------------------------------------------


@holds("a terminal that shows only ASCII: answered")
def _(folder: Path) -> object:
    data = written(folder, "a.csv", "text\nIch möchte mein Geld zurück 😀\n")
    line = f"anyshot predict {data} --classes Rückgabe,Lieferung"
    result = in_shell(folder, line, PYTHONIOENCODING="ascii", LC_ALL="C")
    return labels_of(result) in (["Rückgabe"], ["Lieferung"])


@holds("a terminal of 24 columns: answered")
def _(folder: Path) -> object:
    line = "anyshot predict 'refund please' --classes refund,delivery"
    line = f"script -qec \"'{sys.executable}' -m {line}\" /dev/null"
    result = in_shell(folder, line, COLUMNS="24")
    return result[0] == 0 and mentions(result, "refund")


@holds("a wrong cache limit and a wrong device: refused by name")
def _(folder: Path) -> object:
    line = "anyshot predict refund --classes refund,delivery"
    limit, device = in_shell(folder, line, ANYSHOT_CACHE_LIMIT="2 GB"), in_shell(folder, f"{line} --device tpu")
    return mentions(limit, "ANYSHOT_CACHE_LIMIT", "2 GB") and device[0] in (1, 2) and mentions(device, "tpu")


@holds("an error in a terminal without colors: no escapes")
def _(folder: Path) -> object:
    line = f"script -qec \"'{sys.executable}' -m anyshot predict no.csv --classes a,b\" /dev/null"
    for name, value in (("TERM", "dumb"), ("NO_COLOR", "1")):
        how: dict[str, Any] = {"capture_output": True, "stdin": subprocess.DEVNULL}
        run = subprocess.run(["bash", "-c", line], cwd=folder, env={**os.environ, name: value}, **how)
        if b"\x1b" in run.stdout or b"no.csv" not in run.stdout:
            return False
    return True


@holds("a reader that stops after one line: no error")
def _(folder: Path) -> object:
    data = written(folder, "a.csv", "text\n" + "refund please\n" * 20000)
    result = in_shell(folder, f"anyshot predict {data} --classes refund,delivery | head -n 1")
    return labels_of(result) == ["refund"] and "Traceback" not in result[2] and "rror" not in result[2]


@holds("pipes that are closed early: no error")
def _(folder: Path) -> object:
    model_in(folder)
    written(folder, "a.csv", CSV)
    lines = ("anyshot --help", "anyshot models", "anyshot explain model a.csv", "anyshot evaluate model a.csv")
    return all("Traceback" not in (said := in_shell(folder, f"{one} | head -c 1")[2]) for one in lines) and (
        "rror" not in said
    )


@holds("a full disk: refused with the cause")
def _(folder: Path) -> object:
    line = 'anyshot predict "refund please" --classes refund,delivery > /dev/full'
    return fails_with(in_shell(folder, line), 1, "space")


@holds("no HOME and no cache: answered")
def _(folder: Path) -> object:
    line = 'unset HOME; anyshot predict "refund please" --classes refund,delivery'
    result = in_shell(folder, line, ANYSHOT_CACHE="/proc/no/cache")
    return labels_of(result) == ["refund"]


@holds("Ctrl-C in the middle: ends without a traceback or a part of a file")
def _(folder: Path) -> object:
    data = written(folder, "a.csv", "text\n" + "".join(f"refund number {n} please\n" for n in range(60_000)))
    words = [sys.executable, "-m", "anyshot", "predict", data, *CLASSES, "--out", folder / "b.csv"]
    run = subprocess.Popen(list(map(str, words)), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    time.sleep(8)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)
    left = [path.name for path in folder.iterdir()]
    return run.returncode == 130 and b"Traceback" not in said and left == ["a.csv"]


@holds("line breaks and carriage returns in a text: one line of output")
def _(folder: Path) -> object:
    """One result is one line, and nothing in the text overwrites it."""
    data = written(folder, "a.csv", 'text\n"refund\nplease\rdelivery"\n')
    code, out, _ = command("predict", data, *CLASSES)
    return code == 0 and len(out.splitlines()) == 1 and "\r" not in out


@holds("files of a pattern, predict m *.csv: refused with how to join them, which is right")
def _(folder: Path) -> object:
    model_in(folder)
    for name in ("may.csv", "june.csv"):
        written(folder, name, CSV.rstrip())
    result = in_shell(folder, "anyshot predict model *.csv")
    joined = in_shell(folder, "awk 1 june.csv may.csv > all.csv; anyshot predict model all.csv")
    return fails_with(result, 2, "awk 1 june.csv may.csv > all.csv") and len(labels_of(joined)) == 24
