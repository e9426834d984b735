"""The log tells what happened and never a secret or a phone number, whatever way they come."""

import io
import json
import logging
import sys
import threading
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr

from hutong.infra import scrub
from hutong.infra.logs import clean_request_id, configure, get_logger, request_scope
from hutong.infra.settings import Settings

PHONES = [
    "13812345678",
    "+8613812345678",
    "+86 138-1234-5678",
    "138 1234 5678",
    "8613812345678",
    "１３８１２３４５６７８",
    "010-12345678",
    "+33 6 12 34 56 78",
    "+14155550123",
    "0033612345678",
]


@pytest.fixture(autouse=True)
def logging_as_before():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hooks = sys.excepthook, threading.excepthook
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    sys.excepthook, threading.excepthook = hooks


def logged(act, style="json", level="debug") -> list[Any]:
    """What the log says while `act` happens."""
    out = io.StringIO()
    configure(Settings(_env_file=None, log_format=style, log_level=level), out)  # type: ignore[call-arg]
    act()
    lines = out.getvalue().splitlines()
    return [json.loads(line) for line in lines] if style == "json" else lines


log = get_logger("hutong.test")


# Fields


def test_a_line_has_its_event_fields_level_logger_and_time():
    (line,) = logged(lambda: log.info("order_placed", order="ord_1_abc", units=3, took=0.25, lines=["a", "b"]))
    time = line.pop("timestamp")
    assert time.endswith("Z")
    assert line == {
        "event": "order_placed", "order": "ord_1_abc", "units": 3, "took": 0.25, "lines": ["a", "b"],
        "level": "info", "logger": "hutong.test",
    }  # fmt: skip


def test_libraries_go_the_same_way():
    def act():
        logging.getLogger("some.library").warning("call %s at once", "13812345678", extra={"token": "t0p", "n": 1})

    (line,) = logged(act)
    assert line["event"] == f"call {scrub.DIGITS} at once"
    assert (line["token"], line["n"], line["logger"]) == (scrub.HIDDEN, 1, "some.library")


def test_a_field_may_have_any_name():
    (line,) = logged(lambda: log.info("x", name="n", args=1, message="m", level="l", timestamp="t", msg="m2"))
    assert (line["name"], line["args"], line["message"], line["level_"], line["msg"]) == ("n", 1, "m", "l", "m2")
    assert line["level"] == "info"


def test_bound_fields_and_the_request_id_stay():
    def act():
        mine = log.bind(city=1)
        with request_scope("req-12345678", route="/orders"):
            mine.info("inside")
            logging.getLogger("lib").warning("inside too")
        mine.info("outside")

    inside, too, outside = logged(act)
    assert (inside["request_id"], inside["route"], inside["city"]) == ("req-12345678", "/orders", 1)
    assert too["request_id"] == "req-12345678"
    assert "request_id" not in outside
    assert outside["city"] == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("req-12345678", True),
        ("a" * 64, True),
        ("short", False),
        ("a" * 65, False),
        ("x\nlevel=1", False),
        (None, False),
    ],
)
def test_a_callers_request_id_is_taken_when_it_is_fit(given, kept):
    assert clean_request_id(given) == (given if kept else None)


def test_below_the_level_nothing_is_said():
    assert logged(lambda: log.info("x"), level="warning") == []


# Canaries


SECRET_NAMES = """
    password new_password secret client_secret token csrf_token accessToken authorization Cookie Set-Cookie otp code
    voucher_code phone member_phone mobile tel api_key X-Api-Key private_key session session_id signature openid
    credentials dsn masterKey
"""


def test_secrets_go_by_the_name_of_their_field():
    canaries = {name: f"canary{i}x" for i, name in enumerate(SECRET_NAMES.split())}
    (line,) = logged(lambda: log.info("x", **canaries, nested={"deep": [{"user": {"password": "canary99x"}}]}))
    assert "canary" not in json.dumps(line)
    assert set(line) >= set(canaries)


