"""QR texts, typed codes, step tokens and proofs: pure functions of a secret and the time."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutong.kit.terms import Terms
from hutong.kit.text import Text
from hutong.vouchers import Voucher, qr_text, step_of, step_token
from hutong.vouchers.codes import (
    PROOF_LIFE,
    Qr,
    Typed,
    fresh_codes,
    masked,
    proof,
    read_presented,
    step_is_fresh,
    step_presented,
    step_proven,
)
from hutong.vouchers.model import share

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
HALF_MINUTE = timedelta(seconds=30)
STORE, TAO = UUID(int=5), UUID(int=7)


def a_voucher(**changes: Any) -> Voucher:
    voucher = Voucher(
        city_id=12, voucher_id=UUID(int=0x01020304_0506_7000_8000_0000000000AA), kind="deal", member_id=UUID(int=1),
        holder_name="王小明", merchant_id=UUID(int=2), order_id=UUID(int=3), line_id=UUID(int=4), offer_id=UUID(int=6),
        title=Text.both("x"), unit_no=0, secret=bytes(range(16)), code="012345678901", uses_total=1, uses_left=1,
        state="valid", refund_from=None, valid_from=NOON, valid_to=NOON + timedelta(days=1), terms=Terms(),
        store_ids=(), asset="CNY", paid_units=100, paid_left=100, due_units=100, due_left=100, last_step=0, cycles=0,
        version=0, issued_at=NOON,
    )  # fmt: skip
    return msgspec.structs.replace(voucher, **changes)


def test_the_token_is_what_the_documentation_says():
    """Another implementation (a phone without a network) must come to the same text."""
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    digest = hmac.new(bytes(range(16)), (58_000_000).to_bytes(8, "big"), hashlib.sha256).digest()
    bits = "".join(f"{byte:08b}" for byte in digest)[:80]
    expected = "".join(alphabet[int(bits[i : i + 5], 2)] for i in range(0, 80, 5))
    assert step_token(bytes(range(16)), 58_000_000) == expected
    assert step_of(NOON) == int(NOON.timestamp()) // 30


def test_the_qr_text_names_city_voucher_and_token():
    voucher = a_voucher()
    text = qr_text(voucher, NOON)
    prefix, city, shown, token = text.split(".")
    assert (prefix, city, len(shown), len(token)) == ("HT1", "12", 26, 16)
    assert text == text.upper()
    assert read_presented(text) == Qr(12, voucher.voucher_id, token)
    assert voucher.code not in text


@given(st.binary(min_size=16, max_size=16), st.integers(0, 2**62))
def test_any_qr_text_reads_back(raw: bytes, at: int):
    voucher = a_voucher(voucher_id=UUID(bytes=raw), secret=raw[::-1])
    now = NOON + timedelta(seconds=at % 10**8)
    seen = read_presented(qr_text(voucher, now).lower())
    assert isinstance(seen, Qr)
    assert seen.voucher_id == voucher.voucher_id
    assert step_presented(voucher, seen.token, now) == step_of(now)


@pytest.mark.parametrize(
    "text",
    [
        "012345678901",
        " 0123 4567 8901 ",
        "0123-4567-8901",
        "０１２３４５６７８９０１",
        "0123.4567.8901",
        "012 345 678 901",
    ],
)
def test_typed_codes_as_people_type_them(text: str):
    assert read_presented(text) == Typed("012345678901")


@pytest.mark.parametrize(
    "text",
    ["", "hello", "12345678901", "0123456789012", "HT1.1.x.y", "HT2.1." + "0" * 26 + "." + "0" * 16, "wxp://f2f0",
     "HT1.1." + "Z" * 26 + "." + "0" * 16, "0" * 5000, "HT1.9999999999." + "0" * 26 + "." + "0" * 16],
)  # fmt: skip
def test_what_is_neither(text: str):
    assert read_presented(text) is None


def test_a_link_that_ends_in_a_qr_text_is_read():
    text = qr_text(a_voucher(), NOON)
    assert isinstance(read_presented(f"https://hutong.example/q/{text}"), Qr)
    assert read_presented(f"xHT1{text[3:]}") is None


@given(st.text(max_size=60))
def test_nothing_that_is_presented_breaks_the_reader(text: str):
    read_presented(text)


def test_steps_live_one_half_minute_and_the_next():
    voucher = a_voucher()
    step = step_of(NOON)
    assert step_is_fresh(voucher, step, NOON)
    assert step_is_fresh(voucher, step, NOON + HALF_MINUTE)
    assert not step_is_fresh(voucher, step, NOON + 2 * HALF_MINUTE)
    assert not step_is_fresh(voucher, step + 1, NOON)  # nobody can show the future


def test_an_old_screenshot_is_recognised_for_an_hour():
    voucher = a_voucher()
    token = qr_text(voucher, NOON)[-16:]
    assert step_presented(voucher, token, NOON + timedelta(minutes=59)) == step_of(NOON)
    assert step_presented(voucher, token, NOON + timedelta(hours=1)) is None
    assert step_presented(voucher, "0" * 16, NOON) is None


def test_after_a_use_the_next_step_is_shown_and_accepted():
    """A card for three is used three times within one half minute."""
    step = step_of(NOON)
    for ahead in range(4):
        voucher = a_voucher(last_step=step + ahead)
        token = qr_text(voucher, NOON)[-16:]
        assert step_presented(voucher, token, NOON) == step + ahead + 1
        assert step_is_fresh(voucher, step + ahead + 1, NOON)
        assert not step_is_fresh(voucher, step + ahead + 2, NOON)


def test_a_proof_is_for_one_counter_and_ten_minutes():
    voucher = a_voucher()
    text = proof(voucher, store_id=STORE, staff_id=TAO, step=77, until=NOON + PROOF_LIFE)
    at = {"store_id": STORE, "staff_id": TAO}
    assert step_proven(voucher, text, **at, now=NOON) == 77
    assert step_proven(voucher, text, **at, now=NOON + PROOF_LIFE - timedelta(seconds=1)) == 77
    assert step_proven(voucher, text, **at, now=NOON + PROOF_LIFE) is None
    assert step_proven(voucher, text, store_id=UUID(int=6), staff_id=TAO, now=NOON) is None
    assert step_proven(voucher, text, store_id=STORE, staff_id=UUID(int=8), now=NOON) is None
    assert step_proven(a_voucher(secret=b"x" * 16), text, **at, now=NOON) is None
    later = text.replace(str(int((NOON + PROOF_LIFE).timestamp())), str(int((NOON + 9 * PROOF_LIFE).timestamp())))
    assert step_proven(voucher, later, **at, now=NOON) is None
    for broken in ("", ".", "77", "77.x.y", text[:-1], "0" + text, "é.é.é"):
        assert step_proven(voucher, broken, **at, now=NOON) is None


def test_codes_are_random_digits():
    codes = fresh_codes(20_000)
    assert all(len(code) == 12 and code.isdigit() for code in codes)
    assert len(set(codes)) == len(codes)
    for place in range(12):  # each digit at each place about equally often
        counts = [sum(code[place] == str(digit) for code in codes) for digit in range(10)]
        assert min(counts) > 1700
        assert max(counts) < 2300
    rising = sum(a < b for a, b in pairwise(codes))
    assert 9_600 < rising < 10_400  # not sequential


def test_logs_keep_little():
    assert masked("012345678901") == "12:8901"
    assert masked("1234567") == "7:"
    assert masked("x" * 1000) == "200:xxxx"


def test_a_voucher_in_a_log_shows_no_secret_and_no_code():
    voucher = a_voucher()
    assert voucher.code not in f"{voucher!r} {voucher}"
    assert "secret" not in repr(voucher)
    assert voucher.holder == "王**"


@given(st.integers(0, 10**9), st.lists(st.integers(1, 5), min_size=1, max_size=30))
def test_the_parts_of_all_uses_close_the_sum(total: int, counts: list[int]):
    left, uses = total, sum(counts)
    for count in counts:
        part = share(left, count, uses)
        assert 0 <= part <= left
        left, uses = left - part, uses - count
    assert left == 0
