"""Check the links of the built site: `python docs/links.py build/site`.

Every link, picture, script and style of every page leads to a file that is there, and to a place in
it that is there. Nothing is loaded from another machine: only links that a reader follows may lead
outside, and of these the form alone is judged.
"""

import argparse
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FOLLOWED = {("a", "href"), ("link", "href")}
LOADED = {"src", "srcset", "poster", "data"}


class Page(HTMLParser):
    """The anchors of a page, and its links: tag, attribute and address."""

    def __init__(self, path: Path):
        super().__init__()
        self.anchors: set[str] = {"", "top"}
        self.links: list[tuple[str, str, str]] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        """Keep what names a place, and what leads to one."""
        attributes = dict(attrs)
        self.anchors |= {attributes[name] or "" for name in ("id", "name") if name in attributes}
        if tag == "link" and attributes.get("rel") in ("canonical", "alternate"):
            return
        for name, address in attributes.items():
            if address and ((tag, name) in FOLLOWED or name in LOADED):
                self.links.append((tag, name, address))

    handle_startendtag = handle_starttag


def faults(site: Path) -> Iterator[str]:
    """Every link that leads nowhere, by the page that it stands on."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        for tag, name, address in page.links:
            if why := fault(path, tag, name, address, site, pages):
                yield f"{path.relative_to(site)}: {address}: {why}"


def fault(path: Path, tag: str, name: str, address: str, site: Path, pages) -> str:
    """Why a link leads nowhere; empty if it does not."""
    parts = urlsplit(address)
    if parts.scheme == "data":
        return "" if name != "href" else "a link to data"
    if parts.scheme == "mailto":
        return "" if "@" in parts.path else "not an address"
    if parts.scheme or parts.netloc:
        if tag != "a":
            return "loaded from another machine"
        return "" if parts.scheme == "https" and "." in parts.netloc else "not a full https address"
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_relative_to(site):
        return "leads out of the site"
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return "no such file"
    if parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
        return "no such place in that page"
    return ""


def styles(site: Path) -> Iterator[str]:
    """Every style or script that fetches from another machine by itself."""
    for path in sorted(site.rglob("*.css")):
        text = path.read_text("utf-8")
        if any(
            f"{start}{scheme}" in text
            for start in ("url(", "url('", 'url("', "@import ")
            for scheme in ("http:", "https:", "//")
        ):
            yield f"{path.relative_to(site)}: loads from another machine"


def main() -> int:
    """Print what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path)
    site = parser.parse_args().site.resolve()
    found = [*faults(site), *styles(site)]
    pages = len(list(site.rglob("*.html")))
    print(*found, f"{pages} pages, {len(found)} dead links", sep="\n")
    return int(bool(found) or not pages)


if __name__ == "__main__":
    sys.exit(main())
