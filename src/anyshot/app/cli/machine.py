"""The commands about the installation: models, cache, doctor, demo."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.text import Text

from anyshot import app, store
from anyshot.app.cli.printing import count, in_terminal, show, show_each, table_of
from anyshot.app.doctor import examine, report
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


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Delete all cached vectors and activations.")] = False,
) -> None:
    """Show how much the caches of vectors and of frozen networks' activations hold, or clear them."""
    encoded, activations = store.VectorCache(), store.ActivationCache()
    if clear:
        encoded.clear()
        activations.clear()
    (vectors, size), (files, frozen) = encoded.size(), activations.size()
    facts = {
        "folder": encoded.folder,
        "vectors": vectors,
        "bytes": size,
        "limit_mb": encoded.limit,
        "activations": files,
        "activation_bytes": frozen,
        "activation_limit_mb": activations.limit,
    }
    held = f"{count(vectors, 'vector')}, {size / 1e6:,.1f} MB of at most {encoded.limit:,.0f} MB, in {encoded.folder}"
    beside = f"{count(files, 'item')} at a freeze point, {frozen / 1e6:,.1f} MB of at most {activations.limit:,.0f} MB"
    show(Group(Text(held), Text(beside)), facts)


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
    app.run_demo(out, console=Console() if in_terminal() else Console(width=100, color_system=None))
