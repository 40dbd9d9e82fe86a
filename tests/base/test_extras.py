import sys

import pytest

from anyshot.base import extras
from anyshot.errors import MissingExtraError


def test_a_missing_optional_package_names_the_command_that_installs_it():
    assert extras.extra("json", "scale", purpose="This") is __import__("json")
    with pytest.raises(
        MissingExtraError, match=r"Spreading work needs no_such_module: pip install \"anyshot\[scale\]\""
    ):
        extras.extra("no_such_module", "scale", purpose="Spreading work")
    with pytest.raises(MissingExtraError, match=r"This needs no_such_module: pip install \"anyshot\[scale\]\""):
        extras.check_extra("no_such_module", "scale", purpose="This")


def test_an_optional_package_is_found_without_importing_it():
    extras.check_extra("antigravity", "scale", purpose="This")
    assert "antigravity" not in sys.modules
