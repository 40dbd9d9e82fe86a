"""The commands of the page and its projects: studio, history, undo, redo."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from anyshot.app import studio as projects
from anyshot.app.cli.console import note, show_rows
from anyshot.app.studio import page
from anyshot.base.lazy import extra


def studio(
    given: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PROJECT | FILE | MODEL]",
            help="A project's folder; a table, or a project's zip, for a new project; or a saved model.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the address. Default: 8777, or a free one if it is taken.")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """Sort texts, images or rows of numbers in the browser, without programming.

    The page is shown to this computer only. It prints its address, and runs until Ctrl+C. Projects lie in the user's
    data folder, or where you name one.
    """
    for package in ("starlette", "uvicorn", "httptools", "multipart"):
        extra(package, "studio", purpose="anyshot studio")
    page.run_studio(given, port=port, browse=webbrowser.open if browser else None)


Project = Annotated[Path, typer.Argument(help="Folder of a project.", metavar="PROJECT")]


def history(
    project: Project, n: Annotated[int, typer.Option("-n", min=1, help="How many changes to list at most.")] = 100
) -> None:
    """List what was done to a project of the studio, the newest first."""
    with projects.Project.open(project) as opened:
        entries = opened.history.entries(limit=n)
    show_rows(
        [{"id": one.id, "time": one.time, "undone": one.undone, "change": str(one)} for one in entries], last="change"
    )


def undo(
    project: Project,
    to: Annotated[
        int | None, typer.Option(min=0, help="Undo all changes after the one with this id; 0 for all.", metavar="ID")
    ] = None,
) -> None:
    """Undo the last change of a project of the studio, or all after one."""
    with projects.Project.open(project) as opened:
        entries = opened.history.undo(to=to)
    for entry in entries:
        note(f"Undone: {entry}.")
    if not entries:
        note("There is nothing to undo.")


def redo(project: Project) -> None:
    """Make the last change of a project of the studio again that was undone, unless something else was done since."""
    with projects.Project.open(project) as opened:
        entry = opened.redo()
    note("There is nothing to make again." if entry is None else f"Done again: {entry}.")
