"""The form of a campaign: what a template fills in, from a campaign to its fields, and back with what is wrong.

Pure. A field that cannot be read gets a sentence and a harmless value, so that the preview can always be drawn.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct, field, structs

from hutong import pricing
from hutong.catalog import CouponForm
from hutong.desk.campaigns import Campaign, CouponPart, Running, forecast_of
from hutong.kit.clock import day_start, local_day
from hutong.kit.money import Amount
from hutong.kit.terms import ALL_WEEK, Terms, Window
from hutong.kit.text import Text
from hutong.merchants import BadHours, parse_spans
from hutong.pricing import (
    AmountOff,
    Budget,
    BuyXGetY,
    Condition,
    Expression,
    FirstOrder,
    Hours,
    Merchants,
    MinSpend,
    PercentOff,
    Rule,
    SpendHere,
    Tags,
)
from hutong.web.merchant.deal_form import Many, many, plain, week_rows
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.reading import Fields

MOST_UNITS, MOST_USES, MOST_COUPONS = 10**10, 10_000_000, 10_000_000
PAYERS = ("merchant", "operator", "platform")
Why = str | Text


class CampaignForm(KeyedForm, frozen=True, kw_only=True):
    """Every field as it was typed. `version` is empty for what was never saved; `then`: save, publish or try."""

    version: str = ""
    then: str = "save"
    template: str = "free"
    kind: str = "coupon"
    name_zh: str = ""
    name_en: str = ""
    summary_zh: str = ""
    summary_en: str = ""
    benefit: str = "amount"
    off: str = ""
    percent: str = ""
    cap: str = ""
    buy: str = ""
    more: str = ""
    get_percent: str = ""
    min_spend: str = ""
    first_order: str = ""
    been_here: str = ""
    tags: str = ""
    days: Many = field(default_factory=list)
    hours: str = ""
    cel: str = ""
    cel_says_zh: str = ""
    cel_says_en: str = ""
    budget: str = ""
    uses: str = ""
    member_uses: str = ""
    day_budget: str = ""
    forecast: str = ""
    total: str = ""
    claim: str = "open"
    per_member: str = "1"
    transferable: str = ""
    wide: str = ""
    valid_days: str = ""
    valid_until: str = ""
    first: str = ""
    last: str = ""
    pay_merchant: str = "100"
    pay_operator: str = "0"
    pay_platform: str = "0"

    def chosen_days(self) -> list[str]:
        return many(self.days)


# What a typed template fills in. The words are those of the pages; amounts are whole units of the currency.
TEMPLATES: dict[str, dict[str, Any]] = {
    "new_customer": {"benefit": "amount", "off": "8", "first_order": "yes", "total": "200", "valid_days": "7",
                     "budget": "1600", "member_uses": "1"},
    "spend_get": {"benefit": "amount", "off": "10", "min_spend": "60", "total": "300", "valid_days": "14",
                  "budget": "3000"},
    "percent": {"benefit": "percent", "percent": "20", "cap": "15", "total": "200", "valid_days": "7",
                "budget": "2000"},
    "second_half": {"kind": "auto", "benefit": "buy_get", "buy": "1", "more": "1", "get_percent": "50",
                    "budget": "2000"},
    "happy_hour": {"kind": "auto", "benefit": "percent", "percent": "15", "cap": "20", "days": list("01234"),
                   "hours": "14:00-17:00", "budget": "1500"},
    "come_back": {"benefit": "amount", "off": "12", "been_here": "yes", "claim": "issued", "total": "500",
                  "valid_days": "30", "budget": "6000"},
    "members": {"kind": "auto", "benefit": "percent", "percent": "10", "cap": "30", "tags": "member",
                "budget": "3000"},
    "free": {"benefit": "amount", "total": "100", "valid_days": "7"},
}  # fmt: skip
ICONS = {"new_customer": "user", "spend_get": "ticket", "percent": "ticket", "second_half": "plus",
         "happy_hour": "clock", "come_back": "refund", "members": "card", "free": "edit"}  # fmt: skip


class Reading(Struct, frozen=True):
    """What a form says: the campaign (None where it cannot even be drawn), and what is wrong by field."""

    campaign: Campaign
    wrong: dict[str, Why]


class Around(Struct, frozen=True, kw_only=True):
    """What surrounds a campaign: whose it is, where its coupons may be used, in which currency and zone."""

    campaign_id: UUID
    merchant_id: UUID
    store_ids: tuple[UUID, ...]
    category: str
    asset: str
    zone: str
    now: datetime
    starts_at: datetime | None = None  # of what is live already: it stays


def beginning(template: str, *, key: str, names: Callable[[str], Text], now: datetime, zone: str) -> CampaignForm:
    """A new form with what its template fills in: from today for thirty days. What begins from scratch has no name
    yet: customers would read the template's."""
    chosen = template if template in TEMPLATES else "free"
    today, name = local_day(now, zone), Text(zh="", en="") if chosen == "free" else names(chosen)
    blank = CampaignForm(
        key=key, template=chosen, name_zh=name.zh, name_en=name.en, first=today.isoformat(),
        last=(today + timedelta(days=29)).isoformat(),
    )  # fmt: skip
    return structs.replace(blank, **TEMPLATES[chosen])


