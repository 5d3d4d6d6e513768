"""A page as HTML that stays readable wherever a notebook is shown: no script, no network."""

from __future__ import annotations

from html import escape

from py_mlops.report.chart import Chart
from py_mlops.report.chart_svg import chart_svg
from py_mlops.report.page import Line, Page, Section, visible
from py_mlops.report.state import MARKS, State, marked
from py_mlops.report.svg import svg

# A page is a card with paper and ink of its own, so that it is read on any ground: JupyterLab's
# colours, else VS Code's, else dark on white. Only a page that says of itself that it is dark gets
# the light tones; what the reader's system prefers says nothing about the page around us.
_DARK = ",".join(
    f"{dark} .mlops"
    for dark in (
        'body[data-jp-theme-light="false"]',
        'body[data-vscode-theme-kind="vscode-dark"]',
        'body[data-vscode-theme-kind="vscode-high-contrast"]',
        "html[theme=dark]",
    )
)
_LIGHT_TONES = (
    "--soft:#595959;--line:#c8c8c8;--good:#1a6b2b;--warn:#8a5300;--bad:#b3261e;--blue:#1f66b3"
)
_DARK_TONES = (
    "--soft:#b8b8b8;--line:#555;--good:#81c995;--warn:#f2c14e;--bad:#ff9c94;--blue:#8ab4f8"
)
_STYLE = f""".mlops{{--ink:var(--jp-ui-font-color1,var(--vscode-editor-foreground,#1b1b1b));
 --paper:var(--jp-layout-color0,var(--vscode-editor-background,#fff));{_LIGHT_TONES}}}
{_DARK}{{--ink:var(--jp-ui-font-color1,var(--vscode-editor-foreground,#ececec));
 --paper:var(--jp-layout-color0,var(--vscode-editor-background,#1e1e1e));{_DARK_TONES}}}
@media print{{.mlops.mlops.mlops{{--ink:#000;--paper:#fff;{_LIGHT_TONES}}}}}
""" + """
.mlops{font:13px/1.5 var(--jp-ui-font-family,var(--vscode-font-family,system-ui,sans-serif));
 box-sizing:border-box;max-width:62em;border:1px solid var(--line);border-radius:6px;
 padding:.7em 1em;color:var(--ink);background:var(--paper);display:flex;flex-direction:column;
 overflow-wrap:anywhere}
.mlops>*{order:2;min-width:0}.mlops>.head{order:0}.mlops>.picture,.mlops>.charts{order:1}
.mlops h4{margin:0;font-size:15px;font-weight:600;color:inherit}
.mlops h5{margin:.8em 0 .2em;font-size:13px;font-weight:600;color:inherit}
.mlops summary{cursor:pointer;margin:.6em 0 .2em;font-weight:600}
.mlops .badge{display:inline-block;border-radius:9px;padding:0 .7em;margin-left:.6em;
 font-size:12px;font-weight:600;border:1px solid currentColor}
.mlops table{border-collapse:collapse;margin:.2em 0;font-size:12px;color:inherit;
 table-layout:auto;border:0}
.mlops tr{background:none!important}
.mlops th,.mlops td{text-align:left!important;padding:.1em 1.2em .1em 0;vertical-align:top;
 background:none!important;color:inherit;border:0;white-space:normal;max-width:none}
.mlops thead th{color:var(--soft);font-weight:600;border-bottom:1px solid var(--line)}
.mlops tbody th{font-weight:400}
.mlops .word{white-space:nowrap}
.mlops .wide{overflow-x:auto;overflow-wrap:normal}.mlops .wide td{min-width:5em}
.mlops .wide td.word{min-width:0}
.mlops .good,.mlops .good th,.mlops .good td{color:var(--good)}
.mlops .warn,.mlops .warn th,.mlops .warn td{color:var(--warn)}
.mlops .bad,.mlops .bad th,.mlops .bad td{color:var(--bad);font-weight:600}
.mlops .dim,.mlops .dim th,.mlops .dim td,.mlops small{color:var(--soft)}
.mlops .good small,.mlops .warn small,.mlops .bad small{color:inherit}
.mlops .picture{overflow-x:auto;margin:.6em 0}
.mlops .mlops-graph{--ink:inherit;--paper:inherit;--soft:inherit;max-width:none}
.mlops .charts{display:flex;flex-wrap:wrap;gap:.4em 1.6em;margin:.6em 0 0}
.mlops figure{margin:0;max-width:100%;break-inside:avoid}
.mlops figcaption{font-weight:600}.mlops figcaption span{font-weight:400}
.mlops .legend{flex-basis:100%;color:var(--soft);font-size:12px}
.mlops .mlops-chart{display:block;max-width:100%;height:auto;overflow:visible}
.mlops-chart text{fill:var(--soft)}.mlops-chart .grid{stroke:var(--line)}
.mlops-chart .curve{stroke:var(--blue)}.mlops-chart .rerun{stroke:var(--soft)}
.mlops-chart .head{stroke:var(--ink)}
.mlops-chart .never{fill:var(--paper);stroke:var(--blue)}
.mlops-chart circle.good{fill:var(--good)}.mlops-chart .warn{fill:var(--warn)}
.mlops-chart .cross{stroke:var(--bad)}
""".strip()
_WORD, _NARROW = 16, 4
"""So long is a cell that is not broken; so many columns fit anywhere."""

