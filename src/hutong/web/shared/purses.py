"""The forms of a payee's money, the same for merchants and operators: withdraw, and name an account."""

from msgspec import Struct

from hutong import settlement
from hutong.infra.db import Tx
from hutong.settlement import PayAccount, Payee, Payout, Standing, Task
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.visit import Visit


class AccountForm(KeyedForm, frozen=True, kw_only=True):
    """Where the money shall go, and whose account it is."""

    account: str = ""
    holder: str = ""


class Wallet(Struct, frozen=True, kw_only=True):
    """A payee's payouts, the account they go to, what waits for a person."""

    payouts: list[Payout]
    standing: Standing
    accounts: list[PayAccount]
    tasks: list[Task]

    @property
    def proposed(self) -> PayAccount | None:
        return next((one for one in self.accounts if one.state == "proposed"), None)

    @property
    def on_its_way(self) -> bool:
        return any(one.ended_at is None for one in self.payouts)

    @property
    def tail(self) -> str:
        """The end of the account that is used now."""
        return (self.standing.account or "")[-4:]


async def wallet_of(tx: Tx, visit: Visit, payee: Payee, *, city_id: int, asset: str) -> Wallet:
    """Everything that the page of a payee's payouts shows."""
    standing = (await settlement.standings(tx, [payee], at=visit.house.clock.now()))[payee]
    return Wallet(
        payouts=await settlement.payouts_of(tx, payee, city_id=city_id, asset=asset), standing=standing,
        accounts=await settlement.accounts_of(tx, payee),
        tasks=await settlement.tasks_open(tx, city_id=city_id, payee=payee),
    )  # fmt: skip
