"""What the documents say is true: links lead somewhere, examples run, commands and names exist."""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import pytest
from PIL import Image

from hutong import orders, trades
from hutong.catalog import Offer, Times
from hutong.cli.group import group
from hutong.infra.settings import Settings, env_name
from hutong.kit.access import KEY_PERMISSIONS
from hutong.kit.money import Amount
from hutong.kit.refusals import Refusal
from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.orders import Wanted

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "src").rglob("README.md")])
HOW_TO = DOCS / "how-to"
IDS = [str(page.relative_to(ROOT)) for page in PAGES]


def words(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def block(page: Path, language: str) -> str:
    """The first fenced block of that language."""
    found = re.search(rf"```{language}\n(.*?)```", words(page), re.DOTALL)
    assert found, f"{page.name} has no {language}"
    return found.group(1)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_link_leads_to_a_file(page: Path):
    """A dead link is a question without an answer."""
    for target in re.findall(r"\]\(([^)\s]+)\)", words(page)):
        if not target.startswith(("http://", "https://", "#")):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_no_page_names_a_place_of_one_machine(page: Path):
    """What is written here is read elsewhere."""
    assert not re.search(r"(?<![\w.])/(work|root|home|Users)/\w", words(page))


def test_the_trade_of_the_how_to_loads():
    text = block(HOW_TO / "add-a-trade.md", "toml")
    key = tomllib.loads(text)["key"]
    assert key not in trades.load()
    trade = trades.read_trade(text, source=f"{key}.toml")
    assert trade.why_not({"minutes": 60, "room": "private"}) == []
    assert f'id="{trade.icon}"' in words(ROOT / "src/hutong/web/shared/static/icons.svg")
    with pytest.raises(trades.BadData, match=re.escape(f"{key}.toml: Object contains unknown field `colour`")):
        trades.read_trade(text.replace("notice_hours", "colour = 1\nnotice_hours"), source=f"{key}.toml")


def an_offer(**changes: Any) -> Offer:
    """A course on sale."""
    fields: dict[str, Any] = {
        "city_id": 1, "offer_id": UUID(int=1), "merchant_id": UUID(int=2), "scheme": "courses", "category": "art",
        "trade": None, "title": Text(zh="十节课", en="Ten lessons"), "summary": Text(zh="", en=""), "included": (),
        "excluded": (), "price": Amount(50_000, "CNY"), "list_price": Amount(60_000, "CNY"), "terms": Terms(),
        "store_ids": (UUID(int=3),), "quota_id": UUID(int=4), "min_units": 1, "per_order_max": 5,
        "sale_from": datetime(2026, 1, 1, tzinfo=UTC), "sale_to": datetime(2027, 1, 1, tzinfo=UTC),
        "status": "published", "version": 1, "created_at": datetime(2026, 1, 1, tzinfo=UTC), "published_at": None,
        "ended_at": None,
    }  # fmt: skip
    return Offer(**(fields | changes))


def scheme_of_the_how_to() -> orders.Scheme:
    """The scheme that the page writes out, made from its very text."""
    made: dict[str, Any] = {}
    known = dict(Refusal.known)
    try:
        exec(block(HOW_TO / "add-a-scheme.md", "python"), made)  # our own page
    finally:
        Refusal.known.clear()
        Refusal.known.update(known)  # the example's refusal is none of the house's
    return made["Courses"]()


def test_the_scheme_of_the_how_to_plans():
    scheme = scheme_of_the_how_to()
    assert not (ROOT / "src/hutong/schemes" / scheme.name).exists(), "who follows the page would write over it"
    now, wanted = datetime(2026, 6, 1, tzinfo=UTC), Wanted(UUID(int=1), 2)
    plan = scheme.plan(an_offer(form=Times(uses=10)), wanted, line_no=1, now=now)
    assert isinstance(plan, orders.Plan)
    assert (plan.promise.kind, plan.promise.uses, plan.wants[0].units) == ("lesson", 10, 2)
    refused = scheme.plan(an_offer(), wanted, line_no=1, now=now)
    assert isinstance(refused, Refusal)
    assert refused.code == "not_a_course"


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_and_targets_exist(page: Path):
    """What somebody copies into a terminal works."""
    text = words(page)
    targets = re.findall(r"^([a-z-]+):", words(ROOT / "Makefile"), re.MULTILINE)
    for target in re.findall(r"(?:`|^ {4})make ([a-z-]+)", text, re.MULTILINE):
        assert target in targets, f"make {target}"
    for line in re.findall(r"(?:`|^ {4}|bin/|^)hutong ((?:[a-z][a-z-]*|--[a-z-]+)(?: --[a-z-]+)*)", text, re.MULTILINE):
        name, *options = line.split()
        if name.startswith("--"):
            continue
        command = group.commands.get(name)
        assert command is not None, f"hutong {name}"
        known = {opt for param in getattr(command, "params", []) for opt in getattr(param, "opts", [])}
        assert set(options) <= known | {"--data"}, line
    assert isinstance(group, click.Group)


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_settings_and_refusals_that_are_named_exist(page: Path):
    """A setting that nobody reads is worse than none."""
    known = {env_name(field) for field in Settings.model_fields} | {"HUTONG_TEST_DATABASE_URL"}
    assert set(re.findall(r"HUTONG_[A-Z_]+[A-Z]", words(page))) <= known


def test_files_and_functions_of_the_architecture_exist():
    """The page that a stranger follows names real rooms."""
    text = words(DOCS / "architecture.md")
    src = ROOT / "src" / "hutong"
    packages = "web|api|desk|infra|orders|schemes|pricing|inventory|payments|settlement|vouchers"
    for name in re.findall(rf"(?<![\w/])((?:{packages})/[\w/]+\.py)", text):
        assert (src / name).exists(), name
    for path, function in re.findall(r"([a-z_]+/[\w/]+\.py) +(?:Courier\.)?([a-z_]+)\(", text):
        assert re.search(rf"def {function}\(", words(src / path)), f"{path} {function}"
    for name in re.findall(r"`(test_\w+\.py)`", text):
        assert list((ROOT / "tests").rglob(name)), name


def test_permissions_of_tills_in_the_how_to_are_those_of_keys():
    named = set(
        re.findall(r"\b(?:vouchers|redemptions|offers|orders|statement):[a-z]+", words(HOW_TO / "integrate-a-till.md"))
    )
    assert named == {permission.value for permission in KEY_PERMISSIONS}


def test_refusals_that_the_api_page_names_are_documented():
    written = set(re.findall(r"^\| `([a-z0-9_]+)` \|", words(DOCS / "refusals.md"), re.MULTILINE))
    for page in (DOCS / "api.md", HOW_TO / "integrate-a-till.md"):
        rows = [line for line in words(page).splitlines() if line.startswith("| ") and re.search(r"\b[45]\d\d\b", line)]
        for code in re.findall(r"`([a-z]+(?:_[a-z]+)+|busy)`", "\n".join(rows)):
            assert code in written | {"wait_seconds"}, code


def test_every_decision_is_listed_and_has_its_form():
    """A decision that nobody finds is taken a second time."""
    index = words(DOCS / "decisions" / "README.md")
    for page in sorted((DOCS / "decisions").glob("0*.md")):
        title = words(page).splitlines()[0].removeprefix("# ")
        assert f"[{title[:4]}]({page.name}) | {title[5:]}" in index, page.name
        for part in ("Context", "Decision", "Consequences", "Not chosen", "Enforced by"):
            assert f"**{part}.**" in words(page), f"{page.name}: {part}"


def test_every_picture_is_small_and_listed():
    listed = words(DOCS / "pictures" / "README.md")
    for picture in sorted((DOCS / "pictures").glob("*.png")):
        assert picture.name in listed
        assert picture.stat().st_size < 200_000
        wanted = (390, 844) if "-phone" in picture.stem else (1280, 800)
        assert Image.open(picture).size == wanted
