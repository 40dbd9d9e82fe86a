"""What runs on Linux, macOS and Windows: encodings are stated, and file names are allowed everywhere.

`make test-full` also runs mypy for Windows, which finds calls that only other systems have.
"""

import ast
import re
import tomllib
from collections import Counter
from pathlib import Path

import anyshot
from anyshot.app.studio.project import folder_for

ROOT = Path(anyshot.__file__).parent
PROJECT = Path(__file__).parents[1]
FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f]|[. ]$')
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def without_encoding(call: ast.Call) -> bool:
    """Return whether a call reads or writes text in the encoding of the system, which is not UTF-8 everywhere."""
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    if "encoding" in named or not isinstance(call.func, ast.Attribute | ast.Name):
        return False
    name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id
    if name in ("run", "Popen", "check_output"):
        return "text" in named or "universal_newlines" in named
    if isinstance(call.func, ast.Attribute) and name in ("read_text", "write_text"):
        return True
    if name != "open":
        return False
    position = 0 if isinstance(call.func, ast.Attribute) else 1  # Path.open(mode), and open(file, mode)
    mode = named.get("mode", call.args[position] if len(call.args) > position else ast.Constant("r"))
    return isinstance(mode, ast.Constant) and bool(re.fullmatch("[rwxa]t?[+]?", str(mode.value)))


def test_texts_are_read_and_written_in_a_stated_encoding():
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source if re.search(r"open\(|_text\(|text=", source) else "")  # parsing all takes a second
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
        found += [f"{path.relative_to(ROOT)}:{call.lineno}" for call in calls if without_encoding(call)]
    assert found == []


def test_a_missing_encoding_is_found():
    calls = {"open(file)": True, "file.open('w')": True, "file.read_text()": True, "run(one, text=True)": True}
    calls |= {"open(file, 'rb')": False, "file.open('w', encoding='utf-8')": False, "Image.open(file)": False}
    assert {text: without_encoding(ast.parse(text).body[0].value) for text in calls} == calls


def test_files_have_names_that_every_system_allows():
    files = [path.relative_to(PROJECT) for name in ("src", "tests", "docs", "benchmarks", "examples", "packaging")
             for path in (PROJECT / name).rglob("*")]  # fmt: skip
    bad = [str(path) for path in files if FORBIDDEN.search(path.name) or RESERVED.fullmatch(path.name)]
    same = [name for name, n in Counter(str(path).casefold() for path in files).items() if n > 1]
    assert (bad, same) == ([], [])


def test_the_folder_of_a_project_has_a_name_that_every_system_allows(tmp_path):
    for name in ("con", "NUL", "com1", "lpt\u00b2", "a:b", "what?", "end.", "..", 'a"b|c', "tab\tand\nline"):
        folder = folder_for(tmp_path, name).name
        assert not FORBIDDEN.search(folder)
        assert not RESERVED.fullmatch(folder), name
    assert folder_for(tmp_path, "con").name == "con project"


def test_one_file_pins_a_version_for_all_versions_of_python_and_all_systems():
    lines = (PROJECT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines if not line.startswith("#"))
    named = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    assert [f"Programming Language :: Python :: 3.{minor}" in named for minor in range(10, 15)] == [False, *[True] * 4]
