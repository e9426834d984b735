"""Save promotions: as drafts freely, when published only what does not change what was promised."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import convert, structs, to_builtins

from hutong.infra.db import Tx
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text
from hutong.pricing.budget_refusals import BudgetTooLow, PromotionChanged, PromotionStands, PromotionUnknown
from hutong.pricing.operations._write import Entry, locked, write
from hutong.pricing.rules import Rule
from hutong.pricing.soundness import why_not_sound
from hutong.pricing.stored import Live, SavePromotion

NAMELESS = Text(zh="", en="")


async def save_promotions(
    tx: Tx, asks: Sequence[SavePromotion], *, city_id: int, now: datetime
) -> list[Live | Refusal]:
    """Write each promotion, with its budgets; each as it then stands. New ones begin as drafts.

    A draft may change in everything; what is live, paused or ended keeps its rule (but for its window), trigger and
    beginning. A budget in all never goes below what is spent and held; the other limits hold from now on.

    Refusals: promotion_unsound (the first flaw of its rule), promotion_not_found (with a version, but unknown),
    promotion_changed (not the version that was read, or the id is taken), promotion_stands, budget_too_low (`least`).
    """
    there = await locked(tx, [ask.promotion_id for ask in asks], city_id=city_id)
    refused: dict[int, Refusal] = {}
    entries: dict[UUID, Entry] = {}
    saved: list[SavePromotion] = []
    for i, ask in enumerate(asks):
        before = there.get(ask.promotion_id)
        refusal = PromotionChanged() if ask.promotion_id in entries else _why_not(ask, before)
        if refusal is not None:
            refused[i] = refusal
            continue
        what = "drafted" if before is None else "saved"
        entries[ask.promotion_id] = Entry(what, ask.by, "", _row(ask, before, now))
        saved.append(ask)
    written = {one.promotion_id: one for one in await write(tx, list(entries.values()), city_id=city_id, now=now)}
    await _budgets(tx, saved, city_id=city_id, now=now)
    return [refused.get(i) or written[ask.promotion_id] for i, ask in enumerate(asks)]


def _why_not(ask: SavePromotion, before: dict[str, Any] | None) -> Refusal | None:
    unsound = why_not_sound(ask.rule)
    if unsound is not None:
        return unsound
    if before is None:
        return None if ask.version is None else PromotionUnknown()
    if ask.version != before["version"]:
        return PromotionChanged()
    if before["merchant_id"] != ask.merchant_id:
        return PromotionUnknown()
    if before["state"] != "draft" and (
        ask.starts_at != before["starts_at"] or _promised(ask.rule) != _promised(convert(before["rule"], Rule))
    ):
        return PromotionStands()
    whole = next((b for b in ask.budgets if b.attribute == "all"), None)
    if whole is not None:
        units = before["held_units"] + before["spent_units"]
        uses = before["held_uses"] + before["spent_uses"]
        if whole.most_units is not None and whole.most_units < units:
            return BudgetTooLow(least=units)
        if whole.most_uses is not None and whole.most_uses < uses:
            return BudgetTooLow(least=uses)
    elif before["state"] != "draft":
        return PromotionStands()  # what is live has a budget in all
    return None


def _promised(rule: Rule) -> Rule:
    """A rule without its name and window, which may change while it is live."""
    return structs.replace(rule, name=NAMELESS, valid_from=None, valid_to=None)


def _row(ask: SavePromotion, before: dict[str, Any] | None, now: datetime) -> dict[str, Any]:
    old = before or {}
    auto = ask.rule.trigger == "auto"  # its window is one of its conditions, so that a quote can name it
    rule = structs.replace(
        ask.rule, valid_from=ask.starts_at if auto else None, valid_to=ask.ends_at if auto else ask.use_until
    )
    return {
        "promotion_id": ask.promotion_id, "merchant_id": ask.merchant_id, "version": old.get("version", 0) + 1,
        "state": old.get("state", "draft"), "trigger": rule.trigger, "template": ask.template,
        "name": to_builtins(rule.name), "rule": to_builtins(rule), "starts_at": ask.starts_at,
        "ends_at": ask.ends_at, "use_until": ask.use_until, "forecast_units": ask.forecast_units,
        "stopped_why": old.get("stopped_why"), "made_by": old.get("made_by", ask.by),
        "made_at": old.get("made_at", now), "exhausted": old.get("exhausted", False),
        "budgets": to_builtins(ask.budgets),
    }  # fmt: skip


async def _budgets(tx: Tx, asks: Sequence[SavePromotion], *, city_id: int, now: datetime) -> None:
    """The limits as they were asked; counters carry them from now on, but never less than what they have counted."""
    if not asks:
        return
    rows = [(ask.promotion_id, budget) for ask in asks for budget in ask.budgets]
    columns = {
        "city": city_id, "now": now, "promotions": [ask.promotion_id for ask in asks],
        "ids": [i for i, _ in rows], "attributes": [b.attribute for _, b in rows],
        "units": [b.most_units for _, b in rows], "uses": [b.most_uses for _, b in rows],
    }  # fmt: skip
    await tx.run(
        """delete from pricing.budgets b
           where b.city_id = %(city)s and b.promotion_id = any(%(promotions)s::uuid[])
             and not exists (select 1 from unnest(%(ids)s::uuid[], %(attributes)s::text[]) as n(id, attribute)
                             where n.id = b.promotion_id and n.attribute = b.attribute)""",
        **columns,
    )
    await tx.run(
        """insert into pricing.budgets as b (city_id, promotion_id, attribute, most_units, most_uses)
           select %(city)s, n.* from unnest(%(ids)s::uuid[], %(attributes)s::text[], %(units)s::bigint[],
                                            %(uses)s::bigint[]) as n(promotion_id, attribute, most_units, most_uses)
           on conflict (city_id, promotion_id, attribute) do update set
             most_units = excluded.most_units, most_uses = excluded.most_uses, lowered_at = %(now)s""",
        **columns,
    )
    await tx.run(
        """with locked as (
             select c.promotion_id, c.attribute, c.key from pricing.counters c
             where c.city_id = %(city)s and c.promotion_id = any(%(promotions)s::uuid[]) and c.attribute <> 'burn'
             order by c.promotion_id, c.attribute, c.key for no key update
           )
           update pricing.counters c set
             most_units = case when b.most_units is null then null
                               else greatest(b.most_units, c.held_units + c.spent_units) end,
             most_uses = case when b.most_uses is null then null
                              else greatest(b.most_uses, c.held_uses + c.spent_uses) end
           from locked l
           left join pricing.budgets b
             on b.city_id = %(city)s and b.promotion_id = l.promotion_id and b.attribute = l.attribute
           where c.city_id = %(city)s and c.promotion_id = l.promotion_id and c.attribute = l.attribute
             and c.key = l.key""",
        city=city_id, promotions=columns["promotions"],
    )  # fmt: skip
