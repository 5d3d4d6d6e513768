from __future__ import annotations

from py_mlops.secrets.rules import RULES
from tests.secrets.planted import planted


def test_anchors_are_lower_case() -> None:
    """A line is lowered before it is looked at, so an anchor in capitals would never be met."""
    anchors = [anchor for rule in RULES for anchor in rule.anchors]
    assert [anchor for anchor in anchors if anchor != anchor.lower() or not anchor] == []


def test_an_anchor_loses_nothing() -> None:
    """What a rule finds in a planted text stands in a line that has one of its anchors."""
    for item in planted():
        for line in item.text.splitlines():
            for rule in RULES:
                if any(True for _ in rule.find(line)):
                    met = any(anchor in line.lower() for anchor in rule.anchors)
                    through = rule.gate is None or rule.gate.search(line)
                    other = not [one for one in rule.find(line) if rule.accepts(str(one))]
                    assert (met and through) or other, (rule.kind, item.where)


def test_several_rules_for_each_service() -> None:
    """Every rule has a name for people, and those of detect-secrets keep theirs."""
    kinds = {rule.kind for rule in RULES}
    assert all(kind[:1].isupper() for kind in kinds)
    assert {"AWS Access Key", "GitHub Token", "JSON Web Token", "Private Key"} <= kinds
