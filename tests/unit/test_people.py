"""Numbers, addresses, devices and keys as they are read; codes as they are stored."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from hutong.infra.ids import new_id
from hutong.people import new_secret, normalise
from hutong.people.model import bucket, code_digest, device_label, key_text, network_of, read_key
from hutong.people.phones import normalise as same

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("13800138000", "+8613800138000"),
        (" 138 0013-8000 ", "+8613800138000"),
        ("１３８００１３８０００", "+8613800138000"),
        ("+86 138 0013 8000", "+8613800138000"),
        ("0086 13800138000", "+8613800138000"),
        ("+33 6 12 34 56 78", "+33612345678"),
        ("021-61234567", None),  # a landline hears no text message
        ("4008001234", None),
        ("1380013800", None),
        ("13800138000 ext 5", None),
        ("not a number", None),
        ("", None),
        ("1" * 500, None),
    ],
)
def test_one_written_form_for_each_number(typed, number):
    assert normalise(typed) == same(typed) == number


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("a unix socket", "a unix socket"),
    ],
)
def test_one_household_is_one_sender(address, network):
    assert network_of(address) == network


def test_a_digest_holds_for_one_number_purpose_time_and_secret_only():
    given = {"phone": "+8613800138000", "purpose": "sign_in", "made_at": NOON, "code": "123456"}
    digest = code_digest(b"secret", **given)
    assert digest == code_digest(b"secret", **given)
    others = [{"phone": "+8613800138001"}, {"purpose": "confirm"}, {"made_at": NOON + timedelta(seconds=1)},
              {"code": "123457"}]  # fmt: skip
    assert all(code_digest(b"secret", **{**given, **other}) != digest for other in others)
    assert code_digest(b"other", **given) != digest


def test_a_limit_is_not_named_after_a_number():
    assert "13800138000" not in bucket(b"s", "codes-phone", "+8613800138000")
    assert bucket(b"s", "a", "x") != bucket(b"s", "b", "x") != bucket(b"t", "b", "x")


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Mobile Safari/604.1", "Safari · iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/131.0 Mobile MicroMessenger/8.0", "WeChat · Android"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/131.0 Safari/537.36 Edg/131.0", "Edge · Windows"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "?"),
        ("x" * 500, "x" * 20),
    ],
)
def test_a_device_in_a_few_words(agent, label):
    assert device_label(agent) == label


def test_a_key_reads_back_and_nothing_else_does():
    key_id, secret = new_id(), new_secret()
    text = key_text(key_id, secret)
    assert read_key(text) == (key_id, secret)
    top = "hutong_live_" + "z" * 26 + "_" + secret  # a number too big for an id
    for wrong in ("", text[:-30], text.replace("live", "test"), text + "!", top, text.replace("_", "-"), "x" * 9999):
        assert read_key(wrong) is None, wrong
    assert len(key_text(UUID(int=0), secret)) == len(text)
