"""What people read of a refusal: its facts in words of their language, while machines keep the values."""

from collections.abc import Sequence
from typing import Any, get_args

import pytest

from hutong.catalog import NeedsReview, WrongStatus
from hutong.catalog.model import Status
from hutong.catalog.rules import CONTENT, LIVE_FIELDS
from hutong.kit.access import Role
from hutong.kit.refusals import Refusal
from hutong.mall import DeliveryState
from hutong.mall.model import State as ParcelState
from hutong.orders import OrderClosed
from hutong.orders.model import State as OrderState
from hutong.people import RoleNotThere
from hutong.pricing import MixedAssets, NoSuchStep
from hutong.pricing.stored import PromotionState


def test_a_value_is_said_in_words_and_kept_for_machines():
    refusal = WrongStatus(status="in_review")
    assert refusal.sentence().zh == "商品当前状态为「审核中」，不能执行此操作。"
    assert refusal.sentence().en == "The offer is in review, so this cannot be done."
    assert refusal.facts == {"status": "in_review"}
    assert Refusal.restore("wrong_status", refusal.facts).sentence() == refusal.sentence()


def test_a_list_is_said_one_after_the_other():
    refusal = NeedsReview(fields=["terms", "title"])
    assert refusal.sentence().zh == "在售商品不能直接修改：使用规则、标题。"
    assert refusal.sentence().en == "These cannot be changed while it is on sale: terms, title."
    assert MixedAssets(assets=["CNY", "EUR"]).sentence().en == "These cannot be bought together: CNY, EUR."


def test_a_value_without_words_is_said_as_it_is():
    assert WrongStatus(status="lost").sentence().en == "The offer is lost, so this cannot be done."


@pytest.mark.parametrize(
    ("refusal", "fact", "values"),
    [
        (NeedsReview, "fields", [name for name in CONTENT if name not in LIVE_FIELDS]),
        (WrongStatus, "status", get_args(Status)),
        (DeliveryState, "state", get_args(ParcelState)),
        (OrderClosed, "state", get_args(OrderState)),
        (NoSuchStep, "state", get_args(PromotionState)),
        (RoleNotThere, "role", tuple(Role)),
    ],
)
def test_every_value_has_its_words(refusal: type[Refusal], fact: str, values: Sequence[Any]):
    assert set(refusal.words[fact]) == {str(value) for value in values}
