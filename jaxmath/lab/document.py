"""A config as nested values, each of which knows the line that it came from.

`tomllib` reads the values and says nothing of their places, so a small scanner finds the line of
each key when a message needs one. It only ever sees text that `tomllib` has accepted.
"""

from __future__ import annotations

import datetime
import difflib
import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jaxmath.lab.errors import InputError, Problem, visible

MAX_BYTES = 1_000_000
MAX_DEPTH = 16
Keys = tuple[str | int, ...]


@dataclass
class Document:
    """Nested values, the text they were read from, and where later values came from.

    `origins` holds, for what was laid over the file, the path of the [smoke] value or the word of
    the command line that brought it.
    """

    values: dict[str, Any]
    file: Path | None = None
    text: str = ""
    origins: dict[Keys, Keys | str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """What paths in the config are relative to: its own folder, or the current one."""
        return self.file.parent if self.file else Path.cwd()

    @cached_property
    def lines(self) -> dict[Keys, int]:
        """The line of every key and table of the text."""
        found: dict[Keys, int] = {}
        for keys, line in _scan(self.text):
            found.setdefault(keys, line)
        return found

    def problem(self, keys: Keys, sentence: str, hint: str = "") -> Problem:
        """A problem with the value at a path, with the line or the word where it stands."""
        for length in range(len(keys), 0, -1):
            origin = self.origins.get(keys[:length])
            if isinstance(origin, str):
                word = visible(origin, 100)
                mark = word.partition("=")[0]
                return Problem(sentence, None, None, dotted(keys), hint, word, mark)
            if origin is not None:
                keys = (*origin, *keys[length:])
                break
        if self.file is None:
            return Problem(sentence, path=dotted(keys), hint=hint)
        line = next(
            (self.lines[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in self.lines), None
        )
        if line is None:
            return Problem(sentence, self.file, None, dotted(keys), hint)
        text = visible(self.text.split("\n")[line - 1].strip(), 100)
        mark = next((str(k) for k in reversed(keys) if isinstance(k, str) and k in text), "")
        return Problem(sentence, self.file, line, dotted(keys), hint, text, mark)

    def overlay(self, keys: Keys, value: Any, origin: Keys | str) -> None:
        """Lay a value over the config; a table is laid over a table key by key."""
        table: dict[Any, Any] = self.values
        for key in keys[:-1]:
            below = table.get(key)
            if not isinstance(below, dict):
                # `loss = "huber"` is short for a table with that name.
                below = table[key] = {"name": below} if isinstance(below, str) else {}
            table = below
        present = table.get(keys[-1])
        if isinstance(value, dict) and isinstance(present, str):
            present = table[keys[-1]] = {"name": present}
        # Under another name the old options mean nothing: then the whole table is replaced.
        if (
            isinstance(value, dict)
            and isinstance(present, dict)
            and value.get("name", present.get("name")) == present.get("name")
        ):
            for key, inner in value.items():
                below = origin if isinstance(origin, str) else (*origin, key)
                self.overlay((*keys, key), inner, below)
            return
        for known in [known for known in self.origins if known[: len(keys)] == keys]:
            del self.origins[known]
        table[keys[-1]] = value
        self.origins[keys] = origin


def dotted(keys: Keys) -> str:
    """A path as people write it: `optimizer.learning_rate`, `sweep.seed[2]`."""
    words = ""
    for key in keys:
        words += f"[{key + 1}]" if isinstance(key, int) else f".{key}" if words else key
    return words


def show(value: Any, limit: int = 60) -> str:
    """A value as the config would write it, on one short line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return visible(json.dumps(value, ensure_ascii=False), limit)
    if isinstance(value, Mapping):
        return visible("{ " + ", ".join(f"{k} = {show(v)}" for k, v in value.items()) + " }", limit)
    if isinstance(value, (list, tuple)):
        return visible("[" + ", ".join(show(v) for v in value[:20]) + "]", limit)
    if isinstance(value, int) and abs(value) >= 10**40:
        return f"a whole number of {math.floor(math.log10(abs(value))) + 1} digits"
    return visible(str(value), limit)


def nearest(word: Any, names) -> str:
    """The valid name closest to a wrong one, or an empty string."""
    names = [str(name) for name in names]
    close = difflib.get_close_matches(str(word)[:100], names, 1, 0.6)
    if not close:
        lowered = {name.lower(): name for name in names}
        close = difflib.get_close_matches(str(word)[:100].lower(), list(lowered), 1, 0.6)
        close = [lowered[name] for name in close]
    return close[0] if close else ""


def suggest(word: Any, names, every: bool = True) -> str:
    """A hint for a wrong name: the nearest valid one, or else what there is."""
    close = nearest(word, names)
    if close:
        return f"did you mean `{close}`?"
    shown = ", ".join(map(str, names))
    return visible(f"there is: {shown}", 180) if every and shown else ""


def read_document(path: Path) -> Document:
    """Read a TOML file, or say in a sentence why it cannot be read.

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
        raise InputError(Problem(f"this is no valid TOML: {visible(said, 120)}", path)) from None
    document = Document(values, path, text)
    check_values(document)
    return document


def check_values(document: Document) -> None:
    """Refuse what no field of any config takes: NaN, infinities, dates, depths, empty keys."""
    problems: list[Problem] = []
    todo: list[tuple[Keys, Any]] = [((), document.values)]
    while todo:
        keys, value = todo.pop()
        if len(keys) > MAX_DEPTH:
            raise InputError(
                document.problem(keys[:1], f"`{keys[0]}` is nested deeper than {MAX_DEPTH} levels.")
            )
        if isinstance(value, Mapping):
            todo += [((*keys, key), inner) for key, inner in reversed(list(value.items()))]
        elif isinstance(value, (list, tuple)):
            todo += [((*keys, i), inner) for i, inner in reversed(list(enumerate(value)))]
        elif isinstance(value, float) and not math.isfinite(value):
            sentence = f"`{dotted(keys)}` should be a finite number, got {value}"
            hint = "the largest number is about 1.8e308" if math.isinf(value) else ""
            problems.append(document.problem(keys, sentence, hint))
        elif isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
            sentence = f"`{dotted(keys)}` is beyond the largest whole number, {2**63 - 1}"
            problems.append(document.problem(keys, sentence, "write it as a decimal, such as 1e20"))
        elif isinstance(value, (datetime.date, datetime.time)):
            sentence = f"`{dotted(keys)}` is a date, which no setting takes"
            problems.append(document.problem(keys, sentence, f'as text, write "{value}"'))
        elif not isinstance(value, (bool, int, float, str)):
            sentence = f"`{dotted(keys)}` is a {type(value).__name__}, which no setting takes"
            problems.append(document.problem(keys, sentence))
    if problems:
        raise InputError(*problems)


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


TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+|\#[^\n]*)|(?P<newline>\n)
    |(?P<string>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
    |(?P<mark>[\[\]{}=,.])|(?P<bare>[^\s\[\]{}=,.\#"']+)""",
    re.DOTALL | re.VERBOSE,
)


def _scan(text: str) -> Iterator[tuple[Keys, int]]:
    """Every key of a valid TOML text with its line, tables and array items included."""
    tokens: list[tuple[str, str, int]] = []
    line = 1
    for match in TOKEN.finditer(text):
        kind, token = match.lastgroup or "", match.group()
        if kind != "space":
            tokens.append((kind, token, line))
        line += token.count("\n")
    tokens.append(("newline", "\n", line))
    position = 0

    def take_key() -> list[tuple[str, int]]:
        """The parts of a dotted key, up to the mark that ends it."""
        nonlocal position
        parts = []
        while tokens[position][1] not in ("=", "]"):
            kind, token, at = tokens[position]
            if kind == "string":
                parts.append((str(tomllib.loads(f"x = {token}")["x"]), at))
            elif kind == "bare":
                parts.append((token, at))
            position += 1
        return parts

    def take_pair(prefix: Keys) -> Iterator[tuple[Keys, int]]:
        nonlocal position
        keys = prefix
        for part, at in take_key():
            keys = (*keys, part)
            yield keys, at
        position += 1  # the equals sign
        yield from take_value(keys)

    def take_value(keys: Keys) -> Iterator[tuple[Keys, int]]:
        nonlocal position
        opening = tokens[position][1]
        if opening not in ("[", "{"):
            while tokens[position][1] not in ("\n", ",", "]", "}"):
                position += 1
            return
        position += 1
        item = 0
        while (token := tokens[position])[1] not in ("]", "}"):
            if token[1] in ("\n", ","):
                position += 1
            elif opening == "{":
                yield from take_pair(keys)
            else:
                yield (*keys, item), token[2]
                yield from take_value((*keys, item))
                item += 1
        position += 1

    table: Keys = ()
    arrays: dict[Keys, int] = {}
    while position < len(tokens):
        kind, token, _ = tokens[position]
        if kind == "newline":
            position += 1
        elif token == "[":
            position += 1
            many = tokens[position][1] == "["
            position += many
            table = ()
            for part, at in take_key():
                table = (*table, part)
                yield table, at
            if many:
                arrays[table] = arrays.get(table, -1) + 1
                table = (*table, arrays[table])
            position += 1 + many
        else:
            yield from take_pair(table)
