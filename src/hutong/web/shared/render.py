"""Templates: Jinja with everything escaped, undefined names as errors, one folder per face."""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined, Template
from jinja2.environment import TemplateModule
from jinja2.runtime import Context, Macro
from markupsafe import Markup

from hutong import reviews
from hutong.kit import ids
from hutong.web.shared.assets import asset_url
from hutong.web.shared.words import WEB, Words

_MODULES = "_modules"  # in the context of each page


class Quick(Context):
    """A page makes a thousand calls: macros, and functions that want nothing passed, are called without more ado."""

    def call(__self, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        if type(__obj) in _PLAIN and not hasattr(__obj, "jinja_pass_arg"):
            kwargs.pop("_loop_vars", None)
            kwargs.pop("_block_vars", None)
            return __obj(*args, **kwargs)
        return super().call(__obj, *args, **kwargs)


class Once(Template):
    """The parts that a page's templates import are made once for each page, not once for each that imports them.

    So what macros look at besides their arguments must be the same in all of them (tests/unit/test_templates.py).
    """

    def make_module(
        self, vars: dict[str, Any] | None = None, shared: bool = False, locals: Mapping[str, Any] | None = None
    ) -> TemplateModule:
        made: dict[Template, TemplateModule] | None = (vars or {}).get(_MODULES)
        if made is None:
            return super().make_module(vars, shared, locals)
        if self not in made:
            made[self] = super().make_module(vars, shared, locals)
        return made[self]


@lru_cache(maxsize=1_000)
def icon(name: str, title: str = "", kind: str = "") -> Markup:
    """A sign of the set: hidden from readers of the screen unless it has a title."""
    said = Markup(' role="img" aria-label="{}"').format(title) if title else Markup(' aria-hidden="true"')
    return Markup('<svg class="icon{}"{}><use href="{}#{}"/></svg>').format(
        f" {kind}" if kind else "", said, asset_url("shared/icons.svg"), name
    )


_kept: dict[tuple[Any, ...], Any] = {}


def kept(macro: Macro, language: str, *given: Any) -> Any:
    """What a macro made of these values before. Only for one that looks at nothing else but the language."""
    key = (macro.name, macro.arguments, language, *given)
    found = _kept.get(key)
    if found is None:
        if len(_kept) > 5_000:
            _kept.clear()
        found = _kept[key] = macro(*given)
    return found


_PLAIN = {type(kept), Macro, type(icon), type(Words("zh")), type(ids.STORE.show)}


@cache
def environment() -> Environment:
    """Templates are named `<face>/<file>`: `shared/base.html`, `consumer/deal.html`."""
    faces = {path.parent.name: FileSystemLoader(path) for path in sorted(WEB.glob("*/templates"))}
    made = Environment(
        loader=PrefixLoader(faces), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        auto_reload=False, cache_size=400,
    )  # fmt: skip
    made.context_class, made.template_class = Quick, Once
    made.globals["asset"] = asset_url
    made.globals |= {"draw_icon": icon, "kept": kept}
    for name in (
        "STORE",
        "ENTRY",
        "OFFER",
        "ORDER",
        "PAYMENT",
        "REFUND",
        "VOUCHER",
        "REDEMPTION",
        "BILL",
        "REVIEW",
        "TEAM",
        "BARGAIN",
        "APPLICATION",
        "OPERATOR",
        "DOCUMENT",
        "CALLING",
        "CONTRACT",
        "CASE",
        "SEAT",
        "MERCHANT",
        "PROGRAMME",
        "MOVEMENT",
    ):
        made.globals[name] = getattr(ids, name)
    made.globals["TAGS"] = reviews.tags()
    return made


def render(template: str, context: dict[str, Any]) -> str:
    """The page as text."""
    return environment().get_template(template).render({**context, _MODULES: {}})
