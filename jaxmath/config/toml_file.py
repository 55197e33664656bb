"""A TOML file from disk, or a sentence that says why it is none and what was perhaps meant."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxmath.config.document import Document, check_values, refuse_code
from jaxmath.config.errors import InputError, Problem, visible
from jaxmath.config.spelling import nearest

MAX_BYTES = 1_000_000


def read_document(path: Path, only: Sequence[str] = ()) -> Document:
    """Read a TOML file, or say in a sentence why it cannot be read.

    With `only`, the path of a table, the rest of the file is somebody else's and is left out; a
    table that is not there is left out too.

    Raises:
        InputError: the file is missing, unreadable, no text, or no TOML.
    """
    text = _decode(path, _bytes(path))
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(_syntax(path, text, str(error))) from None
    except (RecursionError, ValueError) as error:
        # ValueError: whole numbers of more than 4300 digits, dates such as February 31.
        said = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        told = f"this is no valid TOML: {visible(said, 120)}"
        raise InputError(Problem(told, path, _line_of(type(error), text))) from None
    document = Document(_only(values, only), path, text)
    if not only:
        refuse_code(document)
    check_values(document)
    return document


def _line_of(error: type[Exception], text: str) -> int | None:
    """The line at which reading fails with an error that does not say where: by halves."""
    lines = text.split("\n")
    low, high = 1, len(lines)
    while low < high and len(text) < 100_000:
        middle = (low + high) // 2
        try:
            tomllib.loads("\n".join(lines[:middle]))
            low = middle + 1
        except (tomllib.TOMLDecodeError, RecursionError, ValueError) as found:
            low, high = (low, middle) if type(found) is error else (middle + 1, high)
    return low if low == high else None


def _only(values: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    if not keys:
        return values
    inner = values.get(keys[0])
    if len(keys) > 1 and isinstance(inner, dict):
        inner = _only(inner, keys[1:])
    return {keys[0]: inner} if inner else {}


def _bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            there = sorted(p.name for p in path.glob("*.toml"))[:8]
            hint = f"in it are: {', '.join(there)}" if there else ""
            raise InputError(Problem(f"{path} is a folder; a config is a .toml file", hint=hint))
        if not path.exists():
            raise InputError(Problem(f"there is no file {path}", hint=_similar_file(path)))
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(Problem(f"{visible(str(path))} cannot be read: {reason}")) from None
    except ValueError:  # a NUL byte in the name
        raise InputError(Problem(f"{visible(str(path))} is no valid file name")) from None
    if len(data) > MAX_BYTES:
        raise InputError(Problem(f"a config is at most {MAX_BYTES // 1_000_000} MB of text", path))
    return data


def _similar_file(path: Path) -> str:
    folders = [folder for folder in (path.parent, Path("configs")) if folder.is_dir()]
    files = {p.name: p for folder in reversed(folders) for p in sorted(folder.glob("*.toml"))}
    close = nearest(path.name, files) or nearest(path.name + ".toml", files)
    return f"did you mean {files[close]}?" if close else ""


def _decode(path: Path, data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(Problem("this text is UTF-16; save it as UTF-8", path))
    if 0 in data:
        line = data[: data.index(0)].count(b"\n") + 1
        raise InputError(Problem("there is a NUL byte here; is it a text file?", path, line))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(Problem("this is no UTF-8; is it a text file?", path, line)) from None
    return text.replace("\r\n", "\n")


WORDS = {"True": "write true", "False": "write false", "yes": "write true", "no": "write false"}
WORDS |= dict.fromkeys(("None", "null", "nil"), "leave the key out to have no value")


def _syntax(path: Path, text: str, message: str) -> Problem:
    """What `tomllib` found, as a sentence with its line and a hint at the usual cause."""
    lines = text.split("\n")
    at = re.search(r"\(at line (\d+), column (\d+)\)", message)
    line = int(at[1]) if at else len(text.rstrip().split("\n"))
    said = re.sub(r" \(at [^)]*\)$", "", message)
    if said == 'Expected "\'"':  # the search for the closing quote has run to the end
        opened = (i for i, text in enumerate(lines, 1) if text.partition("=")[2].count("'") == 1)
        line = next(opened, line)
    here = lines[line - 1] if line <= len(lines) else ""
    if at and int(at[2]) == 1 and not here.strip() and line > 1:  # an unfinished line before it
        line, here = line - 1, lines[line - 2]
    shown = visible(here.strip(), 100)
    problem = Problem(f"this is no valid TOML: {said[:1].lower()}{said[1:]}", path, line)
    return Problem(problem.sentence, path, line, "", _syntax_hint(here, said), shown)


def _syntax_hint(here: str, said: str) -> str:
    key, equals, value = (part.strip() for part in here.partition("="))
    if "overwrite" in said or "twice" in said or "mutate" in said:
        return "the same key or table is given twice"
    if not equals:
        if re.fullmatch(r"[\w.-]+\s*:.*", here.strip()):
            return "write `key = value`, with `=` in place of `:`"
        return "" if here.strip().startswith("[") else "a line is `key = value` or `[table]`"
    if not re.fullmatch(r"""[\w.-]+|"[^"]*"|'[^']*'""", key):
        return 'a key is made of letters, digits, `_` and `-`; others need quotes: "a key" = ...'
    bare = re.split(r"\s+#|,", value)[0].strip()
    if number := re.fullmatch(r"([+-]?)\.(\d[\d_]*(?:[eE][+-]?\d+)?)", bare):
        return f"write {number[1]}0.{number[2]}"
    if number := re.fullmatch(r"([+-]?\d[\d_]*)\.([eE][+-]?\d+)?", bare):
        return f"write {number[1]}.0{number[2] or ''}"
    if number := re.fullmatch(r"([+-]?)0+(\d[\d_]*)", bare):
        return f"a number has no leading zeros: write {number[1]}{number[2]}"
    if bare in WORDS:
        return WORDS[bare]
    if not bare:
        return "the value is missing"
    if re.fullmatch(r"[^\"'\[{\d+-].*", bare):
        return f'put quotes round text: {key} = "{visible(bare, 60)}"'
    if bare[0] in "\"'":
        return "text begins and ends with the same quote, and a backslash in it is doubled"
    if bare[0] in "[{":
        return f"close the {'[ with a ]' if bare[0] == '[' else '{ with a }, on the same line'}"
    return ""
