"""Reads model cards with the Hub's own library."""

from __future__ import annotations

from collections.abc import Iterator

from answers import answer
from huggingface_hub import ModelCard


def problems(data: bytes) -> Iterator[str]:
    """Read the header with the Hub's library, and the text with a Markdown reader."""
    card = ModelCard(data.decode())
    keys = {"model_name", "library_name", "license", "tags", "metrics"}
    if unknown := set(card.data.to_dict()) - keys:
        yield f"the header has {unknown}"
    if not card.text.strip():
        yield "no text"
    if not card.data.tags or any(not isinstance(tag, str) for tag in card.data.tags):
        yield f"tags are {card.data.tags}"


if __name__ == "__main__":
    answer(problems)
