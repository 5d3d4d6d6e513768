"""A page as HTML that stays readable wherever a notebook is shown: no script, no network."""

from __future__ import annotations

from html import escape

from py_mlops.report.page import Line, Page, Section, visible
from py_mlops.report.svg import svg

_STYLE = """
.mlops{font:13px/1.5 var(--jp-ui-font-family,system-ui,sans-serif);max-width:60em;
 border:1px solid var(--jp-border-color2,#ccc);border-radius:6px;padding:.7em 1em;
 color:var(--jp-ui-font-color1,inherit)}
.mlops h4{margin:0;font-size:15px;font-weight:600}
.mlops h5{margin:.8em 0 .2em;font-size:13px;font-weight:600}
.mlops summary{cursor:pointer;margin:.6em 0 .2em;font-weight:600}
.mlops .badge{display:inline-block;border-radius:9px;padding:0 .7em;margin-left:.6em;
 font-size:12px;font-weight:600;border:1px solid currentColor}
.mlops table{border-collapse:collapse;margin:.2em 0;font-size:12px}
.mlops tr{background:none!important}
.mlops th,.mlops td{text-align:left!important;padding:.1em 1.2em .1em 0;vertical-align:top;
 background:none!important}
.mlops .good{color:var(--jp-success-color0,#1b5e20)}
.mlops .warn{color:var(--jp-warn-color0,#8a5300)}
.mlops .bad{color:var(--jp-error-color0,#b71c1c);font-weight:600}
.mlops .picture{overflow-x:auto;margin:.6em 0}
.mlops .dim,.mlops small{opacity:.75}.mlops code{background:none;padding:0}
""".strip()


def html(page: Page) -> str:
    """Return a page as a self-contained piece of HTML.

    Every word that came from elsewhere is escaped; nothing in it runs.

    Args:
        page: The page.

    Returns:
        A ``<div>`` with its own style.
    """
    sections = "".join(_section(section) for section in page.sections)
    hints = "".join(f"<div><small>→ {_text(hint)}</small></div>" for hint in page.hints)
    picture = f'<div class="picture">{svg(page.picture)}</div>' if page.picture else ""
    badge = f'<span class="badge {page.state}">{_text(page.badge)}</span>' if page.badge else ""
    return (
        f'<div class="mlops" role="group" aria-label="{escape(visible(page.heading))}">'
        f"<style>{_STYLE}</style><h4>{_text(page.heading)}{badge}</h4>"
        f"<div>{_text(page.summary)}</div>{picture}{sections}{hints}</div>"
    )


def _section(section: Section) -> str:
    if not (section.lines or section.rows):
        return ""
    body = _table(section) + _lines(section.lines)
    if section.folded:
        return f"<details><summary>{_text(section.title)}</summary>{body}</details>"
    title = f"<h5>{_text(section.title)}</h5>" if section.title else ""
    return title + body


def _table(section: Section) -> str:
    if not section.rows:
        return ""
    head = "".join(f'<th scope="col">{_text(column)}</th>' for column in section.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>"
        for row in section.rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _lines(lines: tuple[Line, ...]) -> str:
    if not lines:
        return ""
    rows = "".join(
        f'<tr class="{line.state}"><td>{_text(line.label)}</td><td>{_text(line.text)}'
        + "".join(f"<br><small>{_text(detail)}</small>" for detail in line.details)
        + "</td></tr>"
        for line in lines
    )
    return f"<table><tbody>{rows}</tbody></table>"


def _text(text: str) -> str:
    return escape(visible(text), quote=True).replace("\n", "<br>")
