"""A result sheet as pages say it: sentences with their certainty, bars as numbers. One for merchant and operator."""

import tempfile
from pathlib import Path
from typing import Any

import xlsxwriter
from msgspec import Struct

from hutong.catalog import Offer
from hutong.insight import ENOUGH, Back, Before, Sheet
from hutong.kit.money import SCALES, Amount
from hutong.web.shared.formats import Formats
from hutong.web.shared.words import Words

LOOKS = {
    "nobody": "bad", "loss": "bad", "few": "bad", "gift": "warn", "unclear": "warn", "good": "good", "early": "",
    "nothing": "",
}  # fmt: skip
UNIT = ("price", "list_price", "commission", "coupon", "points", "fee", "yours", "cost", "margin")
ICONS = {"bad": "alert", "warn": "info", "good": "check", "": "clock"}


def percent(bps: int) -> str:
    """17% of basis points; below ten a tenth is said, too."""
    return f"{bps / 100:.0f}%" if bps >= 1_000 or bps % 100 == 0 else f"{bps / 100:.1f}%"


class Row(Struct, frozen=True):
    """One window: what is known of it, and where its bar begins and ends in hundredths."""

    back: Back
    share: str
    low: str
    high: str
    at: float
    begins: float
    width: float


class Shown(Struct, frozen=True, kw_only=True):
    """What a template needs besides the sheet."""

    sheet: Sheet
    look: str
    icon: str
    title: str
    words: str
    bar: str
    bar_at: float | None
    rows: list[Row]
    people: list[tuple[str, int, float, float]]


def row_of(back: Back) -> Row:
    low, high = back.rate.interval
    return Row(
        back, percent(back.rate.bps), percent(low), percent(high), back.rate.bps / 100, low / 100, (high - low) / 100
    )


def bar_kind(before: Before, days: int) -> str:
    """By what the deal is measured: its break-even, what was expected of it, what is usual, or nothing."""
    if before.needed_bps:
        return "needed"
    if before.promised_bps is not None:
        return "promised"
    return before.expected.source if before.expected.within(days).of else "none"


def shown(sheet: Sheet, t: Words) -> Shown:
    """The sheet in words. Nothing is said that the numbers do not hold."""
    judged, verdict, wanted = sheet.judged, sheet.verdict, sheet.wanted_bps
    low, high = judged.rate.interval
    facts: dict[str, Any] = {
        "days": judged.days, "hits": judged.rate.hits, "of": judged.rate.of, "share": percent(judged.rate.bps),
        "low": percent(low), "high": percent(high), "guests": sheet.guests, "regulars": sheet.regulars,
        "new": sheet.new, "enough": ENOUGH, "bar": percent(wanted) if wanted is not None else "",
    }  # fmt: skip
    kind = bar_kind(sheet.before, judged.days) if wanted is not None else "none"
    people, left = [], 0.0
    for name in ("new", "returned", "regulars"):
        count = getattr(sheet, name)
        width = 100 * count / sheet.guests if sheet.guests else 0.0
        people.append((name, count, round(left, 2), round(width, 2)))
        left += width
    look = LOOKS[verdict]
    return Shown(
        sheet=sheet, look=look, icon=ICONS[look], title=t(f"result.verdict.{verdict}"),
        words=t(f"result.why.{verdict}", **facts), bar=t(f"result.bar.{kind}", **facts) if kind != "none" else "",
        bar_at=wanted / 100 if wanted is not None else None, rows=[row_of(back) for back in sheet.backs], people=people,
    )  # fmt: skip


def cells(offer: Offer, sheet: Sheet, t: Words, f: Formats) -> list[tuple[str, Any]]:
    """Every figure of the sheet with its name, in the order of the page: what the workbook holds."""
    it, money, before = shown(sheet, t), sheet.money, sheet.before
    found: list[tuple[str, Any]] = [
        (t("result.file.deal"), f.say(offer.title)), (t("result.file.day"), f.day(sheet.day)),
        (t("result.file.verdict"), it.title), (t("result.file.why"), it.words),
    ]  # fmt: skip
    found += [(t(f"result.counts.{name}"), getattr(sheet.counts, name))
              for name in ("sold", "used", "open", "refunded", "expired")]  # fmt: skip
    found += [(t("result.guests"), sheet.guests)]
    found += [(t(f"result.people.{name}"), count) for name, count, _, _ in it.people]
    found += [
        (t("result.regulars_back"), sheet.regulars_back),
        (t("result.again"), sheet.again),
        (t("result.own"), sheet.own),
    ]
    for row in it.rows:
        days = row.back.days
        found += [
            (t("result.file.back", days=days), row.back.rate.hits),
            (t("result.file.known", days=days), row.back.rate.of),
            (t("result.file.waiting", days=days), row.back.waiting),
            (t("result.file.interval", days=days), f"{row.low} – {row.high}" if row.back.rate.of else ""),
        ]
    names = ("listed", "discount", "paid", "helped", "coupon", "due", "commission", "merchant")
    found += [(t(f"result.money.{name}"), getattr(money, name)) for name in names]
    found += [(t("result.money.later"), sheet.later), (t("result.money.margin"), sheet.margin),
              (t("result.money.result"), sheet.result)]  # fmt: skip
    found += [(t(f"result.before.{name}"), getattr(before, name)) for name in UNIT]
    found += [(t("result.before.needed_file"), before.needed)]
    return found


def workbook(offer: Offer, sheet: Sheet, t: Words, f: Formats) -> bytes:
    """The sheet as a workbook: names and figures, money as numbers, nothing that could be a formula."""
    with tempfile.TemporaryDirectory(prefix="hutong-") as folder:
        path = Path(folder) / "sheet"
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        with xlsxwriter.Workbook(str(path), options) as book:
            page = book.add_worksheet(t("result.title")[:31])
            scale = SCALES.get(offer.price.asset, 0)
            money = book.add_format({"num_format": "#,##0" + ("." + "0" * scale if scale else "")})
            bold = book.add_format({"bold": True})
            page.set_column(0, 0, 44)
            page.set_column(1, 1, 30)
            for number, (name, value) in enumerate(cells(offer, sheet, t, f)):
                page.write_string(number, 0, name, bold)
                if isinstance(value, Amount):
                    page.write_number(number, 1, value.units / 10**scale, money)
                elif isinstance(value, int):
                    page.write_number(number, 1, value)
                elif value is not None:
                    page.write_string(number, 1, str(value))
        return path.read_bytes()
