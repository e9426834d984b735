"""Templates: Jinja with everything escaped, undefined names as errors, one folder per face."""

from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from hutong import reviews
from hutong.kit import ids
from hutong.web.shared.assets import asset_url
from hutong.web.shared.words import WEB


@cache
def environment() -> Environment:
    """Templates are named `<face>/<file>`: `shared/base.html`, `consumer/deal.html`."""
    faces = {path.parent.name: FileSystemLoader(path) for path in sorted(WEB.glob("*/templates"))}
    made = Environment(
        loader=PrefixLoader(faces), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        auto_reload=False, cache_size=400,
    )  # fmt: skip
    made.globals["asset"] = asset_url
    for name in ("STORE", "OFFER", "ORDER", "PAYMENT", "REFUND", "VOUCHER", "REDEMPTION", "REVIEW"):
        made.globals[name] = getattr(ids, name)
    made.globals["TAGS"] = reviews.tags()
    return made


def render(template: str, context: dict[str, Any]) -> str:
    """The page as text."""
    return environment().get_template(template).render(context)
