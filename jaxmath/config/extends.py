"""A config that extends others: `extends = "base.toml"`, or a list of which later ones win.

What a file says wins over what it extends, key by key; a table under another name (another loss,
another optimiser) replaces the old one whole, since its options mean nothing there. A swept path
replaces that path's axis and leaves the others; [smoke] tables are laid over each other likewise.

A config may not read what it should not, and what stands in a wrong file is told with its line.
So only .toml files below the project are extended: below the folder that holds `experiments`, or
where there is none above it, below the config's own folder. Links are followed first.
"""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

from jaxmath.config import sweep_table
from jaxmath.config.document import Document, Keys, Place, show
from jaxmath.config.errors import InputError, visible
from jaxmath.config.project import Project
from jaxmath.config.spelling import nearest
from jaxmath.config.toml_file import read_document

MAX_CHAIN = 8
"""Files of one chain: each extends the next."""
MAX_FILES = 64


def extended(document: Document, project: Project) -> Document:
    """The document with all that it extends, every value with its place; itself if nothing.

    Raises:
        InputError: a file is not there, not allowed or wrong, or a chain bites its tail.
    """
    if "extends" not in document.values:
        return document
    return _Reading(project.below(document.folder)).extended(document, ())


class _Reading:
    """One reading of a config: the files below `root` that were read so far, by path."""

    def __init__(self, root: Path):
        self.root = root
        self.known: dict[Path, Document] = {}

    def extended(self, document: Document, chain: tuple[Path, ...]) -> Document:
        if document.file:
            chain = (*chain, document.file.resolve())
        sweep_table.normalize(document)
        if "extends" not in document.values:
            return document
        bases = [self.base(document, *entry, chain) for entry in _names(document)]
        merged = Document({}, document.file, document.text)
        for layer in (*bases, document):
            own = {key: value for key, value in layer.values.items() if key != "extends"}
            for key, value in sorted(own.items(), key=lambda entry: entry[0] == "sweep"):
                sweep_table.lay(merged, (key,), copy.deepcopy(value), Place(layer, (key,)))
        return merged

    def base(self, document: Document, keys: Keys, name: str, chain: tuple[Path, ...]) -> Document:
        """A file that the document names, with all that it extends itself."""
        path = self.path(document, keys, name)
        if path in chain:
            circle = [*chain[chain.index(path) :], path]
            told = " -> ".join(file.name for file in circle)
            raise _wrong(document, keys, f"`extends` goes round in a circle: {told}")
        if path in self.known:
            return self.known[path]
        if len(chain) >= MAX_CHAIN:
            told = " -> ".join(file.name for file in (*chain, path))
            raise _wrong(document, keys, f"more than {MAX_CHAIN} files extend each other: {told}")
        if len(self.known) >= MAX_FILES:
            raise _wrong(document, keys, f"a config extends at most {MAX_FILES} files")
        if not os.path.isfile(path):
            told = f"the file {show(name)} of `extends` "
            told += "is a folder" if os.path.isdir(path) else "does not exist"
            raise _wrong(document, keys, told, _similar(path, name))
        self.known[path] = found = self.extended(read_document(_shown(path)), chain)
        return found

    def path(self, document: Document, keys: Keys, name: str) -> Path:
        """The file of that name, all links followed, if a config may extend it at all."""
        if not name.endswith(".toml") or not name.isprintable() or Path(name).is_absolute():
            told = "`extends` should name a .toml file by its path from this one"
            raise _wrong(document, keys, f"{told}, got {show(name)}")
        try:
            path = (document.folder / name).resolve()
        except (OSError, RuntimeError, ValueError):
            raise _wrong(document, keys, f"{show(name)} is no file name") from None
        if not path.is_relative_to(self.root) or path.suffix != ".toml":
            told = f"{show(name)} is outside {visible(str(self.root), 120)}"
            raise _wrong(
                document, keys, f"{told}, and a config extends .toml files of its project alone"
            )
        return path


def _similar(path: Path, name: str) -> str:
    folder = path.parent
    files = sorted(folder.glob("*.toml"))[:1000] if os.path.isdir(folder) else []
    close = nearest(path.name, [file.name for file in files])
    return f"did you mean {show(os.path.join(os.path.dirname(name), close))}?" if close else ""


def _shown(path: Path) -> Path:
    """A file as messages name it: from the current folder, where it lies below that."""
    here = Path.cwd().resolve()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _names(document: Document) -> list[tuple[Keys, str]]:
    """What `extends` names, each with its place."""
    given: Any = document.values["extends"]
    listed = isinstance(given, list)
    found: list[tuple[Keys, str]] = []
    for i, name in enumerate(given if listed else [given]):
        keys = ("extends", i) if listed else ("extends",)
        if not isinstance(name, str):
            told = "`extends` should be the name of a .toml file, or a list of names"
            raise _wrong(document, keys, f"{told}, got {show(name)}")
        found.append((keys, name))
    if len(found) > MAX_FILES:
        raise _wrong(document, ("extends",), f"a config extends at most {MAX_FILES} files")
    return found


def _wrong(document: Document, keys: Keys, sentence: str, hint: str = "") -> InputError:
    return InputError(document.problem(keys, sentence, hint))
