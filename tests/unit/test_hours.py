"""When is a shop open? A page of cases: lunch breaks, past midnight, holidays, and shops that never close."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.merchants.hours import (
    BadHours,
    Hours,
    OpenState,
    Span,
    hours_in_words,
    open_at,
    parse_spans,
    spans_in_words,
    state_in_words,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 11, 16)


def at(text: str) -> datetime:
    """ "Tue 13:00" of the week of 16 November 2026; "+Tue" a week later."""
    day, clock = text.split()
    weeks = day.count("+")
    n = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].index(day.strip("+"))
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, 11, 16, hour, minute, tzinfo=SHANGHAI) + timedelta(days=n + 7 * weeks)


LUNCH = Hours.parse("10:30-14:00, 17:00-22:00")
BAR = Hours.parse(["closed", *["18:00-24:00"] * 3, *["18:00-26:00"] * 2, "closed"])
ALWAYS = Hours.parse("24h")
NEVER = Hours.parse("closed")
WEEKEND = Hours.parse(["closed"] * 5 + ["24h", "24h"])
NIGHT = Hours.parse("20:00-04:00")
DAY_OFF = {MONDAY + timedelta(days=1): ()}
LATE_TUESDAY = {MONDAY + timedelta(days=1): (Span(720, 780),)}
HOLIDAY = {MONDAY + timedelta(days=n): () for n in range(7)}
LONG_HOLIDAY = {MONDAY + timedelta(days=n): () for n in range(30)}


@pytest.mark.parametrize(
    ("hours", "exceptions", "when", "expected"),
    [
        # a lunch break
        (LUNCH, {}, "Tue 10:29", "opens Tue 10:30"),
        (LUNCH, {}, "Tue 10:30", "until Tue 14:00"),
        (LUNCH, {}, "Tue 13:59", "until Tue 14:00"),
        (LUNCH, {}, "Tue 14:00", "opens Tue 17:00"),
        (LUNCH, {}, "Tue 21:59", "until Tue 22:00"),
        (LUNCH, {}, "Tue 22:00", "opens Wed 10:30"),
        (LUNCH, {}, "Sun 23:00", "opens +Mon 10:30"),
        # past midnight belongs to the day it began
        (BAR, {}, "Fri 23:59", "until Sat 02:00"),
        (BAR, {}, "Sat 01:59", "until Sat 02:00"),
        (BAR, {}, "Sat 02:00", "opens Sat 18:00"),
        (BAR, {}, "Sun 01:00", "until Sun 02:00"),
        (BAR, {}, "Sun 02:00", "opens +Tue 18:00"),
        (BAR, {}, "Mon 12:00", "opens Tue 18:00"),
        (BAR, {}, "Tue 18:00", "until Wed 00:00"),
        (BAR, {}, "Wed 00:00", "opens Wed 18:00"),
        (NIGHT, {}, "Mon 03:59", "until Mon 04:00"),
        (NIGHT, {}, "Mon 04:00", "opens Mon 20:00"),
        # exceptions replace what begins on their date, and only that
        (LUNCH, DAY_OFF, "Tue 12:00", "opens Wed 10:30"),
        (LUNCH, DAY_OFF, "Mon 22:00", "opens Wed 10:30"),
        (LUNCH, LATE_TUESDAY, "Tue 10:45", "opens Tue 12:00"),
        (LUNCH, LATE_TUESDAY, "Tue 12:30", "until Tue 13:00"),
        (NIGHT, DAY_OFF, "Tue 03:00", "until Tue 04:00"),
        (NIGHT, DAY_OFF, "Tue 21:00", "opens Wed 20:00"),
        (NIGHT, DAY_OFF, "Wed 01:00", "opens Wed 20:00"),
        (NEVER, LATE_TUESDAY, "Mon 12:00", "opens Tue 12:00"),
        (LUNCH, HOLIDAY, "Mon 12:00", "opens +Mon 10:30"),
        (LUNCH, LONG_HOLIDAY, "Mon 12:00", "closed"),
        # never closed, never open, and days that join
        (ALWAYS, {}, "Wed 03:00", "until ever"),
        (ALWAYS, DAY_OFF, "Mon 12:00", "until Tue 00:00"),
        (ALWAYS, DAY_OFF, "Tue 12:00", "opens Wed 00:00"),
        (NEVER, {}, "Wed 03:00", "closed"),
        (WEEKEND, {}, "Sat 12:00", "until +Mon 00:00"),
        (WEEKEND, {}, "+Mon 00:00", "opens +Sat 00:00"),
    ],
)
def test_open_or_closed_and_until_when(hours, exceptions, when, expected):
    state = open_at(hours, exceptions, at(when))
    word, _, moment = expected.partition(" ")
    if expected == "closed":
        assert state == OpenState(open=False)
    elif word == "until":
        assert state == OpenState(open=True, until=None if moment == "ever" else at(moment))
    else:
        assert state == OpenState(open=False, opens_next=at(moment))


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("10:30-14:00, 17:00-26:00", [(630, 840), (1020, 1560)]),
        ("17:00-02:00", [(1020, 1560)]),
        ("17:00-次日02:00", [(1020, 1560)]),
        ("17:00–24:00", [(1020, 1440)]),
        ("１０：３０～１４：００，１７：００～２２：００", [(630, 840), (1020, 1320)]),
        ("9:00至18:00", [(540, 1080)]),
        ("17:00-22:00、10:30-14:00", [(630, 840), (1020, 1320)]),
        ("10:00-12:00;12:00-14:00", [(600, 720), (720, 840)]),
        ("00:00-24:00", [(0, 1440)]),
        ("24h", [(0, 1440)]),
        ("全天", [(0, 1440)]),
        ("closed", []),
        ("休息", []),
        ("  ", []),
    ],
)
def test_hours_as_people_write_them(text, spans):
    assert [(s.start, s.end) for s in parse_spans(text)] == spans


@pytest.mark.parametrize(
    "text",
    ["10-12", "10:00", "10:00-10:60", "25:00-26:00", "10:00-12:00, 11:00-13:00", "10:00-36:00", "nonsense", ",",
     "10:00-12:00 13:00", "-1:00-2:00", "18:00-27:00, 26:00-28:00", "9:00-49:00"],
)  # fmt: skip
def test_hours_that_nobody_understands(text):
    with pytest.raises(BadHours) as caught:
        parse_spans(text)
    assert caught.value.facts == {"text": text}
    assert text in caught.value.sentence().en


def test_a_week_has_seven_days():
    with pytest.raises(BadHours):
        Hours.parse(["10:00-12:00"] * 6)
    with pytest.raises(BadHours):
        Hours.of([[]] * 8)
    with pytest.raises(BadHours):
        Hours.of([[[600, 500]]] * 7)
    assert Hours.of(BAR.numbers()) == BAR


@pytest.mark.parametrize(
    ("hours", "zh", "en"),
    [
        (LUNCH, "每天 10:30-14:00、17:00-22:00", "daily 10:30-14:00, 17:00-22:00"),
        (ALWAYS, "每天 全天", "daily all day"),
        (NEVER, "每天 休息", "daily closed"),
        (
            BAR,
            "周一、周日 休息；周二至周四 18:00-24:00；周五、周六 18:00-次日02:00",
            "Mon, Sun closed; Tue-Thu 18:00-24:00; Fri, Sat 18:00-02:00 (next day)",
        ),
    ],
)
def test_a_week_in_words(hours, zh, en):
    words = hours_in_words(hours)
    assert (words.zh, words.en) == (zh, en)


@pytest.mark.parametrize(
    ("hours", "when", "zh", "en"),
    [
        (LUNCH, "Tue 12:00", "营业中，至 14:00", "Open until 14:00"),
        (BAR, "Fri 20:00", "营业中，至 明天 02:00", "Open until tomorrow 02:00"),
        (BAR, "Tue 20:00", "营业中，至 24:00", "Open until 24:00"),
        (LUNCH, "Tue 15:00", "休息中，17:00 营业", "Closed, opens 17:00"),
        (LUNCH, "Tue 23:00", "休息中，明天 10:30 营业", "Closed, opens tomorrow 10:30"),
        (BAR, "Sun 12:00", "休息中，周二 18:00 营业", "Closed, opens Tue 18:00"),
        (ALWAYS, "Sun 12:00", "全天营业", "Open around the clock"),
        (NEVER, "Sun 12:00", "暂停营业", "Closed for now"),
    ],
)
def test_the_state_in_words(hours, when, zh, en):
    words = state_in_words(open_at(hours, {}, at(when)), at(when))
    assert (words.zh, words.en) == (zh, en)


def test_a_date_a_week_away_is_said_as_a_date():
    words = state_in_words(open_at(LUNCH, HOLIDAY, at("Mon 12:00")), at("Mon 12:00"))
    assert words.zh == "休息中，11月23日 10:30 营业"
    assert words.en == "Closed, opens 2026-11-23 10:30"


def test_words_of_spans_read_back():
    for text in ("10:30-14:00, 17:00-26:00", "00:00-24:00", "closed"):
        assert parse_spans(spans_in_words(parse_spans(text)).zh) == parse_spans(text)


def test_a_time_without_its_zone_is_a_mistake():
    with pytest.raises(ValueError):
        open_at(LUNCH, {}, datetime(2026, 11, 16, 12))  # noqa: DTZ001


@st.composite
def weeks(draw) -> Hours:
    days = []
    for _ in range(7):
        cuts = sorted(draw(st.sets(st.integers(0, 30), max_size=4)))
        spans = [Span(a * 60, b * 60) for a, b in zip(cuts[::2], cuts[1::2], strict=False) if a < 24]
        days.append(tuple(spans))
    return Hours(tuple(days))


@given(hours=weeks(), minute=st.integers(0, 7 * 1440 - 1))
def test_the_state_agrees_with_the_plain_question(hours: Hours, minute: int):
    """Minute by minute: open now, open until the minute before `until`, closed until `opens_next`."""
    here = at("Mon 00:00") + timedelta(minutes=minute)

    def plainly(moment: datetime) -> bool:
        day, m = moment.weekday(), moment.hour * 60 + moment.minute
        today = any(s.start <= m < s.end for s in hours.days[day])
        return today or any(s.start <= m + 1440 < s.end for s in hours.days[(day - 1) % 7])

    state = open_at(hours, {}, here)
    assert state.open is plainly(here)
    change = state.until if state.open else state.opens_next
    if change is not None:
        assert plainly(change) is not state.open
        assert plainly(change - timedelta(minutes=1)) is state.open
        halfway = here + (change - here) / 2
        assert plainly(halfway) is state.open
