"""The forms of a programme: from its rules to what stands in the fields, and back with what is wrong in them. Pure."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.programmes import Campaign, Caps, Partner, Policy, Programme, Rate, Tier
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.reading import Fields

BPS = 10_000
TIERS = 4
MOST_POINTS = 10**9
CAPS = tuple(Caps.__struct_fields__)
Why = str | Text


class ProgrammeForm(KeyedForm, frozen=True, kw_only=True):
    """What a point is. `asset`: its code, e.g. GRAIN; `face`: the money behind one point; `cities`: slugs, by comma."""

    name_zh: str = ""
    name_en: str = ""
    asset: str = "GRAIN"
    face: str = "0.01"
    city: str = ""


class RulesForm(KeyedForm, frozen=True, kw_only=True):
    """A version of the rules, as it was typed. Shares are percent; an empty limit is none; `from_at`: local time."""

    points: str = "1"
    per: str = "1"
    least: str = ""
    rounding: str = "floor"
    pending_days: str = "7"
    life_days: str = "365"
    redemption: str = "100"
    expiry_to: str = "programme"
    categories: str = ""
    tier0_zh: str = ""
    tier0_en: str = ""
    tier0_growth: str = ""
    tier0_times: str = ""
    tier1_zh: str = ""
    tier1_en: str = ""
    tier1_growth: str = ""
    tier1_times: str = ""
    tier2_zh: str = ""
    tier2_en: str = ""
    tier2_growth: str = ""
    tier2_times: str = ""
    tier3_zh: str = ""
    tier3_en: str = ""
    tier3_growth: str = ""
    tier3_times: str = ""
    member_points_a_day: str = ""
    earns_a_day_at_partner: str = ""
    earns_a_day_by_staff: str = ""
    send_points_a_day: str = ""
    sends_a_day: str = ""
    from_at: str = ""


class PartnerForm(KeyedForm, frozen=True, kw_only=True):
    """How a merchant stands. `version`: 0 for one who joins; rates empty: the programme's own."""

    version: str = "0"
    mode: str = "prepaid"
    accrues: str = ""
    redeems: str = ""
    points: str = ""
    per: str = ""
    redemption: str = ""
    limit: str = ""
    alert: str = ""
    state: str = "active"
    reason: str = ""


class CampaignForm(KeyedForm, frozen=True, kw_only=True):
    """More points for a time: `times` 2 doubles them. `budget`: points, needed where the programme pays."""

    name_zh: str = ""
    name_en: str = ""
    times: str = "2"
    since: str = ""
    until: str = ""
    categories: str = ""
    payer: str = "partner"
    budget: str = ""


class Read(Struct, frozen=True):
    """What a form says, and what is wrong by field."""

    value: Any
    wrong: dict[str, Why]


def read_programme(form: ProgrammeForm, *, programme_id: UUID, currency: str, zone: str, city_id: int) -> Read:
    """A new programme of one city; more cities join later."""
    fields = Fields(form, zone)
    name = fields.text("name", longest=40)
    if not name.zh:
        fields.note("name_zh", "platform.programme.wrong.name")
    asset = form.asset.strip().upper()
    if not (4 <= len(asset) <= 12 and asset.isascii() and asset.isalpha()):  # three letters are a currency
        fields.note("asset", "platform.programme.wrong.asset")
        asset = "POINT"
    face = fields.money("face", currency)
    if not face.units:
        fields.note("face", "platform.programme.wrong.face")
    made = Programme(
        programme_id=programme_id, asset=asset, currency=currency, face_units=face.units or 1, name=name, zone=zone,
        cities=frozenset({city_id}), state="draft",
    )  # fmt: skip
    return Read(made, fields.wrong)


