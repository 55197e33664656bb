"""What completion suggests, written into the user's cache folder: made of what is imported anyway.

A file is whole or absent, and whoever cannot write it goes without.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from jaxmath import __version__
from jaxmath.config.errors import ExperimentError
from jaxmath.config.project import BUILT_IN, Project
from jaxmath.lab.completion import cache_folder, cached, project_name


def remember(experiment: str, project: Project) -> None:
    """Keep the keys of an experiment, unless they are known; it is imported already."""
    name = f"{project_name(project.folder)}/{experiment}.json"
    stamp = _stamp(experiment, project)
    if cached(name).get("stamp") != stamp:
        _keep(name, {"stamp": stamp, "keys": experiment_keys(experiment, project)})


def refresh(project: Project) -> None:
    """Keep the commands and the keys of all experiments of a project, which imports them."""
    from jaxmath.verify import FORMULAS

    remember_commands(formulas=sorted(formula.name for formula in FORMULAS))
    for experiment in project.experiments:
        with suppress(ExperimentError):  # running it will tell
            remember(experiment, project)


def remember_commands(**more: Any) -> None:
    """Keep the commands and their options; what else is known of this version stays."""
    from jaxmath.lab import cli

    known = cached("commands.json")
    files = sorted(Path(cli.__file__).parent.glob("cli*.py"))
    stamp = " ".join([__version__, *map(_changed, files)])
    if known.get("stamp") == stamp and more.items() <= known.items():
        return
    import typer.main

    described = _command(typer.main.get_command(cli.app))
    made = {"commands": described["commands"], "built_in": list(BUILT_IN)}
    _keep("commands.json", {**known, **made, **more, "stamp": stamp})


def _command(command: Any) -> dict[str, Any]:
    """A command of click as plain data: its help, its options, the commands below it."""
    found: dict[str, Any] = {"help": (command.get_short_help_str(100) or "").strip()}
    if inner := getattr(command, "commands", None):
        found["commands"] = {name: _command(one) for name, one in inner.items() if not one.hidden}
    options = {}
    for parameter in command.params:
        if parameter.param_type_name != "option" or parameter.hidden:
            continue
        about: dict[str, Any] = {"help": (parameter.help or "").partition(";")[0]}
        if not parameter.is_flag:
            words = (parameter.metavar or "").split("|")
            about["values"] = [word for word in words if re.fullmatch("[a-z0-9]+", word)]
        options |= dict.fromkeys(parameter.opts, about)
    return {**found, "options": options}


def experiment_keys(experiment: str, project: Project) -> dict[str, Any]:
    """Every dotted key of an experiment: what it is, its values, whose option it is."""
    from jaxmath.config.json_schema import experiment_definitions

    definitions = experiment_definitions(experiment, project)
    found: dict[str, Any] = {}

    def add(path: str, schema: Any, choice: str = "", default: str = "", of: str = "") -> None:
        inner = schema["allOf"][0] if "allOf" in schema else schema
        name = inner.get("$ref", "").rpartition("/")[2].replace("%20", " ")
        if "properties" in inner:
            for key, below in inner["properties"].items():
                add(f"{path}.{key}", below, choice, default, of)
            return
        said = schema.get("description", "")
        about = {"said": said, "choice": choice, "default": default, "of": []}
        known = found.setdefault(path, {**about, "values": _values(inner)})
        known["of"] += [of] * bool(of)
        if not name:
            return
        known["values"] = definitions[name]["anyOf"][1]["enum"]
        given = schema.get("default", "none")
        chosen = given.get("name", "") if isinstance(given, dict) else given
        kind = name.removesuffix(" or none")
        for option in known["values"]:
            for key, below in definitions.get(f"{kind} {option}", {}).get("properties", {}).items():
                if key != "name":
                    add(f"{path}.{key}", below, path, chosen, option)

    for key, schema in definitions[experiment]["properties"].items():
        if key not in ("experiment", "extends", "sweep", "smoke"):
            add(key, schema)
    return found


def _values(schema: Any) -> list[str]:
    if schema.get("type") == "boolean":
        return ["true", "false"]
    return [str(value) for value in schema.get("enum", ())]


def _stamp(experiment: str, project: Project) -> str:
    source = project.source(experiment)
    return f"{__version__} {_changed(source) if source else ''}"


def _changed(file: Path) -> str:
    status = file.stat()
    return f"{status.st_mtime_ns} {status.st_size}"


def _keep(name: str, content: dict[str, Any]) -> None:
    try:
        path = cache_folder() / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, delete=False, suffix=".part"
        ) as file:
            json.dump(content, file)
        os.replace(file.name, path)
    except OSError:  # no suggestions, and nothing else
        return
