"""The command that starts the page: studio."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from anyshot.app.studio import page
from anyshot.base.validation import extra


def studio(
    given: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PROJECT | FILE | MODEL]",
            help="A project's folder; a table, or a project's zip, for a new project; or a model to go on with.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the address. Default: 8777, or a free one if it is taken.")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """Sort texts or images in the browser, without programming.

    The page is shown to this computer only. It prints its address, and runs until Ctrl+C. Projects lie in the user's
    data folder, or where you name one.
    """
    for package in ("starlette", "uvicorn", "multipart"):
        extra(package, "studio", purpose="anyshot studio")
    page.run_studio(given, port=port, browse=webbrowser.open if browser else None)