def read_rules(form: RulesForm, programme: Programme, *, now: datetime, by: UUID) -> Read:
    """The next version of a programme's rules, in force from its time or from now."""
    fields = Fields(form, programme.zone)
    per = fields.money("per", programme.currency)
    if not per.units:
        fields.note("per", "platform.programme.wrong.per")
    rate = Rate(
        points=fields.count("points", least=0, most=10_000, absent=1) or 0, per_units=per.units or 1,
        least_units=fields.money("least", programme.currency).units if form.least.strip() else 0,
        rounding="half_up" if form.rounding == "half_up" else "floor",
    )  # fmt: skip
    starts = fields.instant("from_at", now) if form.from_at.strip() else now
    caps = Caps(**{name: fields.count(name, least=1, most=MOST_POINTS, absent=None) for name in CAPS})
    policy = Policy(
        programme_id=programme.programme_id, version=0, rate=rate, categories=_categories(fields, form.categories),
        tiers=_tiers(fields, form), pending_days=fields.count("pending_days", least=0, most=365, absent=7) or 0,
        life_days=fields.count("life_days", least=1, most=3650, absent=365) or 365,
        redemption_bps=_share(fields, "redemption"), caps=caps, valid_from=max(starts, now), made_by=by,
        expiry_to="partner" if form.expiry_to == "partner" else "programme",
    )  # fmt: skip
    return Read(policy, fields.wrong)


def _share(fields: Fields, name: str) -> int:
    return (fields.count(name, least=0, most=100, absent=100) or 0) * BPS // 100


def _times(fields: Fields, name: str, typed: str) -> int:
    """A multiplier with up to two decimals, in basis points: 1.5 is 15,000. At least 1."""
    whole, _, part = typed.strip().partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) < 4 and len(part) <= 2 and (part + "0").isdigit()):
        fields.note(name, "platform.programme.wrong.times")
        return BPS
    found = int(whole) * BPS + int(part.ljust(2, "0")) * 100
    if found < BPS:
        fields.note(name, "platform.programme.wrong.times")
    return max(BPS, found)


def _tiers(fields: Fields, form: RulesForm) -> tuple[Tier, ...]:
    found: list[Tier] = []
    for n in range(TIERS):
        name = fields.text(f"tier{n}", longest=20)
        if name.zh:
            growth = fields.count(f"tier{n}_growth", least=0, most=MOST_POINTS, absent=0) or 0
            times = _times(fields, f"tier{n}_times", getattr(form, f"tier{n}_times") or "1")
            if found and growth <= found[-1].growth:
                fields.note(f"tier{n}_growth", "platform.programme.wrong.tiers")
            found.append(Tier(name=name, growth=growth, earn_bps=times))
    return tuple(found)


def _categories(fields: Fields, typed: str) -> dict[str, int]:
    """A line for each category: its short name, =, its multiplier."""
    found: dict[str, int] = {}
    for line in filter(None, (one.strip() for one in typed.splitlines())):
        slug, equals, times = (part.strip() for part in line.partition("="))
        if not equals or not slug:
            fields.note("categories", "platform.programme.wrong.categories")
        else:
            found[slug[:60]] = _times(fields, "categories", times)
    return found


def times_of(bps: int) -> str:
    """A multiplier as it is typed: 15,000 is 1.5."""
    return f"{bps / BPS:.2f}".rstrip("0").rstrip(".")


def _typed(units: int, asset: str) -> str:
    return Amount(units, asset).decimal() if units else ""


