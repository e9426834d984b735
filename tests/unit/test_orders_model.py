"""The roads between the states of an order are said once: the audit asks for the same ones."""

import re
from pathlib import Path

import hutong.orders
from hutong.orders.model import ROADS


def test_the_audit_knows_the_same_roads():
    text = (Path(hutong.orders.__file__).parent / "audit.sql").read_text(encoding="utf-8")
    asked = re.findall(r"\('(\w+)', '(\w+)'\)", text[text.index("-- name: O12") : text.index("-- name: O13")])
    assert set(asked) == {(state, to) for state, roads in ROADS.items() for to in roads}
