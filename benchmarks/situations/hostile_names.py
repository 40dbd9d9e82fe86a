"""Names and texts with terminal escapes."""

from pathlib import Path

from situations.situation import Subject, command, fit, photo, written

holds = Subject("hostile names")

HOSTILE = "\x1b]0;owned\x07\x9b2J\u202e"
holds("escapes in an item: not printed")(
    lambda _: "\x1b" not in command("predict", HOSTILE + "a", "--classes", "a,b")[1]
)
holds("escapes in the name of a file: not printed")(
    lambda _: "\x1b" not in command("fit", f"{HOSTILE}.csv", "--out", "m")[2]
)
holds("a class that says not a thousand times: read as any other")(
    lambda _: command("predict", "free prize", "--classes", f"{'not ' * 1_000}spam,spam")[0] == 0
)
holds("escapes in the name of a column: not printed")(
    lambda f: "\x1b" not in "".join(fit(f, "a.csv", f"text,{HOSTILE}\na,x\nb,y\n")[1:])
)


@holds("escapes in the name of a skipped file: not printed")
def _(folder: Path) -> object:
    for name in ("cat", "dog"):
        photo(folder, f"set/{name}/1.png")
    written(folder, "set/cat/\x1b]0;owned\x07.png", "no image")
    code, out, err = command("fit", folder / "set", "--out", folder / "m")
    return code == 0 and "Skipped" in err and "\x1b" not in out + err
