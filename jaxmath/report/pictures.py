"""Plots as a notebook shows them: light or dark as its reader has it."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from jaxmath.report import figures
from jaxmath.report.themes import DARK
from jaxmath.runs.experiment import Plot


@dataclass(frozen=True)
class Pictures:
    """Plots, drawn when they are shown."""

    plots: tuple[Plot, ...]

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """NAME.svg, NAME.png, NAME-dark.svg and NAME-dark.png of each plot."""
        return {k: v for plot in self.plots for k, v in figures.pictures(plot).items()}

    def _repr_html_(self) -> str:
        shown = []
        for plot in self.plots:
            light, dark = (
                url(self.files[f"{plot.name}{end}.svg"]) for end in ("", f"-{DARK.name}")
            )
            shown.append(
                f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
                f'<img style="max-width:42em;width:100%" alt="{html.escape(plot.alt)}" '
                f'src="{light}"></picture>'
            )
        return "".join(shown)


def url(content: bytes, kind: str = "svg+xml") -> str:
    """An image as a URL that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
