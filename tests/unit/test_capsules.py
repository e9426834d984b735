"""Capsules and tokens: packed and read back, forged and refused, and their spans are what the calendar says."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import segno
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hutong.kit.terms import Blackout, Terms, Window, why_not_now
from hutong.merchants import Limits
from hutong.vouchers.capsules import (
    LIFE,
    Capsule,
    HouseKey,
    base45,
    from_base45,
    in_time,
    is_key,
    read_token,
    token_message,
    token_text,
    unpack,
    why_not_genuine,
    windows,
)
from hutong.vouchers.offline import read_payload, write_payload
from tests.offline_play import Key

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)
HOUSE, PHONE = HouseKey(b"h" * 32), Key()
STEP = int(NOW.timestamp()) // 30


def a_capsule(stores: int = 1, spans: int = 1, **changes: Any) -> Capsule:
    values: dict[str, Any] = {
        "kind": "capped", "city_id": 1, "voucher_id": UUID(int=7 << 64 | 9), "merchant": b"mermer", "offer": b"offoff",
        "stores": (b"storeN",) * stores, "issued_at": NOW, "expires_at": NOW + LIFE, "uses_left": 1, "face": 6800,
        "windows": tuple((NOW + timedelta(hours=2 * i), NOW + timedelta(hours=2 * i + 1)) for i in range(spans)),
        "phone_key": PHONE.public,
    }  # fmt: skip
    return Capsule(**values | changes)


def shown(capsule: Capsule, key: Key = PHONE, house: HouseKey = HOUSE) -> str:
    return token_text(house.sign(capsule), STEP, key.sign(token_message(capsule.voucher_id, STEP)))


@given(st.binary(max_size=300))
def test_base45_there_and_back(data: bytes):
    assert from_base45(base45(data)) == data


@given(st.text(max_size=600))
def test_any_text_is_read_without_a_fault(text: str):
    assert read_token(text) is None
    read_token(f"HT2.{text}.")
    read_payload(text)


@given(st.binary(min_size=100, max_size=400))
def test_any_bytes_are_unpacked_without_a_fault(data: bytes):
    unpack(b"\x01" + data)


@given(st.integers(0, 8), st.integers(0, 8), st.integers(0, 2**32 - 1), st.integers(0, 255))
@settings(max_examples=40)
def test_a_capsule_is_read_as_it_was_signed(stores: int, spans: int, face: int, left: int):
    capsule = a_capsule(stores, spans, face=face, uses_left=left)
    token = read_token(shown(capsule))
    assert token is not None
    assert (token.capsule, token.step) == (capsule, STEP)
    assert why_not_genuine(token, {HOUSE.key_id: HOUSE.public}) is None


@given(st.integers(0, 157 + 68), st.integers(1, 255))
@example(38, 0xFF)  # signed in the year 10001
@settings(max_examples=200)
def test_one_byte_changed_is_refused(place: int, change: int):
    signed = HOUSE.sign(a_capsule())
    whole = bytearray(signed + STEP.to_bytes(4, "big") + PHONE.sign(token_message(a_capsule().voucher_id, STEP)))
    whole[place] ^= change
    token = read_token(f"HT2.{base45(bytes(whole))}.")
    assert token is None or why_not_genuine(token, {HOUSE.key_id: HOUSE.public}) is not None


def test_another_key_is_refused():
    keys = {HOUSE.key_id: HOUSE.public}
    other = HouseKey(b"other" * 8)
    for text, why in (
        (shown(a_capsule(), Key()), "forged_token"),
        (shown(a_capsule(), house=other), "unknown_key"),
    ):
        token = read_token(text)
        assert token is not None
        assert why_not_genuine(token, keys) == why
    token = read_token(shown(a_capsule(), house=other))
    assert token is not None
    assert why_not_genuine(token, {other.key_id: HOUSE.public}) == "forged_capsule"
    assert not is_key(b"\x02" + b"\xff" * 32)


def test_the_code_fits_a_phone_at_a_till():
    """One store and one span: QR 10-L or 11-M; with three of each no larger."""
    for stores, spans in ((1, 1), (3, 3)):
        text = shown(a_capsule(stores, spans))
        code = segno.make_qr(text, error="m", boost_error=False)
        assert (code.mode, int(code.version) <= 12) == ("alphanumeric", True)
        assert int(segno.make_qr(text, error="l", boost_error=False).version) <= 10


def test_a_half_minute_fits_its_time():
    at = datetime.fromtimestamp(STEP * 30 + 15, UTC)
    assert in_time(STEP, at + timedelta(seconds=150))
    assert not in_time(STEP, at + timedelta(seconds=151))
    assert not in_time(STEP, at - timedelta(seconds=151))


_MINUTES = st.integers(0, 1440)
_WINDOW = st.builds(
    lambda days, start, length: Window(tuple(sorted(days)), start, start + length),
    st.sets(st.integers(0, 6), min_size=1), st.integers(0, 1439), st.integers(1, 1440),
)  # fmt: skip
_DAY = st.dates(date(2026, 3, 26), date(2026, 4, 2)) | st.dates(date(2026, 10, 22), date(2026, 10, 29))


@given(
    st.lists(_WINDOW, max_size=3), st.lists(_DAY, max_size=2), _DAY, _MINUTES,
    st.sampled_from(["Asia/Shanghai", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.lists(st.integers(0, 48 * 60 - 1), min_size=12, max_size=12),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_spans_are_what_the_calendar_says(spans, blacked, day, minute, zone, looks):
    """At any minute of 48 hours, also over the days on which clocks change."""
    terms = Terms(windows=tuple(spans), blackouts=tuple(Blackout(d, d) for d in blacked))
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute)
    found = windows(terms, start=start, end=start + LIFE, zone=zone)
    for look in looks:
        at = start + timedelta(minutes=look)
        assert any(a <= at < b for a, b in found) == (why_not_now(terms, at=at, zone=zone) is None)


@given(st.integers(1, 2**50), st.integers(0, 2**42), st.integers(0, 2**50), st.uuids(), st.text(max_size=20))
def test_a_row_is_read_as_it_was_written(seq: int, millis: int, allowance: int, staff: UUID, text: str):
    payload = write_payload(seq=seq, scanned_ms=millis, allowance=allowance, staff=str(staff), text=text)
    read = read_payload(payload)
    assert read is not None
    assert (read.seq, read.allowance, read.staff_id, read.text) == (seq, allowance, staff, text)
    assert abs(read.scanned_at.timestamp() * 1000 - millis) < 1


@given(
    st.integers(1, 1000), st.integers(1, 10**7), st.integers(1, 10**9), st.integers(0, 50),
    st.lists(st.lists(st.integers(1, 2 * 10**7), max_size=60), max_size=50),
)  # fmt: skip
def test_devices_that_obey_never_lose_more_than_declared(count, dearest, most, devices, guests):
    """Whatever is shown to however many devices, in any order: what they accept stays below the number."""
    limits = Limits(mode="capped", asset="CNY", max_count=count, max_face_units=dearest, max_units=most)
    lost = 0
    for shown_here in guests[:devices]:
        taken, units = 0, 0
        for face in shown_here:
            if face <= dearest and taken < count and units + face <= most:
                taken, units = taken + 1, units + face
        lost += units
    assert lost <= limits.worst(devices)
    assert limits.worst(devices, bound=True) == 0
    assert limits.worst(devices) <= limits.worst(devices + 1)
