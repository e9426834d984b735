"""A further store of a merchant who is in: what he says of it, and how far it is. Values and pure rules."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from hutong.kit.geo import Point
from hutong.kit.ids import derive
from hutong.kit.refusals import Refusal
from hutong.kit.text import Text

StoreState = Literal["waiting", "returned", "withdrawn", "open"]
SAID = ("name", "address", "category", "district_id", "place", "phone", "hours", "photo")


class StoreSaid(Struct, frozen=True, kw_only=True):
    """What the merchant says of the store. `place` is WGS-84; `hours` as `merchants.Hours.numbers()`; `photo` is a name
    in the file store; `pinned` whether he set the place himself (else it is the middle of the district)."""

    name: Text
    address: Text
    category: str
    district_id: int
    place: Point
    pinned: bool
    phone: str | None
    hours: list[list[list[int]]]
    photo: str | None = None


class AskStore(Struct, frozen=True, kw_only=True):
    """Ask for a store, or (with the `version` that was read) ask again after it was sent back."""

    new_store_id: UUID
    merchant_id: UUID
    by: UUID
    said: StoreSaid
    version: int = 0


class MoveStore(Struct, frozen=True, kw_only=True):
    """Decide about it, or take it back: the version that was looked at, and why."""

    new_store_id: UUID
    by: UUID
    version: int
    reason: str = ""


class NewStore(Struct, frozen=True, kw_only=True):
    """A further store that is asked for. `reason`: what was said at the last step."""

    city_id: int
    new_store_id: UUID
    merchant_id: UUID
    store_id: UUID
    asked_by: UUID
    said: StoreSaid
    state: StoreState
    version: int
    made_at: datetime
    changed_at: datetime
    reason: str = ""
    before: StoreSaid | None = None


def new_store_of(new_store_id: UUID) -> UUID:
    """The store that comes of it."""
    return derive(new_store_id, "store")


def changed(was: StoreSaid, now: StoreSaid) -> list[str]:
    """Which of its parts are different."""
    return [name for name in SAID if getattr(was, name) != getattr(now, name)]


class NewStoreUnknown(Refusal):
    """There is no such store in waiting for who asks."""

    code = "new_store_not_found"
    status = 404
    say = Text(zh="没有找到这家新店。", en="There is no such new store.")
    step = Text(zh="请返回列表。", en="Go back to the list.")


class NewStoreChanged(Refusal):
    """Somebody decided or changed it in the meantime."""

    code = "new_store_changed"
    say = Text(zh="这家新店的申请已有变化。", en="This new store has been decided about or changed meanwhile.")
    step = Text(zh="请刷新后再看。", en="Look at it again.")


class OwnStore(Refusal):
    """Nobody lets in what he asked for himself."""

    code = "own_new_store"
    status = 403
    say = Text(zh="不能审核自己提交的新店。", en="Nobody lets in a store that he asked for himself.")
    step = Text(zh="请由另一位运营人员审核。", en="Another person of the operator decides.")


class TooManyNewStores(Refusal):
    """So many stores of one merchant wait already."""

    code = "too_many_new_stores"
    say = Text(zh="最多同时有 {most} 家新店待审核。", en="At most {most} new stores may wait at once.")
    step = Text(zh="请等审核结果，或撤回一家。", en="Wait for the answers, or take one back.")
