"""What a page says of an object: its signature as it was written, its docstring as Markdown."""

import ast
import inspect
import re
import textwrap
import types
from collections.abc import Callable, Mapping
from typing import Any

_SECTIONS = {"Args:", "Attributes:", "Raises:", "Returns:"}


class _Word(str):
    """Text that stands in a signature without quotes."""

    __repr__ = str.__str__


def signature(function: Callable[..., Any], public: Mapping[Any, str]) -> str:
    """Arguments, defaults and annotations, these as in the source, with links to `public` ones.

    What the annotations evaluate to is no reading: a number is a union of twenty array types.
    """
    found = inspect.signature(function)
    written = _written(function, public)
    shown = [
        parameter.replace(
            annotation=written.get(name, _plain(parameter.annotation)),
            default=_default(parameter.default),
        )
        for name, parameter in found.parameters.items()
    ]
    returned = written.get("return", _plain(found.return_annotation))
    return str(found.replace(parameters=shown, return_annotation=returned))


def _written(function: Callable[..., Any], public: Mapping[Any, str]) -> dict[str, _Word]:
    """The annotations of a function, or of the fields of a class, in its own words."""
    plain = inspect.unwrap(function)
    try:
        node = ast.parse(textwrap.dedent(inspect.getsource(plain))).body[0]
    except (OSError, TypeError, SyntaxError):
        return {}
    if isinstance(node, ast.ClassDef):
        pairs = [
            (each.target.id, each.annotation)
            for each in node.body
            if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
        ]
        names = vars(inspect.getmodule(plain))
    elif isinstance(node, ast.FunctionDef):
        every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        others = filter(None, (node.args.vararg, node.args.kwarg))
        pairs = [(each.arg, each.annotation) for each in (*every, *others)]
        pairs.append(("return", node.returns))
        names = plain.__globals__
    else:
        return {}
    links = _Links(names, public)
    return {name: _Word(ast.unparse(links.visit(kind))) for name, kind in pairs if kind}


class _Links(ast.NodeTransformer):
    """Names of documented types in an annotation, as links that show the last word alone."""

    def __init__(self, names: Mapping[str, Any], public: Mapping[Any, str]):
        self.names, self.public = names, public

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """A quoted annotation is one too; a shape is not."""
        if isinstance(node.value, str) and node.value in self.names:
            return self.visit(ast.Name(node.value))
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        full = self.public.get(self.names.get(node.id))
        return ast.parse(f"~{full}", mode="eval").body if full else node


def _plain(kind: Any) -> Any:
    if kind is inspect.Signature.empty:
        return kind
    simple = isinstance(kind, type) and not isinstance(kind, types.GenericAlias)
    text = kind if isinstance(kind, str) else kind.__name__ if simple else repr(kind)
    return _Word(re.sub(r"\b(?:[A-Za-z_]\w*\.)+(?=[A-Za-z_])", "", text))


def _default(value: Any) -> Any:
    if value is inspect.Signature.empty:
        return value
    if callable(value):
        return _Word(getattr(value, "__name__", "..."))
    try:
        ast.parse(repr(value))
    except SyntaxError:
        return _Word("...")
    return value


def markdown(documented: Any) -> str:
    """The docstring, with "Args:" and its kin as lists."""
    made, section = [], None
    for line in (inspect.getdoc(documented) or "").splitlines():
        if line in _SECTIONS:
            section = line
            made += [f"**{section.removesuffix(':')}**", ""]
            continue
        if line and not line.startswith(" "):
            section = None
        entry = re.match(r" {4}(\w[\w, .*]*): (.*)", line) if section else None
        if entry and section != "Returns:":
            names = ", ".join(f"`{name.strip()}`" for name in entry[1].split(","))
            made.append(f"- {names}: {entry[2]}")
        elif section:
            made.append(line[4:] if section == "Returns:" else line[2:])
        else:
            made.append(line)
    return "\n".join(made)
