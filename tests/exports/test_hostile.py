"""Nobody's words become a part of a model card, and JSON stays what it was."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from py_mlops.exports import STANDARDS
from py_mlops.exports.markdown import code, one_line, scalar, table, words
from tests.exports.materials import hostile
from tests.exports.words import HOSTILE

READER = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table")


def shape(text: str) -> list[str]:
    """Return the kinds of a page's parts, without the words."""
    return [
        part.type
        for token in READER.parse(text.partition("\n---\n")[2])
        for part in (token, *(token.children or []))
        if part.type != "text"
    ]


def card(evil: str) -> str:
    """Return the model card of a snapshot in which every word is this one."""
    return STANDARDS["model-card"].export(hostile(evil)).decode()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_model_card_keeps_its_form(name: str) -> None:
    """Whatever a record says, the card has the very parts of a harmless one."""
    evil = HOSTILE[name]
    parts, harmless = shape(card(evil)), shape(card("harmless"))
    if name in {"blank", "table"}:  # no words, no heading's text; a bar makes no cell
        assert set(parts) <= set(harmless)
    else:
        assert parts == harmless


@pytest.mark.parametrize("name", HOSTILE)
def test_a_model_card_links_nowhere(name: str) -> None:
    """Neither a link, a picture, HTML nor a bare address that a viewer would make into a link."""
    told = card(HOSTILE[name])
    assert set(shape(told)) & {"link_open", "image", "html_block", "html_inline"} == set()
    prose = re.sub(r"(`+)[^`].*?[^`]?\1", "", told.partition("\n---\n")[2])
    assert not re.search(r"(?<!\\)://|\bwww\.|\w@\w", prose)
    assert len(told) < 50_000


@pytest.mark.parametrize("name", sorted(set(HOSTILE) - {"controls", "long", "blank"}))
def test_the_words_themselves_are_shown(name: str) -> None:
    """A hostile text is read as it was written, with its line ends as escapes."""
    evil = HOSTILE[name]
    expected = evil.replace("\n", "\\n").strip()
    for told in (words(evil), code(evil)):
        inline = READER.parseInline(told)[0].children or []
        assert "".join(part.content for part in inline).strip() == expected


@settings(max_examples=1000)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_words_are_shown_and_nothing_else(text: str) -> None:
    """Words, code spans and table cells hold every text, alone at a line's start too."""
    shown = one_line(text).strip()
    for block, told in (("paragraph", words(text)), ("paragraph", code(text))):
        if not shown:
            continue
        tokens = READER.parse(told)
        assert [token.type for token in tokens] == [f"{block}_open", "inline", f"{block}_close"]
        assert "".join(p.content for p in tokens[1].children or []).strip() == shown
    cells = READER.parse(table(("a", "b"), [(code(text), words(text))]))
    assert [token.type for token in cells].count("td_open") == 2
    spans = (part for token in cells for part in token.children or [] if part.type == "code_inline")
    assert next(spans).content.strip() == shown


@settings(max_examples=1000)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_is_one_yaml_scalar(text: str) -> None:
    """A YAML reader reads back what was written."""
    assert yaml.safe_load(f"key: {scalar(text)}\n") == {"key": text}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("standard", ["in-toto", "ro-crate", "openlineage", "cyclonedx"])
def test_json_is_ascii_and_holds_the_words_whole(standard: str, name: str) -> None:
    """A text is one string of the JSON, and no line of it begins or ends elsewhere."""
    data = STANDARDS[standard].export(hostile(HOSTILE[name]))
    assert data.isascii()
    lines = data.splitlines() if standard == "openlineage" else [data]
    strings: list[str] = []
    for line in lines:
        collect(json.loads(line), strings)
    assert HOSTILE[name] in strings
    assert "injected" not in strings


def collect(value: object, into: list[str]) -> None:
    """Collect every string in JSON values, keys too."""
    if isinstance(value, str):
        into.append(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            into.append(key)
            collect(item, into)
    elif isinstance(value, list):
        for item in value:
            collect(item, into)
