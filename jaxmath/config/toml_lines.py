"""The line of every key of a TOML text.

`tomllib` reads the values and says nothing of their places, so this small scanner finds them when a
message needs one. It only ever sees text that `tomllib` has accepted.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

Keys = tuple[str | int, ...]

TOKEN = re.compile(
    r"""(?P<space>[ \t\r]+|\#[^\n]*)|(?P<newline>\n)
    |(?P<string>\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
    |(?P<mark>[\[\]{}=,.])|(?P<bare>[^\s\[\]{}=,.\#"']+)""",
    re.DOTALL | re.VERBOSE,
)


def key_lines(text: str) -> Iterator[tuple[Keys, int]]:
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
