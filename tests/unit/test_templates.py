"""Parts are made once for a page (web/shared/render.py): what they look at is the same wherever they are imported."""

import re
from collections.abc import Iterator

from jinja2 import meta, nodes

from hutong.web.shared.render import environment
from hutong.web.shared.words import WEB

IMPORT = re.compile(r'{%-? import "([^"]+)" as (\w+) with context -?%}')


def sources() -> dict[str, str]:
    """Every template by its name."""
    return {
        f"{path.parents[1].name}/{path.name}": path.read_text(encoding="utf-8")
        for path in WEB.glob("*/templates/*.html")
    }


def imported(every: dict[str, str]) -> dict[str, str]:
    """The templates that others import, and under which name."""
    return {name: alias for text in every.values() for name, alias in IMPORT.findall(text)}


def assigned(tree: nodes.Template) -> Iterator[str]:
    """The names that a template gives a value on its outermost floor, where what it imports can see them."""
    for node in tree.body:
        for one in [node] if isinstance(node, nodes.Assign) else []:
            yield from (name.name for name in one.find_all(nodes.Name) if name.ctx == "store")


def test_parts_look_at_nothing_that_a_page_sets_itself():
    every, env = sources(), environment()
    parts = imported(every)
    assert {"shared/parts.html", "consumer/parts.html", "consumer/finding_parts.html"} <= parts.keys()
    set_by = {name: set(assigned(env.parse(text))) for name, text in every.items()}
    for part in parts:
        looks = meta.find_undeclared_variables(env.parse(every[part]))
        for name, names in set_by.items():
            if name != part and {part.split("/")[0], name.split("/")[0]} <= {"shared", name.split("/")[0]}:
                assert not looks & names, f"{part} looks at {looks & names}, which {name} sets"


def test_an_alias_always_means_the_same_parts():
    """A macro finds other parts by the name under which its own file imported them."""
    every = sources()
    for name in imported(every):
        here = {alias: part for part, alias in IMPORT.findall(every[name])}
        assert len(here) == len(IMPORT.findall(every[name])), name


def test_parts_are_made_once_for_each_page():
    page = environment().from_string(
        '{% import "shared/parts.html" as p with context %}{% import "shared/parts.html" as q with context %}'
        "{{ p is sameas q }} {{ t }}"
    )
    assert page.render(_modules={}, t="a") == "True a"
    assert page.render(t="b") == "False b"
