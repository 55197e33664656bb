r"""Prose with TeX between dollar signs, for a page (MathML) and for a terminal (plain characters).

The TeX may come from anybody. What latex2mathml makes of it is parsed again and only the elements
and attributes of ordinary formulas are let through; anything else is shown as its source, escaped.
"""

from __future__ import annotations

import functools
import html as escaping
import re
from xml.etree import ElementTree

from markupsafe import Markup, escape

# As pandoc reads dollars: no space inside them, no digit right behind, `\$` is a plain dollar.
_PIECES = re.compile(
    r"\$\$(?P<display>[^$]+)\$\$"
    r"|(?<!\\)\$(?P<inline>(?!\s)(?:[^$\\]|\\.)+?(?<!\s))\$(?!\d)"
    r"|`(?P<code>[^`]+)`",
    re.DOTALL,
)
_MATH_AND_POINT = re.compile(
    r"(<math [^>]*inline[^>]*>(?:(?!</math>).)*</math>[.,;:!?)]+)", re.DOTALL
)
_OPERATOR = re.compile(
    r"(?P<before>(?<=[A-Za-z0-9})])\s*)?"
    r"\\(?:operatorname\*?\{(?P<name>[^{}]*)\}|(?P<word>log|ln|exp|sin|cos|tanh|sinh|cosh|det)\b)"
    r"(?P<after>\s*(?=[A-Za-z0-9]|\\(?!left|[bB]igl?\b|[,;:!|])))?"
)
_ELEMENTS = frozenset(
    {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mstyle", "mpadded", "mphantom"}
    | {"mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "munder", "mover", "munderover"}
    | {"mtable", "mtr", "mtd", "menclose"}
)
_ATTRIBUTES = frozenset(
    {"display", "displaystyle", "scriptlevel", "mathvariant", "stretchy", "fence", "form"}
    | {"separator", "accent", "accentunder", "movablelimits", "largeop", "symmetric"}
    | {"lspace", "rspace", "minsize", "maxsize", "linethickness", "notation", "width", "height"}
    | {"depth", "columnalign", "columnspacing", "columnlines", "rowspacing", "rowlines"}
)


def html(text: str) -> Markup:
    """The text escaped, with its formulas as MathML and what stands in backticks as code."""
    page = _each_piece(
        text,
        prose=lambda words: escape(words.replace(r"\$", "$")),
        math=mathml,
        code=lambda words: Markup("<code>{}</code>").format(words),
        join=Markup("").join,
    )
    # A full stop stays with its formula.
    return Markup(_MATH_AND_POINT.sub(r'<span class="nb">\1</span>', str(page)))


def paragraphs(text: str) -> Markup:
    """Blocks parted by blank lines as paragraphs; lines that begin with "- " as a list."""
    blocks = []
    for block in re.split(r"\n\s*\n", text.strip()):
        items = re.split(r"(?:^|\n)\s*- ", "\n" + block)
        if items[0].strip():
            blocks.append(Markup("<p>{}</p>").format(html(items[0].strip())))
        if items[1:]:
            rows = Markup("").join(Markup("<li>{}</li>").format(html(i.strip())) for i in items[1:])
            blocks.append(Markup("<ul>{}</ul>").format(rows))
    return Markup("\n").join(blocks)


def plain(text: str) -> str:
    r"""The text with its formulas in plain characters: `$\lambda_{\max}^2$` as λ_max²."""
    return _each_piece(
        text,
        prose=lambda words: words.replace(r"\$", "$"),
        math=lambda tex, display: _characters(tex),
        code=lambda words: words,
        join="".join,
    )


def _each_piece(text: str, prose, math, code, join):
    parts, at = [], 0
    for piece in _PIECES.finditer(text):
        parts.append(prose(text[at : piece.start()]))
        at = piece.end()
        if piece["code"] is not None:
            parts.append(code(piece["code"]))
        else:
            display = piece["display"] is not None
            parts.append(math((piece["display"] if display else piece["inline"]), display))
    parts.append(prose(text[at:]))
    return join(parts)


@functools.lru_cache(maxsize=4096)
def mathml(tex: str, display: bool = False) -> Markup:
    """The formula as MathML, or its escaped source where it is not a formula."""
    from latex2mathml.converter import convert

    try:
        # Converted as a whole; the library's errors share no base class but Exception.
        root = ElementTree.fromstring(
            convert(spaced(tex), display="block" if display else "inline")
        )
    except Exception:
        return Markup('<code class="tex">{}</code>').format(tex)
    for node in root.iter():
        node.tag = node.tag.removeprefix("{http://www.w3.org/1998/Math/MathML}")
        if node.tag not in _ELEMENTS or not _ATTRIBUTES.issuperset(node.attrib):
            return Markup('<code class="tex">{}</code>').format(tex)
        if "\\" in (node.text or "") or _incomplete(node):
            return Markup('<code class="tex">{}</code>').format(tex)
    root.set("alttext", tex)
    return Markup(ElementTree.tostring(root, encoding="unicode", short_empty_elements=False))


def spaced(formula: str) -> str:
    r"""The formula with names of operators upright and apart from what is beside them, as in TeX.

    latex2mathml sets `\operatorname` letter by letter, in italics, and no space beside either kind.
    """
    formula = formula.replace(r"\arg\max", r"\operatorname{arg max}")
    formula = formula.replace(r"\arg\min", r"\operatorname{arg min}")
    return _OPERATOR.sub(_apart, formula)


def _apart(found: re.Match) -> str:
    name = rf"\{found['word']}" if found["word"] else rf"\text{{{found['name']}}}"
    before, after = (r"\," if found[side] is not None else "" for side in ("before", "after"))
    return f"{before}{name}{after}"


def _incomplete(node) -> bool:
    """Whether an element that needs a certain number of parts lacks some."""
    needs = dict(mfrac=2, msub=2, msup=2, msubsup=3, munder=2, mover=2, munderover=3, mroot=2)
    return len(node) != needs.get(node.tag, len(node))


_RAISED = str.maketrans("0123456789+-=()niTkxyjt", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵀᵏˣʸʲᵗ")
_LOWERED = str.maketrans("0123456789+-=()ijknxt", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ᵢⱼₖₙₓₜ")
_SPELLED = {
    r"\lVert": "‖", r"\rVert": "‖", r"\lvert": "|", r"\rvert": "|", r"\left": "", r"\right": "",
    r"\,": " ", r"\;": " ", r"\:": " ", r"\!": "", r"\ ": " ", r"\quad": " ", r"\qquad": " ",
    r"\{": "{", r"\}": "}", r"\top": "ᵀ", r"\ldots": "…", r"\dots": "…", r"\cdot": "·",
    r"\le": "≤", r"\ge": "≥", r"\\": "; ", r"\ell": "ℓ", r"\to": "→", r"\displaystyle": "",
}  # fmt: skip


def _characters(tex: str) -> str:
    """A formula in plain characters, as near as a line of text comes."""
    text = re.sub(r"\\(?:text|math[a-z]+|operatorname)\s*(?={)", "", tex)
    text = re.sub(r"\\hat\s*\{?(\w)\}?", "\\1\u0302", text)
    text = re.sub(r"\\bar\s*\{?(\w)\}?", "\\1\u0304", text)
    text = re.sub(r"\\(partial|nabla)\s+", r"\\\1{}", text)
    text = re.sub(r"\\(?:begin|end)\{\w+\}", "", text)
    text = re.sub(r"\\[dt]?frac\s*(\d)\s*(\w)", r"\1/\2", text)
    while (found := re.sub(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}", _fraction, text)) != text:
        text = found
    text = re.sub(r"\\sqrt\{([^{}]*)\}", r"√(\1)", text)
    text = re.sub(r"\\(?:[A-Za-z]+|.)", _symbol, text, flags=re.DOTALL)
    text = re.sub(r"\^(?:\{([^{}]*)\}|(\S))", lambda m: _script(m, "^", _RAISED), text)
    text = re.sub(r"_(?:\{([^{}]*)\}|(\S))", lambda m: _script(m, "_", _LOWERED), text)
    return re.sub(r"\s+", " ", text.replace("{", "").replace("}", "").replace("&", "")).strip()


def _fraction(match) -> str:
    top, bottom = (f"({p})" if re.search(r"[-+ ]", p.strip()) else p for p in match.groups())
    return f"{top}/{bottom}"


def _symbol(match) -> str:
    from latex2mathml.symbols_parser import convert_symbol

    word = match.group()
    if word in _SPELLED:
        return _SPELLED[word]
    code = convert_symbol(word)
    if code:
        return escaping.unescape(f"&#x{code};")
    name = word.lstrip("\\")
    return f" {name} " if name in ("log", "exp", "sin", "cos", "cosh", "sinh", "tanh") else name


def _script(match, mark: str, table: dict[int, int]) -> str:
    words = match.group(1) if match.group(1) is not None else match.group(2)
    if words in ("ᵀ", "*", "′") and mark == "^":
        return words
    small = words.translate(table)
    if all(a != b for a, b in zip(small, words, strict=True)):
        return small
    return mark + (words if words.isalnum() or len(words) == 1 else f"({words.strip()})")
