"""How money, distances and times are written in a language, in the zone of a city."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from urllib.parse import urlencode

from babel import Locale
from babel.dates import format_date, format_datetime, format_interval, format_time
from babel.numbers import format_currency, format_decimal
from babel.units import format_unit
from markupsafe import Markup, escape

from hutong.kit.clock import local, local_day
from hutong.kit.geo import Point, in_china, to_gcj02
from hutong.kit.masks import mask_phone
from hutong.kit.money import SCALES, Amount
from hutong.kit.terms import Window, clock_face, windows_in_words
from hutong.kit.text import Text

_CURRENCY = 3  # letters of a currency; an asset of points has more
_SIGNS = {"CN¥": "¥", "CNY": "¥", "JP¥": "¥", "US$": "$"}  # one currency a city, so the short sign is plain enough


@cache
def locale_of(language: str) -> Locale:
    return Locale.parse("zh_Hans_CN" if language == "zh" else "en")


class Formats:
    """Written values in one language. Instants are shown on the wall clock of `zone`; `year`: the one that runs."""

    def __init__(self, language: str, zone: str = "UTC", year: int | None = None) -> None:
        self.language, self.zone, self.locale, self.year = language, zone, locale_of(language), year

    def say(self, text: Text | None) -> str:
        """A sentence in the reader's language."""
        return "" if text is None else text.in_(self.language)

    def money(self, amount: Amount) -> str:
        """¥68 or ¥9.90: cents are shown when there are any, the same on every page."""
        return _money(self.language, amount.units, amount.asset)

    def sign_and_digits(self, amount: Amount) -> tuple[str, str]:
        """("¥", "9.90"): for prices whose sign is drawn smaller."""
        words = self.money(amount)
        at = next((i for i, c in enumerate(words) if c.isdigit()), 0)
        return words[:at], words[at:]

    def price(self, amount: Amount, size: str = "m") -> Markup:
        """A price as it is drawn: its sign smaller than its digits."""
        return _price(self.language, amount.units, amount.asset, size)

    def off(self, price: Amount, list_price: Amount) -> str:
        """How much less than the list price: 6.9折 / 31% off; "" when it is not less."""
        if not 0 < price.units < list_price.units:
            return ""
        if self.language == "zh":
            tenth = Decimal(price.units * 10) / Decimal(list_price.units)
            shown = max(tenth.quantize(Decimal("0.1")), Decimal("0.1"))
            return f"{shown.normalize():f}折" if shown < 10 else ""
        percent = (list_price.units - price.units) * 100 // list_price.units
        return f"{percent}% off" if percent else ""

    def distance(self, metres: float | None) -> str:
        """350 m, 1.2 km; "" when it is not known."""
        if metres is None:
            return ""
        if metres < 995:
            return _distance(self.language, "length-meter", max(10, round(metres / 10) * 10) * 10)
        tenths = round(metres / 100) if metres < 10_000 else round(metres / 1000) * 10
        return _distance(self.language, "length-kilometer", tenths)

    def day(self, when: datetime | date) -> str:
        """2026年11月20日 / Nov 20, 2026."""
        return format_date(self._day(when), "medium", locale=self.locale)

    def last_day(self, end: datetime) -> str:
        """The last whole day before an exclusive end."""
        return self.day(end - timedelta(seconds=1))

    def days(self, first: date, last: date) -> str:
        """Oct 1 – 3, 2027; one day alone is written once."""
        return self.day(first) if first == last else format_interval(first, last, "yMMMd", locale=self.locale)

    def short_day(self, when: datetime | date) -> str:
        """11月20日周五 / Fri, Nov 20."""
        pattern = "M月d日EEE" if self.language == "zh" else "EEE, MMM d"
        return format_date(self._day(when), pattern, locale=self.locale)

    def moment(self, when: datetime) -> str:
        """Day and time, short; with the year where it is not the reader's."""
        there = local(when, self.zone)
        year = self.year is not None and there.year != self.year
        zh, en = ("y年M月d日 HH:mm", "MMM d, y, HH:mm") if year else ("M月d日 HH:mm", "MMM d, HH:mm")
        return format_datetime(there, zh if self.language == "zh" else en, locale=self.locale)

    def time(self, when: datetime) -> str:
        """HH:mm."""
        return format_time(local(when, self.zone).time(), "HH:mm", locale=self.locale)

    def iso(self, when: datetime) -> str:
        """For machines: the datetime attribute of <time>."""
        return local(when, self.zone).isoformat(timespec="seconds")

    def minute(self, minute: int) -> str:
        """A minute of the day as 09:30."""
        return clock_face(minute)

    def windows(self, windows: tuple[Window, ...]) -> str:
        """Usable weekdays and hours as one line."""
        return self.say(windows_in_words(windows))

    def phone(self, phone: str) -> str:
        """A number with its middle hidden."""
        return mask_phone(phone)

    def map_url(self, point: Point, name: str) -> str:
        """Where a map opens at the place: a Chinese one, which wants shifted coordinates, or OpenStreetMap."""
        there = to_gcj02(point)
        if not in_china(point):
            return f"https://www.openstreetmap.org/?mlat={point.lat:.6f}&mlon={point.lon:.6f}#map=18"
        asked = urlencode({"position": f"{there.lon:.6f},{there.lat:.6f}", "name": name, "src": "hutong"})
        return f"https://uri.amap.com/marker?{asked}"

    def _day(self, when: datetime | date) -> date:
        return local_day(when, self.zone) if isinstance(when, datetime) else when


# A page of shops writes a hundred prices and distances, and Babel takes longer for one than PostgreSQL for finding it.
@lru_cache(maxsize=20_000)
def _money(language: str, units: int, asset: str) -> str:
    if len(asset) != _CURRENCY:
        return f"{format_decimal(units, locale=locale_of(language))} {asset}"
    scale = SCALES.get(asset, 0)
    whole = units % 10**scale == 0
    pattern = "¤#,##0" if whole or not scale else "¤#,##0." + "0" * scale
    words = format_currency(
        Decimal(units).scaleb(-scale), asset, pattern, locale=locale_of(language), currency_digits=False
    )
    for long, short in _SIGNS.items():
        words = words.replace(long, short)
    return words.replace("-", "−")  # a minus is as wide as a plus, and no hyphen


@lru_cache(maxsize=20_000)
def _price(language: str, units: int, asset: str, size: str) -> Markup:
    words = _money(language, units, asset)
    at = next((i for i, c in enumerate(words) if c.isdigit()), 0)
    return Markup('<span class="price {}"><span class="sign">{}</span>{}</span>').format(
        escape(size), words[:at], words[at:]
    )


@lru_cache(maxsize=2_000)
def _distance(language: str, unit: str, tenths: int) -> str:
    return format_unit(Decimal(tenths) / 10, unit, "short", "0.#", locale=locale_of(language))
