"""What can follow on a command line: commands, options, files, dotted keys and their values.

A shell calls this at every press of the tabulator key, so nothing here imports JAX, or the command
line itself: commands and the keys of experiments are read from the user's cache folder, where
`completion_cache` leaves them. What is read there is suggested and never trusted: a config is
validated by the command that reads it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from jaxmath.config import user_cache

Candidate = tuple[str, str]
"""A whole word, and what it is."""

WITH_KEYS = ("run", "check", "config")
WITHOUT_FILES = ("completion", "list", "new", "schema", "show")
MOST = 2000
FILE_BYTES = 200_000
SHELLS = {"bash": "Bash.", "zsh": "Zsh.", "fish": "Fish."}


def answer(words: list[str]) -> str:
    """The lines that a shell's script asks for: a candidate each, after a tab what it is.

    The words are those behind `jaxmath`, the last one being completed, perhaps empty; or `--line`
    and the whole line up to the cursor.
    """
    if words[:1] == ["--line"]:
        words = split(words[1] if len(words) > 1 else "")[1:]
    words = words or [""]
    found: dict[str, str] = {}
    with contextlib.suppress(AttributeError, KeyError, TypeError):  # a cache of another shape
        for word, said in candidates(words):
            if word.startswith(words[-1]) and word.isprintable():
                found.setdefault(word, " ".join(said.split()) if said.isprintable() else "")
    lines = [f"{word}\t{said[:100]}".rstrip("\t") for word, said in list(found.items())[:MOST]]
    return "".join(f"{line}\n" for line in lines)


def split(line: str) -> list[str]:
    """The words of a line that is still being written, the last one perhaps empty."""
    for end in ("", '"', "'"):
        with contextlib.suppress(ValueError):
            words = shlex.split(line + end)
            return words if words and (end or not line[-1:].isspace()) else [*words, ""]
    return [""]


def candidates(words: list[str]) -> Iterator[Candidate]:
    """What the last word can become."""
    *before, current = words
    commands = cached("commands.json").get("commands", {})
    if not before:
        yield from ((name, command["help"]) for name, command in commands.items())
        yield from (("--help", "Show help."), ("--version", "Print the version."))
        return
    name, *given = before
    command = commands.get(name, {})
    inner = command.get("commands", {})
    if inner and not given:
        yield from ((name, command["help"]) for name, command in inner.items())
        return
    options = command.get("options", {})
    takes = options.get(given[-1], {}).get("values") if given else None
    if takes is not None:
        yield from ((value, "") for value in takes)
        if not takes:
            yield from files(current, "")
        return
    if current.startswith("-"):
        yield from ((option, about["help"]) for option, about in options.items())
        yield ("--help", "Show help.")
        return
    positional = [word for word in given if not word.startswith("-")]
    if command or name in WITH_KEYS:
        yield from arguments(name, positional, current)


def arguments(command: str, given: list[str], current: str) -> Iterator[Candidate]:
    """What is no option: files, experiments, keys with their values, names."""
    folder = experiments_folder(Path.cwd())
    configs = [word for word in given if "=" not in word]
    if command in WITH_KEYS:
        named = [named_experiment(word) if word.endswith(".toml") else word for word in configs]
        for experiment in dict.fromkeys(filter(None, named)):
            yield from keys(folder, experiment, configs, given, current)
        if command != "config" or not configs:
            if command == "config":
                known = cached("commands.json").get("built_in", [])
                yield from ((name, "an experiment") for name in (*known, *own_names(folder)))
            yield from files(current, ".toml")
    elif command == "completion" and not given:
        yield from SHELLS.items()
    elif command == "show" and not given:
        yield from ((name, "") for name in cached("commands.json").get("formulas", []))
    elif command == "verify" and not given:
        yield from files(current, ".toml")
        yield from files(current, ".py")
    elif command not in ("verify", *WITHOUT_FILES):
        yield from files(current, "")


def keys(
    folder: Path | None, experiment: str, configs: list[str], given: list[str], current: str
) -> Iterator[Candidate]:
    """The dotted keys of an experiment, or the values of the one that is being set."""
    known = cached(f"{project_name(folder)}/{experiment}.json").get("keys", {})
    path, equals, _ = current.partition("=")
    if equals:
        for value in known.get(path.removesuffix(".name"), {}).get("values", ()):
            yield f"{path}={value}", ""
        return
    chosen = choices(configs, given)
    for path, about in known.items():
        if not about["choice"] or chosen.get(about["choice"], about["default"]) in about["of"]:
            yield f"{path}=", about["said"]
            if current.startswith("sweep.") and path != "precision":
                yield f"sweep.{path}=", about["said"]


def choices(configs: list[str], given: list[str]) -> dict[str, str]:
    """The names that configs, and then the words so far, choose: {"loss": "huber"}."""
    found: dict[str, str] = {}
    for config in configs:
        for key, value in _values(Path(config)).items():
            name = value.get("name") if isinstance(value, Mapping) else value
            if isinstance(name, str):
                found[key] = name
    for word in given:
        path, equals, value = word.partition("=")
        if equals:
            found[path.removesuffix(".name")] = value
    return found


def named_experiment(config: str) -> str:
    """The experiment that a config names, or the first of those that it extends."""
    todo, seen = [Path(config)], 0
    while todo and seen < 10:
        seen += 1
        file = todo.pop(0)
        values = _values(file)
        if isinstance(values.get("experiment"), str):
            return values["experiment"]
        bases = values.get("extends", [])
        bases = bases if isinstance(bases, list) else [bases]
        todo += [file.parent / base for base in bases if str(base).endswith(".toml")]
    return ""


def _values(file: Path) -> dict[str, Any]:
    """What a config says, as far as it can be read; it may be half written."""
    try:
        with file.open("rb") as opened:
            text = opened.read(FILE_BYTES).decode("utf-8-sig", "replace")
    except (OSError, ValueError):
        return {}
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError):
        return dict(re.findall(r'^(experiment|extends)\s*=\s*"([^"\n]*)"', text, re.MULTILINE))


def files(current: str, ending: str) -> Iterator[Candidate]:
    """Files of an ending, and folders, that begin like the current word."""
    head, slash, tail = current.rpartition("/")
    folder = Path(os.path.expanduser(head + slash) or ".")
    try:
        listed = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (OSError, ValueError):
        return
    for entry in listed:
        if not entry.name.startswith(tail) or (entry.name.startswith(".") and not tail):
            continue
        with contextlib.suppress(OSError):
            if entry.is_dir():
                yield f"{head}{slash}{entry.name}/", ""
            elif entry.name.endswith(ending):
                yield f"{head}{slash}{entry.name}", ""


def experiments_folder(start: Path) -> Path | None:
    """The folder `experiments` here or above."""
    for folder in (start, *start.parents):
        if (folder / "experiments").is_dir():
            return folder / "experiments"
    return None


def own_names(folder: Path | None) -> list[str]:
    """The experiments of the project that are in the cache."""
    try:
        return sorted(file.stem for file in (cache_folder() / project_name(folder)).glob("*.json"))
    except OSError:
        return []


def project_name(folder: Path | None) -> str:
    """The name under which a project's experiments are cached."""
    return sha256(str(folder.resolve() if folder else "").encode()).hexdigest()[:16]


def cache_folder() -> Path:
    """Where suggestions are kept."""
    return user_cache.folder("completion")


def cached(name: str) -> dict[str, Any]:
    """A file of the cache; nothing where there is none, or it is not what it should be."""
    try:
        found = json.loads((cache_folder() / name).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
