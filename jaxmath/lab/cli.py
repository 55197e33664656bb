"""The command line. Nothing here imports JAX before a command needs it."""

from __future__ import annotations

import gc
from typing import Annotated

import typer

from jaxmath import __version__
from jaxmath.config.signals import listen
from jaxmath.config.statuses import statuses
from jaxmath.lab import cli_configs, cli_library, cli_runs
from jaxmath.lab.cli_shared import EPILOG

app = typer.Typer(
    name="jaxmath",
    help="Verified derivatives, vectorised training, experiments that end in claims.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for commands in (cli_runs, cli_configs, cli_library):
    app.add_typer(commands.app)


def main() -> None:
    """Run the command line; what the process ends with is an `Exit`."""
    gc.disable()  # what imports make stays; until there is work, looking for garbage costs a tenth
    with statuses():
        listen()
        app()


def _version(wanted: bool | None) -> None:
    if wanted:
        print(f"jaxmath {__version__}")  # noqa: T201
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool | None,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = None,
) -> None:
    pass
