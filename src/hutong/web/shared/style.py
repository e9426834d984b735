"""/style: every part that pages are made of, in every state, in both languages. What is not here is not a part."""

from datetime import timedelta

from litestar import Response, get

from hutong.kit.money import Amount
from hutong.kit.refusals import BadInput
from hutong.web.shared.guards import public
from hutong.web.shared.looks import TEXTS, THEMES
from hutong.web.shared.static import icon_names
from hutong.web.shared.visit import Visiting

COLOURS = (
    "paper", "card", "well", "line", "edge", "ink", "ink-2", "ink-3", "lane", "lane-deep", "lane-soft", "accent",
    "accent-deep", "accent-soft", "amber", "amber-soft",
)  # fmt: skip
TONES = ("food", "drinks", "beauty", "wellness", "fun", "sports", "life", "car", "learning", "travel")


@get("/style", guards=[public])
async def style(visit: Visiting) -> Response[str]:
    """The living sheet of the design. Amounts and times on it are examples of how values are written."""
    now = visit.house.clock.now()
    return visit.page(
        "shared/style.html", colours=COLOURS, tones=TONES, themes=THEMES, texts=TEXTS, icons=icon_names(),
        final=Amount(6800, "CNY"), before=Amount(9800, "CNY"), cents=Amount(1999, "CNY"), now=now,
        soon=now + timedelta(minutes=14, seconds=30), later=now + timedelta(days=30),
        wrong=BadInput(field="phone", why="1-24"),
    )  # fmt: skip
