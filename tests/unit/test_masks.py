"""Personal data is shown so that one recognises oneself and others learn nothing."""

import pytest

from hutong.kit.masks import mask_name, mask_phone, phone_tail, shown_name


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("+8613800138000", "138****8000"),
        ("+33612345678", "+33****5678"),
        ("+1234567", "****4567"),
        ("", "****"),
    ],
)
def test_a_phone_shows_its_ends(phone, masked):
    assert mask_phone(phone) == masked


@pytest.mark.parametrize(("name", "masked"), [("王小明", "王**"), ("Ann Lee", "A** L**"), ("李", "李**"), ("  ", "**")])
def test_a_name_shows_its_beginning(name, masked):
    assert mask_name(name) == masked


def test_who_gave_no_name_gets_a_neutral_one():
    assert phone_tail("+8613800138000") == "8000"
    assert shown_name("", "8000", "zh-CN") == "会员8000"
    assert shown_name("", "8000", "en") == "Member 8000"
    assert shown_name("Ann", "8000", "zh") == "Ann"
