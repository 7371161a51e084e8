"""Downloading the lecture's networks."""

from typing import Annotated

import typer

from labkit.commands.common import console
from labkit.errors import LabError


def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(help="alexnet resnet18 …, or all; none lists them")
    ] = None,
) -> None:
    """Download the lecture's networks into torchvision's cache; what is there already is checked.

    A campus mirror is used where the environment variable LABKIT_MIRROR holds its address.
    """
    from labkit import models

    if not names:
        console.print("Name what to download, or [bold]labkit fetch all[/]:")
        for name, network in models.NETWORKS.items():
            state = "here" if name in models.available() else f"{network.size_mb:.0f} MB"
            console.print(f"  {name:18} {state:>8}   {network.paper}", highlight=False)
        return
    failed = False
    for name in models.NETWORKS if names == ["all"] else names:
        try:
            console.print(
                f"[green]✓[/] {name} is here: {models.fetch(name)}", highlight=False, soft_wrap=True
            )
        except LabError as error:
            failed = True
            console.print(f"[red]✗[/] {error}", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if failed else 0)
