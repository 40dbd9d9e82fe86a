"""The options of `anyshot serve` become the settings of the service."""

import pytest
import typer

from anyshot.app.cli.serving import ServiceOptions, _folders
from anyshot.app.server import Settings


def test_options_become_settings():
    assert ServiceOptions().settings() == Settings()
    given = ServiceOptions(max_body="2 kB", cors_origin=["https://App.example.com"], log_items=True, port=0)
    expected = Settings(max_body=2_000, cors_origins=("https://app.example.com",), log_items=True, port=0)
    assert given.settings() == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cors_origin": ["*"]}, "is no origin"),
        ({"cors_origin": ["https://app.example.com/page"]}, "without a path"),
        ({"max_body": "much"}, "is not a size"),
        ({"max_body": "0MB"}, "is not a size"),
    ],
)
def test_options_that_cannot_be_used_are_refused(options, words):
    with pytest.raises(typer.BadParameter, match=words):
        ServiceOptions(**options).settings()


def test_a_home_folder_may_follow_a_name_and_an_empty_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _folders(["help=~/support"]) == {"help": tmp_path / "support"}
    for empty in ("", "help="):
        with pytest.raises(typer.BadParameter, match="names no folder"):
            _folders([empty])


@pytest.mark.parametrize("option", [("--class-prior", "a=1, b=2"), ("--no-thesaurus",), ("--classes", "a,b")])
def test_options_of_classes_beside_a_model_are_refused(call, made, option):
    done = call("serve", made / "model", *option)
    assert (done.code, "cannot be used together with folders of" in done.err) == (2, True), done.err