def test_names_that_only_sound_secret_are_kept():
    kept = {"status_code": 404, "refusal_code": "sold_out", "exit_code": 1, "author": "Lin", "encode": "utf-8",
            "currency_code": "CNY", "key": "idem-1", "monkey": "m", "passed": 3, "has_password": True}  # fmt: skip
    (line,) = logged(lambda: log.info("x", **kept))
    assert {name: line[name] for name in kept} == kept


@pytest.mark.parametrize("phone", PHONES)
@pytest.mark.parametrize("around", ["{}", "to {} now", "电话{}转", "tel:{}", "<{}>", "({})", "'{}'", '"{}",'])
def test_phones_go_wherever_they_stand(phone, around):
    digits = "".join(c for c in phone if c.isdigit())[-7:]
    (line,) = logged(lambda: log.warning(around.format(phone), note=around.format(phone), more=[{"a": (phone,)}]))
    shown = json.dumps(line, ensure_ascii=False)
    assert phone not in shown
    assert digits not in "".join(c for c in shown.replace(line["timestamp"], "") if c.isdigit())


def test_numbers_go_when_they_look_like_phones():
    (line,) = logged(lambda: log.info("x", to=13812345678, also=8613812345678, cents=1999900, big=10**20))
    assert (line["to"], line["also"]) == (scrub.DIGITS, scrub.DIGITS)
    assert (line["cents"], line["big"]) == (1999900, 10**20)


@pytest.mark.parametrize(
    ("said", "canary"),
    [
        ("Authorization: Bearer abc.DEF-123_canary", "canary"),
        ("authorization=Basic Y2FuYXJ5OnB3", "Y2FuYXJ5"),
        ("GET /pay?token=canary&x=1", "canary"),
        ("POST password=canary;x=2", "canary"),
        ('{"password": "can\\"ary", "a": 1}', "ary"),
        ("{'secret': 'canary'}", "canary"),
        ("RequestCode(phone='+8613812345678', code='482913')", "482913"),
        ("Cookie: sid=canary; other=canary2", "canary"),
        ("postgresql://hutong:canary@db.example/hutong", "canary"),
        ("eyJhbGciOiJFZERTQSJ9.eyJjYW5hcnkiOjF9.c2ln", "eyJjYW5hcnkiOjF9"),
        ("key hutong_live_0123456789abcdefghjkmnpqrs_canary-secret", "canary"),
        ("scanned HT1.1.0123456789abcdefghjkmnpqrs.ABCDEFGHJKMNPQRS", "ABCDEFGH"),
        ("-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----", "canary"),
        ("您的验证码是 482913，5分钟内有效", "482913"),
        ("your code is 482913", "482913"),
        ("typed 1234 5678 9012 at the counter", "9012"),
        ("typed 123456789012", "789012"),
        ("密码：canary，请保密", "canary"),
        ("password=13812345678canary", "canary"),
        ("error: encode: token=canary", "canary"),
        ("password='canary", "canary"),
    ],
)
def test_secrets_in_texts_go(said, canary):
    for style in ("json", "console"):
        shown = str(logged(lambda: log.info(said, note=said), style=style))
        assert canary not in shown
        shown = str(logged(lambda: logging.getLogger("lib").warning("said: %s", said), style=style))
        assert canary not in shown


def test_what_is_needed_to_find_something_again_is_kept():
    kept = [
        "ord_1_0123456789abcdefghjkmnpqrs", "mem_01234567891234567890123456",
        "018f4e2c-1234-7abc-8def-123456789012", "2026-11-22T02:07:38.728Z", "GET /orders 200 in 0.25 s",
        "10.0.0.1:54321", "POST https://pay.example/v1/refunds -> 503", "sold 1999900 fen of 65535 units",
    ]  # fmt: skip
    (line,) = logged(lambda: log.info("x", kept=kept))
    assert line["kept"] == kept


class Struct(msgspec.Struct):
    phone: str
    name: str


