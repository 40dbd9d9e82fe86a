"""Checks of a command's arguments that typer does not make: options given twice, further arguments, empty values."""

import re
from collections.abc import Sequence
from typing import Any, Final

import typer
from typer.core import TyperCommand

from anyshot.base.user_folders import local_path

SEVERAL: Final = {
    "--classes": "Put commas between the names, or repeat --class.",
    "--text-column": "Put commas between columns that are to be joined, as in subject,body.",
}
"""How several values are given, by the option."""
_LOCAL: Final = re.compile(r"^((?:--[\w-]+=)?)(file:/.*)", re.IGNORECASE)
"""The address of a file on this machine, also as the value of an option."""


class CheckedCommand(TyperCommand):
    """A command that refuses an option given twice (typer takes the last), arguments it does not take, empty values."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse arguments; raise BadParameter if they have such a fault."""
        args = [one if " " in one else _LOCAL.sub(lambda found: found[1] + local_path(found[2]), one) for one in args]
        end = args.index("--") if "--" in args else len(args)
        for one in self.params:
            _check_once(one, args[:end], ctx)
        values, extra, _ = self.make_parser(ctx).parse_args(args=list(args))
        if extra:
            shown = ", ".join([*map(repr, extra[:3]), *(["…"] if len(extra) > 3 else [])])
            raise typer.BadParameter(
                f"the command takes no further argument; got {shown}. Join several files into one, and put a text or "
                "name of several words in quotes.",
                ctx=ctx,
            )
        for one in self.params:
            _check_filled(one, values.get(one.name or ""), ctx)
        return super().parse_args(ctx, args)


def _check_once(option: Any, given: Sequence[str], ctx: Any) -> None:
    """Raise BadParameter if an option for one value is given several times."""
    if option.param_type_name != "option" or option.multiple or option.is_flag:
        return
    times = sum(one.split("=", 1)[0] in option.opts for one in given)
    if times > 1:
        name = option.opts[0]
        raise typer.BadParameter(f"{name} is given {times} times. {SEVERAL.get(name, 'Give it once.')}", ctx=ctx)


def _check_filled(parameter: Any, value: object, ctx: Any) -> None:
    """Raise BadParameter if an option or a path is an empty text, as a path of which typer takes the working folder."""
    is_needed = parameter.param_type_name == "option" or parameter.type.name == "path"
    if is_needed and isinstance(value, str) and not value.strip():
        raise typer.BadParameter("it is empty. Check the variable that it comes from.", ctx=ctx, param=parameter)
