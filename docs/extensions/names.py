"""Names in code within a sentence as links to the reference: `losses.huber`, `describe(info)`."""

import re
from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

_NAME = re.compile(r"(?P<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?:\([^()]*\))?")


class Names(SphinxPostTransform):
    """Every name that the reference knows, but for headings, links and arguments."""

    default_priority = 20

    def run(self, **kwargs) -> None:
        """Put the links around them."""
        known = self.env.get_domain("py").objects
        module = self.env.docname.removeprefix("api/")
        for literal in list(self.document.findall(nodes.literal)):
            name = _NAME.fullmatch(literal.astext())
            if name is None or _is_heading_link_or_argument(literal):
                continue
            full = next((full for full in _readings(name["path"], module) if full in known), None)
            if full is not None:
                place = known[full]
                literal.replace_self(
                    make_refnode(
                        self.app.builder,
                        self.env.docname,
                        place.docname,
                        place.node_id,
                        literal.deepcopy(),
                        full,
                    )
                )


def _readings(path: str, module: str) -> Iterator[str]:
    """What a name may stand for: of this page's module, of a room, or where its file is."""
    parts = path.split(".")
    if module.startswith("jaxmath."):
        yield f"{module}.{path}"
    if len(parts) > 1:
        yield path
        yield f"jaxmath.{path}"
        # A card names the file too: jaxmath.losses.regression.huber.
        yield ".".join([*parts[:2], parts[-1]])
        yield ".".join(dict.fromkeys(parts))


def _is_heading_link_or_argument(literal: nodes.literal) -> bool:
    place = literal.parent
    while isinstance(place, nodes.Inline) and not isinstance(place, nodes.reference):
        place = place.parent
    if isinstance(place, nodes.reference | nodes.title):
        return True
    after = literal.next_node(descend=False, siblings=True)
    return isinstance(place.parent, nodes.list_item) and (after or "").startswith((":", ", "))


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the transform."""
    app.add_post_transform(Names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
