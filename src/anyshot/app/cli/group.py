"""The group of commands: each is loaded when it is called, so that one does not wait for what the others need."""

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup

from anyshot.app.cli.arguments import CheckedCommand
from anyshot.base.lazy import load_path


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
    return typer.main.get_command(alone)
