"""The form of a city's own campaign: what it takes off, for whom, when, what it may cost, and who pays. Pure."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from hutong import pricing
from hutong.desk.campaigns import Campaign, Running, forecast_of
from hutong.kit.clock import day_start, local_day
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.pricing import AmountOff, Budget, Categories, Condition, FirstOrder, MinSpend, PercentOff, Rule
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.reading import Fields

PAYERS = ("operator", "platform")
MOST_USES = 10_000_000
DAYS = 30  # how long a new campaign runs, if nobody says otherwise
Why = str | Text


class CampaignForm(KeyedForm, frozen=True, kw_only=True):
    """Every field as it was typed. `version` is empty for what was never saved; `then`: save, publish or try."""

    version: str = ""
    then: str = "save"
    name_zh: str = ""
    name_en: str = ""
    benefit: str = "amount"
    off: str = ""
    percent: str = ""
    cap: str = ""
    min_spend: str = ""
    category: str = ""
    first_order: str = ""
    budget: str = ""
    member_uses: str = "1"
    day_budget: str = ""
    first: str = ""
    last: str = ""
    pay_operator: str = "100"
    pay_platform: str = "0"


class Read(Struct, frozen=True):
    """The campaign that a form describes, and what is wrong by field."""

    campaign: Campaign
    wrong: dict[str, Why]


def beginning(*, key: str, now: datetime, zone: str) -> CampaignForm:
    """A new form: from today for thirty days, once for each member."""
    today = local_day(now, zone)
    return CampaignForm(key=key, first=today.isoformat(), last=(today + timedelta(days=DAYS - 1)).isoformat())


def read(form: CampaignForm, *, campaign_id: UUID, asset: str, zone: str, now: datetime, live: Any = None) -> Read:
    """What the form says. `live`: the promotion as it was published, whose beginning stays."""
    fields = Fields(form, zone)
    name = fields.text("name", longest=80)
    if not name.zh:
        fields.note("name_zh", "campaign.wrong.name")
    today = local_day(now, zone)
    first, last = fields.day("first") or today, fields.day("last") or today + timedelta(days=DAYS - 1)
    if last < first:
        fields.note("last", "campaign.wrong.last")
        last = first
    starts = live.starts_at if live is not None else day_start(first, zone)
    ends = day_start(last + timedelta(days=1), zone)
    rule = Rule(
        promotion_id=campaign_id, name=Text(zh=name.zh or "…", en=name.en or "…"), asset=asset,
        benefit=_benefit(fields, form, asset), conditions=_conditions(fields, form, asset), trigger="auto",
        payers=_payers(fields), lane=pricing.LANES["platform"],
    )  # fmt: skip
    for flaw in pricing.flaws(rule):
        fields.note(FIELD_OF.get(str(flaw.facts["field"]), "off"), flaw.sentence())
    budgets = _budgets(fields, form, asset)
    campaign = Campaign(
        rule=rule, merchant_id=None, starts_at=starts, ends_at=ends, budgets=budgets, template="city",
        version=int(form.version) if form.version.isdigit() else None,
        forecast_units=forecast_of(budgets, rule, starts_at=starts, ends_at=ends),
    )  # fmt: skip
    return Read(campaign, fields.wrong)


FIELD_OF = {"bps": "percent", "cap_units": "cap", "units": "off", "payers": "pay_operator", "slugs": "category"}


def _benefit(fields: Fields, form: CampaignForm, asset: str) -> pricing.Benefit:
    if form.benefit == "percent":
        share = fields.count("percent", least=1, most=99, absent=10) or 10
        return PercentOff(bps=share * 100, cap_units=_money(fields, form, "cap", asset))
    return AmountOff(units=fields.money("off", asset).units)


def _money(fields: Fields, form: CampaignForm, name: str, asset: str) -> int | None:
    return fields.money(name, asset).units if getattr(form, name).strip() else None


def _conditions(fields: Fields, form: CampaignForm, asset: str) -> tuple[Condition, ...]:
    found: list[Condition] = []
    least = _money(fields, form, "min_spend", asset)
    if least:
        found.append(MinSpend(units=least))
    if form.category:
        found.append(Categories(slugs=(form.category,)))
    if form.first_order == "yes":
        found.append(FirstOrder())
    return tuple(found)


def _payers(fields: Fields) -> tuple[tuple[str, int], ...]:
    shares = {name: fields.count(f"pay_{name}", least=0, most=100, absent=0) or 0 for name in PAYERS}
    if sum(shares.values()) != 100:
        fields.note("pay_operator", "campaign.wrong.shares")
        return (("operator", 100),)
    return tuple((name, share) for name, share in shares.items() if share)


def _budgets(fields: Fields, form: CampaignForm, asset: str) -> tuple[Budget, ...]:
    """In all (needed: it is not a merchant's own money), for each member, for a day."""
    money = _money(fields, form, "budget", asset)
    if not money:
        fields.note("budget", "campaign.wrong.budget")
    found = [Budget(most_units=money or 1)]
    mine = fields.count("member_uses", least=1, most=MOST_USES, absent=None)
    if mine is not None:
        found.append(Budget(attribute="member", most_uses=mine))
    day = _money(fields, form, "day_budget", asset)
    if day:
        found.append(Budget(attribute="day", most_units=day))
    return tuple(found)


def form_of(running: Running, *, key: str, zone: str) -> CampaignForm:
    """The fields of a campaign as it stands."""
    live, kept = running.kept.live, running.kept
    rule, asset = live.rule, live.rule.asset
    limits = {budget.attribute: budget for budget in kept.budgets}
    shares, found = dict(rule.payers), dict[str, str]()
    match rule.benefit:
        case PercentOff(bps=bps, cap_units=cap):
            found |= {"benefit": "percent", "percent": str(bps // 100), "cap": _typed(cap, asset)}
        case AmountOff(units=units):
            found |= {"benefit": "amount", "off": _typed(units, asset)}
        case _:
            pass
    for condition in rule.conditions:
        match condition:
            case MinSpend(units=units):
                found["min_spend"] = _typed(units, asset)
            case Categories(slugs=(slug, *_)):
                found["category"] = slug
            case FirstOrder():
                found["first_order"] = "yes"
            case _:
                pass
    return CampaignForm(
        key=key, version=str(live.version), name_zh=rule.name.zh, name_en=rule.name.en,
        budget=_typed(kept.in_all.most_units, asset), first=local_day(live.starts_at, zone).isoformat(),
        last=local_day(live.ends_at - timedelta(seconds=1), zone).isoformat() if live.ends_at else "",
        member_uses=str(limits["member"].most_uses or "") if "member" in limits else "",
        day_budget=_typed(limits["day"].most_units, asset) if "day" in limits else "",
        **{f"pay_{name}": str(shares.get(name, 0)) for name in PAYERS}, **found,
    )  # fmt: skip


def _typed(units: int | None, asset: str) -> str:
    return "" if units is None else Amount(units, asset).decimal()
