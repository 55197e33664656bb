"""Commands that print configs, and what an editor and a shell know of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jaxmath.config.errors import InputError, Problem
from jaxmath.config.statuses import statuses
from jaxmath.lab.cli_shared import remember, say

app = typer.Typer()


@app.command(name="config")
def config_command(
    name: Annotated[
        str, typer.Argument(metavar="EXPERIMENT|CONFIG", help="An experiment, or a .toml file.")
    ],
    overrides: Annotated[
        list[str] | None, typer.Argument(metavar="[path=value ...]", help="Values laid over it.")
    ] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="With the [smoke] values.")] = False,
    origin: Annotated[
        bool, typer.Option("--origin", help="Say at each line where its value came from.")
    ] = False,
) -> None:
    """Print an experiment's complete defaults as TOML; of a file, all its values."""
    with statuses():
        from jaxmath.config import reading

        is_file = name.endswith(".toml") or "/" in name or Path(name).is_file()
        given = name if is_file else {"experiment": name}
        study, document = reading.read_with_document(given, overrides or (), smoke)
        remember(study)
        from jaxmath.config import origins, writing
        from jaxmath.config.project import Project

        if origin:
            say(origins.with_origins(study, document).rstrip("\n"))
            return
        title = (study.module.__doc__ or "").partition("\n\n")[0]
        folder = study.source.parent if study.source else Path.cwd()
        text = writing.written(
            study.experiment,
            " ".join(title.split()),
            study.config,
            Project(folder),
            study.seed,
            study.precision,
            study.resolved.get("sweep"),
        )
        say(text.rstrip("\n"))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the project's configs, for an editor; imports its experiments."""
    with statuses():
        import json

        from jaxmath.config.json_schema import project_schema
        from jaxmath.config.project import Project

        say(json.dumps(project_schema(Project(Path.cwd())), indent=1, ensure_ascii=False))


@app.command()
def completion(
    shell: Annotated[
        str | None, typer.Argument(metavar="[bash|zsh|fish]", help="Print its script.")
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Look at all experiments of the project anew.")
    ] = False,
) -> None:
    """Print the script by which a shell completes commands, files, keys and their values."""
    with statuses():
        from jaxmath.config.project import Project
        from jaxmath.lab import completion_cache
        from jaxmath.lab.completion_scripts import SCRIPTS

        if shell not in SCRIPTS and (shell or not refresh):
            said = f"there is no script for {shell}" if shell else "which shell?"
            raise InputError(Problem(said, hint="jaxmath completion bash, zsh or fish"))
        completion_cache.remember_commands()
        if refresh:
            completion_cache.refresh(Project(Path.cwd()))
        if shell:
            say(SCRIPTS[shell].rstrip("\n"))