def read(form: CampaignForm, around: Around) -> Reading:
    """The campaign that the form describes. What pricing says is unsound stands beside its field."""
    fields = Fields(form, around.zone)
    auto = form.kind == "auto"
    name = fields.text("name", longest=80)
    if not name.zh:
        fields.note("name_zh", "campaign.wrong.name")
    starts, ends = _window(fields, form, around)
    rule = Rule(
        promotion_id=around.campaign_id, name=Text(zh=name.zh or "…", en=name.en or "…"), asset=around.asset,
        benefit=_benefit(fields, form, around.asset), conditions=_conditions(fields, form, around),
        trigger="auto" if auto else "coupon", payers=_payers(fields, form),
        lane=pricing.LANES["shop" if auto else "coupon"],
    )  # fmt: skip
    for flaw in pricing.flaws(rule):
        fields.note(FIELD_OF.get(str(flaw.facts["field"]), "benefit"), flaw.sentence())
    budgets = _budgets(fields, form, around.asset)
    forecast = _money(fields, form, "forecast", around.asset)
    campaign = Campaign(
        rule=rule, merchant_id=around.merchant_id, starts_at=starts, ends_at=ends, template=form.template[:40],
        version=int(form.version) if form.version.isdigit() else None, budgets=budgets,
        forecast_units=forecast or forecast_of(budgets, rule, starts_at=starts, ends_at=ends),
        coupon=None if auto else _coupon(fields, form, around, ends),
    )  # fmt: skip
    return Reading(campaign, fields.wrong)


FIELD_OF = {"bps": "percent", "cap_units": "cap", "units": "off", "buy": "buy", "get": "more", "source": "cel",
            "says": "cel_says_zh", "name": "name_zh", "payers": "pay_merchant", "windows": "hours"}  # fmt: skip


def _window(fields: Fields, form: CampaignForm, around: Around) -> tuple[datetime, datetime]:
    """[first, last] in whole days of the city, as instants; the end is the next local midnight."""
    today = local_day(around.now, around.zone)
    first, last = fields.day("first") or today, fields.day("last") or today + timedelta(days=29)
    if last < first:
        fields.note("last", "campaign.wrong.last")
        last = first
    starts = around.starts_at or day_start(first, around.zone)
    return starts, day_start(last + timedelta(days=1), around.zone)


def _money(fields: Fields, form: CampaignForm, name: str, asset: str) -> int | None:
    """An amount in units; None for an empty field."""
    return fields.money(name, asset).units if getattr(form, name).strip() else None


