"""How a notebook shows a verdict or a report: a table, without scripts and in any colours."""

from __future__ import annotations

import html

from jaxmath.verify.report import Report
from jaxmath.verify.summary import HEADER, MARK, summary
from jaxmath.verify.verdict import Verdict


def html_of(found: Verdict | Report) -> str:
    """A piece of HTML for a notebook, which takes its colours from what surrounds it."""
    s = summary(found)
    cell = "text-align:left;vertical-align:top;padding:.3em .9em .3em 0;"
    rule = "border-bottom:1px solid rgba(128,128,128,.35);"
    rows = []
    for e in s.entries:
        cells = (e.what, f"{MARK[e.state]} {e.kind}", e.where, e.answer, e.truth, e.error)
        told = "".join(f'<td style="{cell}{rule}">{html.escape(text)}</td>' for text in cells)
        rows.append(f"<tr>{told}</tr>")
        if e.note:
            rows[-1] += (
                f'<tr><td></td><td colspan="5" style="{cell}opacity:.75">'
                f"{html.escape(e.note)}</td></tr>"
            )
    head = "".join(f'<th style="{cell}{rule}">{name}</th>' for name in HEADER)
    table = (
        '<div style="overflow-x:auto"><table style="border-collapse:collapse;text-align:left">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )
    code = "".join(
        f'<pre style="overflow-x:auto">{html.escape(text)}</pre>'
        for text in (s.why, s.reproducer)
        if text
    )
    remarks = "".join(f'<div style="opacity:.75">{html.escape(r)}</div>' for r in s.remarks)
    return (
        f'<div style="max-width:64em"><div><code>{html.escape(s.title)}</code> on '
        f"{html.escape(s.place)}</div><div><strong>{MARK[s.state]} {html.escape(s.sentence)}"
        f"</strong></div>{table if rows else ''}{code}{remarks}</div>"
    )