_LEGEND = {
    "good": "● rerun, the same",
    "warn": "◆ within tolerance",
    "bad": "✕ different, failed or stopped",
    "": "○ never rerun",
}


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
    badge = ""
    if page.badge:
        said = marked(_text(page.badge), page.state)
        badge = f' <strong class="badge {page.state}">{said}</strong>'
    summary = f'<div class="head">{_text(page.summary)}</div>' if page.summary else ""
    # Drawings stand last and are moved up by the style: where a sanitiser takes both away and
    # leaves the words of a drawing, the tables come first.
    return (
        f'<div class="mlops" role="group" aria-label="{escape(visible(page.heading))}">'
        f'<style>{_STYLE}</style><h4 class="head">{_text(page.heading)}{badge}</h4>'
        f"{summary}{sections}{hints}{_picture(page)}{_charts(page.charts)}</div>"
    )


def _picture(page: Page) -> str:
    if page.picture is None:
        return ""
    title = _text(page.picture.title)
    # A wide one is scrolled, also by keyboard.
    return (
        f'<div class="picture" role="group" aria-label="{title}" tabindex="0">'
        f"{svg(page.picture)}</div>"
    )


def _charts(charts: tuple[Chart, ...]) -> str:
    if not charts:
        return ""
    figures = "".join(
        f"<figure><figcaption>{_text(chart.title)} <span>{_text(chart.said)}</span></figcaption>"
        f"{chart_svg(chart)}</figure>"
        for chart in charts
    )
    points = [point for chart in charts for point in chart.points]
    signs = [said for state, said in _LEGEND.items() if any(one.state == state for one in points)]
    if any(one.again not in {None, one.value} for one in points):
        signs.append("□ what the rerun got")
    heads = dict.fromkeys(one.head for one in points if one.head)
    signs += [f"◯ around: {head}" for head in heads]
    legend = " · ".join(_text(sign) for sign in signs)
    return f'<div class="charts">{figures}<div class="legend">{legend}</div></div>'


def _section(section: Section) -> str:
    if not (section.lines or section.rows):
        return ""
    body = _table(section) + _lines(section.lines, section.title)
    if section.folded:
        return f"<details><summary>{_text(section.title)}</summary>{body}</details>"
    title = f"<h5>{_text(section.title)}</h5>" if section.title else ""
    return f"<div>{title}{body}</div>"


def _table(section: Section) -> str:
    if not section.rows:
        return ""
    head = "".join(f'<th scope="col">{_text(column)}</th>' for column in section.columns)
    rows = "".join(_row(row, state) for row, state in section.judged)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    if len(section.columns) <= _NARROW:
        return table
    # Too wide for a narrow cell: it is scrolled by itself, also by keyboard.
    name = _name(section.title or "table")
    return f'<div class="wide" role="group"{name} tabindex="0">{table}</div>'


def _row(row: tuple[str, ...], state: State) -> str:
    told = "".join(_cell(cell, "") for cell in row[:-1])
    return f"<tr>{told}{_cell(row[-1], state)}</tr>"


def _cell(text: str, state: State) -> str:
    """Write a cell; a short one, such as an id or a moment, is not broken where there is room."""
    classes = " ".join([state] * bool(state) + ["word"] * (len(text) <= _WORD))
    kind = f' class="{classes}"' if classes else ""
    return f"<td{kind}>{marked(_text(text), state)}</td>"


def _lines(lines: tuple[Line, ...], title: str) -> str:
    if not lines:
        return ""
    labelled = any(line.label for line in lines)
    rows = "".join(_line(line, labelled=labelled) for line in lines)
    return f"<table{_name(title)}><tbody>{rows}</tbody></table>"


def _line(line: Line, *, labelled: bool) -> str:
    kind = f' class="{line.state}"' if line.state else ""
    mark = MARKS[line.state] + " " if line.state in {"good", "warn", "bad"} else ""
    details = "".join(f"<br><small>{_text(detail)}</small>" for detail in line.details)
    label = f'<th scope="row">{_text(line.label)}</th>' if labelled else ""
    return f"<tr{kind}>{label}<td>{mark}{_text(line.text)}{details}</td></tr>"


def _name(title: str) -> str:
    return f' aria-label="{escape(visible(title), quote=True)}"' if title else ""


def _text(text: str) -> str:
    return escape(visible(text), quote=True).replace("\n", "<br>")
