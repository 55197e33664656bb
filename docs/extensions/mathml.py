"""Formulas as MathML, which browsers draw by themselves: no script, no fonts, no network."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from jaxmath.report import tex

LOGGER = logging.getLogger(__name__)


def visit(translator, node: nodes.Element) -> None:
    """Write a formula, of a sentence or by itself; warn of one that is not understood."""
    display = isinstance(node, nodes.math_block)
    formula = node.astext().strip()
    made = str(tex.mathml(formula, display))
    if not made.startswith("<math"):
        LOGGER.warning("not understood as a formula: %s", formula, location=node)
    translator.body.append(f'<div class="math">{made}</div>' if display else made)
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Make it a choice of `html_math_renderer`."""
    app.add_html_math_renderer("mathml", (visit, None), (visit, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
