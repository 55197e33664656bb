"""Pictures in two themes.

A page of the repository names both in a `<picture>`, which follows the reader's system; the site
has a switch of its own, so that here they become two images, of which the theme shows one.
"""

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

_PICTURE = re.compile(r"<picture>.*?</picture>", re.DOTALL)
_ATTRIBUTE = re.compile(r'\b(srcset|src|alt|width)="([^"]*)"')


class Themes(SphinxTransform):
    """Every `<picture>` with a dark source as an image for each theme."""

    default_priority = 400

    def apply(self, **kwargs) -> None:
        """Replace them in the document."""
        for raw in list(self.document.findall(nodes.raw)):
            found = _PICTURE.findall(raw.astext()) if raw.get("format") == "html" else []
            if found:
                folder = Path(raw.source or self.document["source"]).parent
                raw.replace_self([one for each in found for one in self._images(each, folder)])

    def _images(self, picture: str, folder: Path) -> list[nodes.image]:
        about = {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(picture)}
        made = []
        for source, shown in (("src", "only-light"), ("srcset", "only-dark")):
            file = (folder / about[source]).resolve().relative_to(self.env.srcdir)
            image = nodes.image(uri=f"/{file.as_posix()}", alt=about["alt"], classes=[shown])
            if "width" in about:
                image["width"] = f"{about['width']}px"
            made.append(image)
        return made


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the transform."""
    app.add_transform(Themes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