def rules_of(programme: Programme, policy: Policy | None, *, key: str) -> RulesForm:
    """The fields as the rules in force fill them in; a new programme begins with what most would choose."""
    if policy is None:
        return RulesForm(key=key)
    fields: dict[str, str] = {
        "points": str(policy.rate.points), "per": Amount(policy.rate.per_units, programme.currency).decimal(),
        "least": _typed(policy.rate.least_units, programme.currency), "rounding": policy.rate.rounding,
        "pending_days": str(policy.pending_days), "life_days": str(policy.life_days),
        "redemption": str(policy.redemption_bps * 100 // BPS), "expiry_to": policy.expiry_to,
        "categories": "\n".join(f"{slug} = {times_of(bps)}" for slug, bps in policy.categories.items()),
    }  # fmt: skip
    for n, tier in enumerate(policy.tiers[:TIERS]):
        fields |= {f"tier{n}_zh": tier.name.zh, f"tier{n}_en": tier.name.en, f"tier{n}_growth": str(tier.growth),
                   f"tier{n}_times": times_of(tier.earn_bps)}  # fmt: skip
    limits = {name: getattr(policy.caps, name) for name in CAPS}
    return RulesForm(key=key, **fields, **{name: "" if value is None else str(value) for name, value in limits.items()})


def read_partner(form: PartnerForm, was: Partner, programme: Programme) -> Read:
    """How the merchant stands after this form; `was` says who he is and how he stood."""
    fields = Fields(form, programme.zone)
    points = fields.count("points", least=0, most=10_000, absent=None)
    per = fields.money("per", programme.currency) if form.per.strip() else None
    if (points is None) != (per is None) or (per is not None and not per.units):
        fields.note("per", "platform.programme.wrong.own_rate")
    wanted = structs.replace(
        was, version=int(form.version) if form.version.isdigit() else 0,
        mode="postpaid" if form.mode == "postpaid" else "prepaid", accrues=form.accrues == "yes",
        redeems=form.redeems == "yes",
        rate=Rate(points=points, per_units=per.units) if points is not None and per and per.units else None,
        redemption_bps=_share(fields, "redemption") if form.redemption.strip() else None,
        limit_units=fields.money("limit", programme.currency).units if form.limit.strip() else 0,
        alert_units=fields.money("alert", programme.currency).units if form.alert.strip() else 0,
        state=form.state if form.state in ("active", "paused", "left") else "active",
    )  # fmt: skip
    if wanted.mode == "postpaid" and wanted.accrues and not wanted.limit_units:
        fields.note("limit", "platform.programme.wrong.limit")
    return Read(wanted, fields.wrong)


def partner_form(partner: Partner, currency: str, *, key: str) -> PartnerForm:
    """The fields of a partner as he stands."""
    rate, bps = partner.rate, partner.redemption_bps
    return PartnerForm(
        key=key, version=str(partner.version), mode=partner.mode, accrues="yes" if partner.accrues else "",
        redeems="yes" if partner.redeems else "", points=str(rate.points) if rate else "",
        per=Amount(rate.per_units, currency).decimal() if rate else "",
        redemption="" if bps is None else str(bps * 100 // BPS), limit=_typed(partner.limit_units, currency),
        alert=_typed(partner.alert_units, currency), state=partner.state,
    )  # fmt: skip


def read_campaign(form: CampaignForm, programme: Programme, *, campaign_id: UUID, now: datetime) -> Read:
    """A campaign of all partners, from its time or from now."""
    fields = Fields(form, programme.zone)
    name = fields.text("name", longest=40)
    if not name.zh:
        fields.note("name_zh", "platform.programme.wrong.name")
    since = fields.instant("since", now) if form.since.strip() else now
    until = fields.instant("until", since)
    if until <= since:
        fields.note("until", "platform.programme.wrong.until")
    times = _times(fields, "times", form.times)
    if times == BPS:
        fields.note("times", "platform.programme.wrong.times")
    budget = fields.count("budget", least=1, most=MOST_POINTS, absent=None)
    if form.payer == "programme" and budget is None:
        fields.note("budget", "platform.programme.wrong.budget")
    made = Campaign(
        campaign_id=campaign_id, programme_id=programme.programme_id, name=name, earn_bps=times, since=since,
        until=until, categories=frozenset(filter(None, (one.strip() for one in form.categories.split(",")))),
        payer="programme" if form.payer == "programme" else "partner", budget_points=budget,
    )  # fmt: skip
    return Read(made, fields.wrong)