def _benefit(fields: Fields, form: CampaignForm, asset: str) -> pricing.Benefit:
    if form.benefit == "percent":
        share = fields.count("percent", least=1, most=99, absent=10) or 10
        return PercentOff(bps=share * 100, cap_units=_money(fields, form, "cap", asset))
    if form.benefit == "buy_get":
        buy = fields.count("buy", least=1, most=99, absent=1) or 1
        get = fields.count("more", least=1, most=99, absent=1) or 1
        share = fields.count("get_percent", least=1, most=100, absent=50) or 50
        return BuyXGetY(buy=buy, get=get, bps=share * 100)
    return AmountOff(units=fields.money("off", asset).units)


def _conditions(fields: Fields, form: CampaignForm, around: Around) -> tuple[Condition, ...]:
    found: list[Condition] = [Merchants(ids=(around.merchant_id,))]
    least = _money(fields, form, "min_spend", around.asset)
    if least:
        found.append(MinSpend(units=least))
    if form.first_order == "yes":
        found.append(FirstOrder(here=True))
    if form.been_here == "yes":
        found.append(SpendHere(units=1))
    tags = tuple(tag.strip() for tag in form.tags.replace("，", ",").split(",") if tag.strip())
    if tags:
        found.append(Tags(any_of=tags))
    windows = _windows(fields, form)
    if windows:
        found.append(Hours(windows=windows))
    if form.cel.strip():
        says = fields.text("cel_says", longest=80)
        if not says.zh:
            fields.note("cel_says_zh", "campaign.wrong.says")
        found.append(Expression(source=form.cel.strip(), says=Text(zh=says.zh or "…", en=says.en or "…")))
    return tuple(found)


def _windows(fields: Fields, form: CampaignForm) -> tuple[Window, ...]:
    days = tuple(sorted({int(day) for day in form.chosen_days() if day in "0123456" and len(day) == 1}))
    if not days and not form.hours.strip():
        return ()
    try:
        spans = parse_spans(form.hours) if form.hours.strip() else ()
    except BadHours as wrong:
        fields.note("hours", wrong.sentence())
        spans = ()
    week = days or ALL_WEEK
    return tuple(Window(week, span.start, span.end) for span in spans) or (Window(week),)


def _payers(fields: Fields, form: CampaignForm) -> tuple[tuple[str, int], ...]:
    shares = {name: fields.count(f"pay_{name}", least=0, most=100, absent=0) or 0 for name in PAYERS}
    if sum(shares.values()) != 100:
        fields.note("pay_merchant", "campaign.wrong.shares")
        return (("merchant", 100),)
    return tuple((name, share) for name, share in shares.items() if share)


def _budgets(fields: Fields, form: CampaignForm, asset: str) -> tuple[Budget, ...]:
    money, uses = _money(fields, form, "budget", asset), fields.count("uses", least=1, most=MOST_USES, absent=None)
    if money is None and uses is None:
        fields.note("budget", "campaign.wrong.budget")
    found = [Budget(most_units=money, most_uses=uses)] if money is not None or uses is not None else []
    mine = fields.count("member_uses", least=1, most=MOST_USES, absent=None)
    if mine is not None:
        found.append(Budget(attribute="member", most_uses=mine))
    day = _money(fields, form, "day_budget", asset)
    if day is not None:
        found.append(Budget(attribute="day", most_units=day))
    return tuple(found)


def _coupon(fields: Fields, form: CampaignForm, around: Around, ends: datetime) -> CouponPart:
    total = fields.count("total", least=1, most=MOST_COUPONS, absent=1) or 1
    days = fields.count("valid_days", least=1, most=3650, absent=None)
    until: date | None = fields.day("valid_until")
    if days is None and until is None:
        fields.note("valid_days", "campaign.wrong.valid")
        days = 7
    if until is not None and day_start(until + timedelta(days=1), around.zone) < ends:
        fields.note("valid_until", "campaign.wrong.until")
        until = local_day(ends - timedelta(seconds=1), around.zone)
    claim = form.claim if form.claim in ("open", "code", "issued", "pool") else "open"
    return CouponPart(
        category=around.category, store_ids=around.store_ids, total=total, summary=fields.text("summary"),
        terms=Terms(
            valid_days=None if days is None else days - 1, valid_until=until,
            per_member=fields.count("per_member", least=1, most=1000, absent=1),
        ),
        form=CouponForm(claim=claim, transferable=form.transferable == "yes", wide=form.wide == "yes"),
    )  # fmt: skip