class Unshowable:
    def __repr__(self) -> str:
        raise RuntimeError("canary")


def test_objects_are_shown_without_their_secrets():
    def act():
        log.info("x", struct=Struct("13812345678", "Ann"), secret_=SecretStr("canary"), raw=b"canary", bad=Unshowable())

    (line,) = logged(act)
    assert line["struct"] == f"Struct(phone='{scrub.DIGITS}', name='Ann')"
    assert line["raw"] == "[6 bytes]"
    assert "canary" not in json.dumps(line)


def test_a_trace_tells_where_but_no_secret():
    def act():
        try:
            raise ValueError("no member with 13812345678, token=canary")
        except ValueError:
            log.exception("fault", path="/orders")

    (line,) = logged(act)
    assert "in act" in line["exception"]
    assert "ValueError" in line["exception"]
    shown = logged(act, style="console")
    for text in (json.dumps(line), "\n".join(shown)):
        assert "13812345678" not in text.replace('raise ValueError("no member with 13812345678, token=canary")', "")


def test_an_exception_given_as_a_value_is_traced():
    (line,) = logged(lambda: log.error("fault", exc_info=ValueError("why")))
    assert "ValueError: why" in line["exception"]


def test_huge_and_deep_values_are_cut():
    deep: Any = "canary"
    for _ in range(20):
        deep = {"a": deep}
    (line,) = logged(lambda: log.info("x", long="a " * 10_000, many=list(range(1000)), deep=deep))
    assert len(line["long"]) < 5_000
    assert len(line["many"]) == scrub.LONGEST_LIST + 1
    assert "canary" not in json.dumps(line)


# Forged lines


def test_no_text_can_forge_a_line_or_paint_the_terminal():
    evil = "x\n2026-01-01 [info] forged\r\x1b[31m\u202e\x00"
    for style in ("json", "console"):
        lines = logged(lambda: log.info(evil, note=evil, **{"key\nforged": 1}), style=style)
        assert len(lines) == 1
        drawn = lines[0] if style == "console" else "".join(f"{name}{found}" for name, found in lines[0].items())
        assert not set("\n\r\x1b\x00\u202e") & set(drawn)
        assert "x\\x0a2026" in drawn


def test_a_trace_cannot_forge_a_line():
    def act():
        try:
            raise ValueError("x\n2026-01-01T00:00:00Z [info] forged\x1b[31m")
        except ValueError:
            log.exception("fault")

    first, *rest = logged(act, style="console")
    assert "fault" in first
    assert all(line.startswith("    ") for line in rest)
    assert "\x1b" not in "".join(rest)


def test_a_line_that_cannot_be_drawn_says_so():
    (line,) = logged(lambda: logging.getLogger("lib").warning("%d canary", "not a number"), style="console")
    assert "could not be drawn" in line
    assert "canary" not in line


# Where it goes


def test_it_goes_to_standard_error_and_never_to_standard_output(capsys):
    configure(Settings(_env_file=None, log_format="json"))  # type: ignore[call-arg]
    log.info("hello")
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err)["event"] == "hello"


def test_configuring_twice_says_things_once():
    out = io.StringIO()
    for _ in range(2):
        configure(Settings(_env_file=None, log_format="json"), out)  # type: ignore[call-arg]
    log.info("once")
    assert len(out.getvalue().splitlines()) == 1


def test_without_configuration_it_is_quiet(capsys):
    get_logger("hutong.quiet").info("hello", password="canary")
    assert capsys.readouterr() == ("", "")


def test_what_nobody_caught_is_logged():
    def act():
        thread = threading.Thread(target=lambda: 1 / 0, name="t1")
        thread.start()
        thread.join()
        try:
            raise KeyError("token=canary")
        except KeyError as error:
            sys.excepthook(KeyError, error, error.__traceback__)

    in_thread, main = logged(act)
    assert in_thread["event"] == "unhandled_in_thread"
    assert "ZeroDivisionError" in in_thread["exception"]
    assert main["event"] == "unhandled"
