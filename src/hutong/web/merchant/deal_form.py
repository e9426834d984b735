"""The form of a deal: from an offer to what stands in its fields, and back with everything that is wrong in them.

Pure. A field that cannot be read gets a sentence and a harmless value, so that the preview can always be drawn.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct, field, structs

from hutong import catalog
from hutong.catalog import PLAIN, Draft, Form, Offer
from hutong.kit.clock import day_start, local, local_day
from hutong.kit.ids import STORE, BadId
from hutong.kit.money import Amount
from hutong.kit.terms import ALL_WEEK, DAY_MINUTES, Blackout, Terms, Window, clock_face
from hutong.kit.text import Text
from hutong.merchants import BadHours, parse_spans
from hutong.web.merchant.sale_form import Many, SaleForm, fields_of, read_form
from hutong.web.shared.reading import Fields

WEEK_ROWS = 7
SPARE_ROWS = 2
MOST_LINES = 40
MOST_STOCK = 10_000_000
_LONGEST = 120


def many(value: Many) -> list[str]:
    """A field that may stand in a form more than once."""
    return [value] if isinstance(value, str) else value


class DealForm(SaleForm, frozen=True, kw_only=True):
    """Every field as it was typed. `version` is empty for what was never saved; `over` saves over another's change.

    Hours that are None have no field on the page.
    """

    version: str = ""
    over: str = ""
    then: str = "save"
    category: str = ""
    title_zh: str = ""
    title_en: str = ""
    summary_zh: str = ""
    summary_en: str = ""
    included_zh: str = ""
    included_en: str = ""
    excluded_zh: str = ""
    excluded_en: str = ""
    price: str = ""
    list_price: str = ""
    total: str = ""
    min_units: str = "1"
    per_order_max: str = "20"
    per_member: str = ""
    per_visit: str = ""
    per_day: str = ""
    per_hour: str = ""
    sale_from: str = ""
    sale_to: str = ""
    valid_days: str = ""
    valid_from: str = ""
    valid_until: str = ""
    days1: Many = field(default_factory=list)
    hours1: str | None = None
    days2: Many = field(default_factory=list)
    hours2: str | None = None
    days3: Many = field(default_factory=list)
    hours3: str | None = None
    days4: Many = field(default_factory=list)
    hours4: str | None = None
    days5: Many = field(default_factory=list)
    hours5: str | None = None
    days6: Many = field(default_factory=list)
    hours6: str | None = None
    days7: Many = field(default_factory=list)
    hours7: str | None = None
    off_first: Many = field(default_factory=list)
    off_last: Many = field(default_factory=list)
    off_zh: Many = field(default_factory=list)
    off_en: Many = field(default_factory=list)
    party_min: str = ""
    party_max: str = ""
    booking: str = ""
    stores: Many = field(default_factory=list)
    refund: str = "anytime"
    on_expiry: str = ""

    def weeks(self) -> list[tuple[int, list[str], str]]:
        """(row, weekdays, hours) of the rows to show: those with something, and a spare one."""
        rows = [(n, many(getattr(self, f"days{n}")), getattr(self, f"hours{n}") or "") for n in range(1, WEEK_ROWS + 1)]
        last = max((n for n, days, hours in rows if days or hours.strip()), default=0)
        return rows[: min(WEEK_ROWS, last + 1)]

    def offs(self) -> list[tuple[str, str, str, str]]:
        """(first, last, zh, en) of the days off to show: those with something, and spare ones."""
        columns = [many(getattr(self, name)) for name in ("off_first", "off_last", "off_zh", "off_en")]
        longest = max((len(column) for column in columns), default=0)
        filled = [tuple(column[n] if n < len(column) else "" for column in columns) for n in range(longest)]
        rows = [row for row in filled if any(cell.strip() for cell in row)]
        return [*rows, *[("", "", "", "")] * SPARE_ROWS]  # type: ignore[list-item]

    def chosen(self) -> set[str]:
        return set(many(self.stores))


class Reading(Struct, frozen=True):
    """What was read: the draft, the stock, and what is wrong by field: a key of the words, or a sentence."""

    draft: Draft
    total: int
    wrong: dict[str, str | Text]


def form_of(offer: Offer, *, total: int, key: str, zone: str) -> DealForm:
    """The fields of an offer, ready to be typed into."""
    terms, scale = offer.terms, offer.price
    weeks: dict[str, Any] = {}
    for n, (days, hours) in enumerate(week_rows(terms.windows), 1):
        weeks |= {f"days{n}": [str(day) for day in days], f"hours{n}": hours}
    return DealForm(
        key=key, version=str(offer.version), category=offer.category, title_zh=offer.title.zh, title_en=offer.title.en,
        summary_zh=offer.summary.zh, summary_en=offer.summary.en,
        **{f"{name}_{tongue}": "\n".join(line.in_(tongue) for line in getattr(offer, name))
           for name in ("included", "excluded") for tongue in ("zh", "en")},
        price=plain(scale), list_price=plain(offer.list_price), total=str(total), min_units=str(offer.min_units),
        per_order_max=str(offer.per_order_max), per_member=_number(terms.per_member),
        per_visit=_number(terms.per_visit), per_day=_number(terms.per_day), per_hour=_number(terms.per_hour),
        sale_from=moment(offer.sale_from, zone), sale_to=moment(offer.sale_to, zone),
        valid_days=_number(terms.valid_days), valid_from=_day(terms.valid_from), valid_until=_day(terms.valid_until),
        off_first=[b.first.isoformat() for b in terms.blackouts],
        off_last=[b.last.isoformat() for b in terms.blackouts],
        off_zh=[b.reason.zh if b.reason else "" for b in terms.blackouts],
        off_en=[b.reason.en if b.reason else "" for b in terms.blackouts],
        party_min=_number(terms.party_min), party_max=_number(terms.party_max),
        booking="yes" if terms.booking_needed else "",
        stores=[STORE.show(store, offer.city_id) for store in offer.store_ids], refund=terms.refund,
        on_expiry="yes" if terms.refund_on_expiry else "", **weeks, **fields_of(offer, zone),
    )  # fmt: skip


def plain(amount: Amount) -> str:
    """An amount as people type it: 68 or 9.90."""
    whole, _, rest = amount.decimal().partition(".")
    return whole if not rest.strip("0") else f"{whole}.{rest}"


def moment(instant: datetime, zone: str) -> str:
    """An instant as the field of a date and a time holds it, on the clocks of the city."""
    return local(instant, zone).strftime("%Y-%m-%dT%H:%M")


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _day(value: date | None) -> str:
    return "" if value is None else value.isoformat()


def week_rows(windows: Sequence[Window]) -> list[tuple[tuple[int, ...], str]]:
    """Windows as rows of a form: the weekdays that have the same hours, and those hours as people write them."""
    hours: dict[int, list[tuple[int, int]]] = {}
    for window in windows:
        for day in window.weekdays:
            hours.setdefault(day, []).append((window.start, window.end))
    rows: dict[tuple[tuple[int, int], ...], list[int]] = {}
    for day in sorted(hours):
        rows.setdefault(tuple(sorted(set(hours[day]))), []).append(day)
    return [(tuple(days), _spans(spans)) for spans, days in rows.items()]


def _spans(spans: Sequence[tuple[int, int]]) -> str:
    if list(spans) == [(0, DAY_MINUTES)]:
        return ""
    return ", ".join(f"{clock_face(start)}-{_end(end)}" for start, end in spans)


def _end(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


class _Reader(Fields):
    """Reads the form of a deal: its lists, weeks and tiers besides."""

    form: DealForm

    def lines(self, name: str) -> tuple[Text, ...]:
        zh, en = (
            [line.strip() for line in getattr(self.form, f"{name}_{tongue}").splitlines() if line.strip()]
            for tongue in ("zh", "en")
        )
        if zh and en and len(zh) != len(en):
            self.note(f"{name}_en", "editor.wrong.lines")
        if max(len(zh), len(en)) > MOST_LINES or any(len(line) > _LONGEST for line in [*zh, *en]):
            self.note(f"{name}_zh", "editor.wrong.long")
        pairs = [(zh[n] if n < len(zh) else "", en[n] if n < len(en) else "") for n in range(max(len(zh), len(en)))]
        return tuple(Text(zh=a or b, en=b or a) for a, b in pairs)[:MOST_LINES]

    def windows(self) -> tuple[Window, ...]:
        found: list[Window] = []
        for n, days, hours in self.form.weeks():
            if not days and not hours.strip():
                continue
            week = tuple(sorted({int(day) for day in days if day in "0123456" and len(day) == 1})) or ALL_WEEK
            try:
                spans = parse_spans(hours) if hours.strip() else ()
            except BadHours as wrong:
                self.note(f"hours{n}", wrong.sentence())
                continue
            whole = [Window(week, 0, DAY_MINUTES)]
            found += [Window(week, span.start, span.end) for span in spans] or whole
        return tuple(found)

    def blackouts(self) -> tuple[Blackout, ...]:
        found: list[Blackout] = []
        for first, last, zh, en in self.form.offs():
            if not first.strip() and not last.strip():
                continue
            try:
                begin = date.fromisoformat(first.strip() or last.strip())
                end = date.fromisoformat(last.strip() or first.strip())
            except ValueError:
                self.note("off", "editor.wrong.date")
                continue
            reason = Text(zh=zh.strip() or en.strip(), en=en.strip() or zh.strip())
            found.append(Blackout(begin, end, reason if reason.zh else None))
        return tuple(found)

    def stores(self, city_id: int) -> tuple[UUID, ...]:
        found: list[UUID] = []
        for shown in sorted(self.form.chosen()):
            try:
                city, store = STORE.read_local(shown)
            except BadId:
                continue
            if city == city_id:
                found.append(store)
        return tuple(sorted(found))


def read(
    form: DealForm, *, offer_id: UUID, merchant_id: UUID, city_id: int, asset: str, zone: str, now: datetime,
    trade: str | None, copied_from: UUID | None = None, scheme: str = "deals", quota_id: UUID | None = None,
    kept: Form = PLAIN,
) -> Reading:  # fmt: skip
    """The draft that these fields say, and what is wrong: what cannot be read, and what contradicts itself."""
    it = _Reader(form, zone)
    begin = day_start(local_day(now, zone), zone)
    terms = Terms(
        valid_days=it.count("valid_days", least=0, most=3650, absent=None), valid_from=it.day("valid_from"),
        valid_until=it.day("valid_until"), windows=it.windows(), blackouts=it.blackouts(),
        party_min=it.count("party_min", least=1, most=999, absent=None),
        party_max=it.count("party_max", least=1, most=999, absent=None),
        per_member=it.count("per_member", least=1, most=10_000, absent=None),
        per_visit=it.count("per_visit", least=1, most=10_000, absent=None),
        per_day=it.count("per_day", least=1, most=MOST_STOCK, absent=None),
        per_hour=it.count("per_hour", least=1, most=MOST_STOCK, absent=None), booking_needed=bool(form.booking),
        refund="none" if form.refund == "none" else "anytime", refund_on_expiry=bool(form.on_expiry),
    )  # fmt: skip
    sale_from = it.instant("sale_from", begin)
    draft = Draft(
        offer_id=offer_id, merchant_id=merchant_id, by=None, scheme=scheme, trade=trade, category=form.category,
        title=it.text("title", longest=_LONGEST), summary=it.text("summary"), included=it.lines("included"),
        excluded=it.lines("excluded"), price=it.money("price", asset), list_price=it.money("list_price", asset),
        terms=terms, store_ids=it.stores(city_id), quota_id=quota_id,
        form=read_form(it, form, asset=asset, offer_id=offer_id) or kept,
        min_units=it.count("min_units", least=1, most=MOST_STOCK, absent=1) or 1,
        per_order_max=it.count("per_order_max", least=1, most=10_000, absent=20) or 20,
        sale_from=sale_from, sale_to=it.instant("sale_to", sale_from + timedelta(days=30)), copied_from=copied_from,
    )  # fmt: skip
    total = it.count("total", least=1, most=MOST_STOCK, absent=100) or 100
    return Reading(draft, total, _with_faults(it.wrong, draft, zone))


PLACE_OF = {"title": "title_zh", "store_ids": "stores", "windows": "hours1", "blackouts": "off"}
WORDS_OF = {"title": "editor.wrong.title", "price": "editor.wrong.price", "sale_to": "editor.wrong.sale_to",
            "store_ids": "editor.wrong.stores"}  # fmt: skip


def _with_faults(wrong: dict[str, str | Text], draft: Draft, zone: str) -> dict[str, str | Text]:
    """What cannot be read goes before what contradicts itself: the second is often only the first seen again."""
    found = dict(wrong)
    for name, refusal in catalog.faults(draft, zone):
        why = refusal.facts
        said = Text(zh=str(why["why_zh"]), en=str(why["why_en"])) if "why_zh" in why else refusal.sentence()
        related = {"price": ("price", "list_price"), "sale_to": ("sale_to", "sale_from")}.get(name, ())
        if not any(one in wrong for one in (name, PLACE_OF.get(name, name), *related)):
            found[PLACE_OF.get(name, name)] = WORDS_OF.get(name, said)
    return found


def beginning(*, key: str, category: str, stores: Sequence[str], now: datetime, zone: str) -> DealForm:
    """The fields of a deal that was never saved: on sale from today for thirty days, in all stores of the writer."""
    today = local_day(now, zone)
    return DealForm(
        key=key, category=category, stores=list(stores), total="100", valid_days="90", on_expiry="yes",
        sale_from=moment(day_start(today, zone), zone),
        sale_to=moment(day_start(today + timedelta(days=30), zone), zone),
    )  # fmt: skip


def differing(mine: DealForm, theirs: DealForm) -> list[str]:
    """The fields in which two forms of one deal differ."""
    silent = {"csrf", "key", "version", "over", "then"}
    return [
        name for name in structs.asdict(mine)
        if name not in silent and _shown(getattr(mine, name)) != _shown(getattr(theirs, name))
    ]  # fmt: skip


def _shown(value: Many | None) -> list[str]:
    return [line.strip() for one in many(value or "") for line in one.splitlines() if line.strip()]