def form_of(running: Running, *, key: str, zone: str) -> CampaignForm:
    """The fields of a campaign as it stands."""
    live, kept, offer = running.kept.live, running.kept, running.offer
    rule, asset = live.rule, live.rule.asset
    limits = {budget.attribute: budget for budget in kept.budgets}
    shares = dict(rule.payers)
    whole = sum(shares.values()) or 1
    fields: dict[str, Any] = {
        "version": str(live.version), "template": kept.template, "kind": "auto" if live.trigger == "auto" else "coupon",
        "name_zh": rule.name.zh, "name_en": rule.name.en, "first": local_day(live.starts_at, zone).isoformat(),
        "budget": _typed(kept.in_all.most_units, asset), "uses": _number(kept.in_all.most_uses),
        "member_uses": _number(limits["member"].most_uses) if "member" in limits else "",
        "day_budget": _typed(limits["day"].most_units, asset) if "day" in limits else "",
        "forecast": _typed(kept.forecast_units, asset),
    }  # fmt: skip
    fields |= {f"pay_{name}": str(shares.get(name, 0) * 100 // whole) for name in PAYERS}
    if live.ends_at is not None:
        fields["last"] = local_day(live.ends_at - timedelta(seconds=1), zone).isoformat()
    fields |= _benefit_fields(rule, asset) | _condition_fields(rule.conditions, asset)
    if offer is not None:
        terms, form = offer.terms, offer.form if isinstance(offer.form, CouponForm) else CouponForm()
        fields |= {
            "total": str(running.total), "per_member": _number(terms.per_member), "claim": form.claim,
            "transferable": "yes" if form.transferable else "", "wide": "yes" if form.wide else "",
            "summary_zh": offer.summary.zh, "summary_en": offer.summary.en,
            "valid_days": "" if terms.valid_days is None else str(terms.valid_days + 1),
            "valid_until": terms.valid_until.isoformat() if terms.valid_until else "",
        }  # fmt: skip
    return CampaignForm(key=key, **fields)


def _benefit_fields(rule: Rule, asset: str) -> dict[str, Any]:
    match rule.benefit:
        case PercentOff(bps=bps, cap_units=cap):
            return {"benefit": "percent", "percent": str(bps // 100), "cap": _typed(cap, asset)}
        case BuyXGetY(buy=buy, get=get, bps=bps):
            return {"benefit": "buy_get", "buy": str(buy), "more": str(get), "get_percent": str(bps // 100)}
        case AmountOff(units=units):
            return {"benefit": "amount", "off": _typed(units, asset)}
        case _:
            return {}


def _condition_fields(conditions: Sequence[Condition], asset: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for condition in conditions:
        match condition:
            case MinSpend(units=units):
                found["min_spend"] = _typed(units, asset)
            case FirstOrder():
                found["first_order"] = "yes"
            case SpendHere():
                found["been_here"] = "yes"
            case Tags(any_of=tags):
                found["tags"] = ", ".join(tags)
            case Hours(windows=windows):
                rows = week_rows(windows)
                found |= {"days": [str(day) for day in rows[0][0]], "hours": rows[0][1]} if rows else {}
            case Expression(source=source, says=says):
                found |= {"cel": source, "cel_says_zh": says.zh, "cel_says_en": says.en}
            case _:
                pass
    return found


def _typed(units: int | None, asset: str) -> str:
    return "" if units is None else plain(Amount(units, asset))


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
