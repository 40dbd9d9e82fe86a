"""The group of commands: each is loaded when it is called, so that one does not wait for what the others need.

A command makes checks of its arguments that typer does not make: options given twice, further arguments, empty values.
"""

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from inspect import cleandoc
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from anyshot.base.lazy import load_path
from anyshot.base.user_folders import local_path

SEVERAL: Final = {
    "--classes": "Put commas between the names, or repeat --class.",
    "--text-column": "Put commas between columns that are to be joined, as in subject,body.",
}
"""How several values are given, by the option."""
LINES: Final = frozenset({".csv", ".tsv", ".jsonl", ".txt"})
"""Endings of files that are joined line by line; names of columns that repeat are left out when they are read."""
MOST_LISTED: Final = 5  # files that a remedy names one by one; of more it gives a pattern
SHOWN: Final = {"int": "NUMBER", "int range": "NUMBER", "float": "NUMBER", "str": "NAME"}
"""What the help shows in place of the type of an option."""
_LOCAL: Final = re.compile(r"^((?:--[\w-]+=)?)(file:/.*)", re.IGNORECASE)
"""The address of a file on this machine, also as the value of an option."""


class Command(NamedTuple):
    """A row of the table of commands."""

    function: str  # module:function
    summary: str  # the first sentence of its documentation
    examples: tuple[str, ...]


def command_group(commands: Mapping[str, Command], *, decorators: tuple[str, ...]) -> type[TyperGroup]:
    """Return the group of these commands, as a class for typer.

    decorators: those of every command by their paths, "module:function", the innermost first.
    """

    class CommandGroup(TyperGroup):
        """Commands that are imported when they are called; the list of them is plain text, which needs no layout."""

        def __init__(self, **attributes: Any) -> None:
            super().__init__(**attributes)
            self.commands = dict.fromkeys(commands)  # type: ignore[assignment]  # names, for a misspelled one

        def list_commands(self, ctx: Any) -> list[str]:
            return list(commands)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            return built(cmd_name, commands[cmd_name], decorators) if cmd_name in commands else None

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            with formatter.section("Commands"):
                formatter.write_dl([(name, one.summary) for name, one in commands.items()])

    return CommandGroup


def built(name: str, command: Command, decorators: tuple[str, ...]) -> Any:
    """Return a command as typer runs it."""
    function = load_path(command.function)
    help_text = "\n\n".join(part.replace("\n", " ") for part in cleandoc(function.__doc__ or "").split("\n\n"))
    epilog = "\n\n".join(["Examples:" if len(command.examples) > 1 else "Example:", *command.examples])
    for path in decorators:
        function = load_path(path)(function)
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
    alone.command(name, cls=CheckedCommand, help=help_text, epilog=epilog)(function)
    found: Any = typer.main.get_command(alone)
    for one in found.params:
        if one.param_type_name == "option" and not one.is_flag and one.metavar is None:
            one.metavar = SHOWN.get(one.type.name)
    return found


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
            given = [values.get(one.name or "") for one in self.params if one.param_type_name == "argument"]
            files = [one for one in (*given, *extra) if isinstance(one, str) and os.path.isfile(one)]
            raise typer.BadParameter(
                f"the command takes no further argument; got {shown}. Put a text or name of several words in quotes. "
                f"{how_to_join(files)}",
                ctx=ctx,
            )
        for one in self.params:
            _check_filled(one, values.get(one.name or ""), ctx)
        return super().parse_args(ctx, args)


def how_to_join(files: Sequence[str]) -> str:
    """Return what to do with several files where a command reads one, as a shell gives them for *.csv.

    >>> how_to_join(["May.csv", "June 1.csv"])
    "Give one file. To join files with the same columns: awk 1 May.csv 'June 1.csv' > all.csv"
    >>> how_to_join(["a.xlsx", "b.xlsx"])
    'Give one file: copy the rows of all into one.'
    >>> how_to_join(["Ann.txt", "Bob.txt"])[:77]
    'Give one file with a text per line, or a folder of files with one text each. '
    """
    endings = {os.path.splitext(one)[1].lower() for one in files}
    if os.name == "nt" or len(files) < 2 or len(endings) > 1 or not endings <= LINES:
        return "Give one file: copy the rows of all into one."
    listed = " ".join(map(shlex.quote, files)) if len(files) <= MOST_LISTED else f"*{min(endings)}"
    if endings == {".txt"}:
        each = "Give one file with a text per line, or a folder of files with one text each."
        return f"{each} To join files with a text per line: awk 1 {listed} > all.txt"
    return f"Give one file. To join files with the same columns: awk 1 {listed} > all{min(endings)}"


def _check_once(option: Any, given: Sequence[str], ctx: Any) -> None:
    """Raise BadParameter if an option for one value is given several times."""
    if option.param_type_name != "option" or option.multiple or option.is_flag:
        return
    times = sum(one.split("=", 1)[0] in option.opts for one in given)
    if times > 1:
        name = option.opts[0]
        raise typer.BadParameter(f"{name} is given {times} times. {SEVERAL.get(name, 'Give it once.')}", ctx=ctx)


def _check_filled(parameter: Any, value: object, ctx: Any) -> None:
    """Raise BadParameter if an option or a path is empty; typer would take an empty path for the working folder."""
    is_needed = parameter.param_type_name == "option" or parameter.type.name == "path"
    if is_needed and isinstance(value, str) and not value.strip():
        raise typer.BadParameter("it is empty. Check the variable that it comes from.", ctx=ctx, param=parameter)
