"""What is told of vouchers afterwards: redemptions, their days, changes of state, refused scans. Values only."""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.vouchers.model import TERM, State


class Use(Struct, frozen=True, kw_only=True):
    """A redemption in the history of a counter. The holder is masked; of the code only the tail is shown. `own`: who
    used it at the counter held it himself."""

    redemption_id: UUID
    voucher_id: UUID
    request_no: str
    title: Text
    holder: str
    code_tail: str
    merchant_id: UUID
    store_id: UUID
    store_name: str
    staff_id: UUID
    staff_name: str
    count: int
    uses_left: int
    asset: str
    paid_units: int
    due_units: int
    at: datetime
    undo_until: datetime
    reversed_at: datetime | None = None
    reversed_by: UUID | None = None
    reason: str | None = None
    own: bool = False
    value: bool = False

    @property
    def spent(self) -> Amount | None:
        """What it took off stored value; None when it was a use of something else."""
        return Amount(self.count, self.asset) if self.value else None

    @property
    def times(self) -> int:
        """How many uses it was, as a person counts them."""
        return 1 if self.value or self.request_no.startswith(TERM) else self.count


class DayUses(Struct, frozen=True, kw_only=True):
    """The redemptions of one day on the clocks of a city: uses that stand, and redemptions that were undone since."""

    day: date
    count: int
    undone: int


class Step(Struct, frozen=True, kw_only=True):
    """A change of state: from what to what, when, by whom (None: the house) and why."""

    was: State
    state: State
    at: datetime
    by: UUID | None
    reason: str


class Failure(Struct, frozen=True, kw_only=True):
    """A scan that was refused: why (a refusal code), where, by whom; what was presented is masked."""

    at: datetime
    reason: str
    way: str
    presented: str
    store_id: UUID
    staff_id: UUID
    voucher_id: UUID | None
