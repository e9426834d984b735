"""Each invariant of programmes fires when its violation is made on purpose."""

from datetime import timedelta

import pytest

from hutong import programmes
from hutong.infra.db import Database
from hutong.infra.ids import new_id
from hutong.kit.money import Amount
from hutong.kit.text import Text
from hutong.programmes import Campaign, Caps, Fund
from tests.conftest import audit_clean, fires
from tests.db.breaking import break_it
from tests.db.own_audit import codes
from tests.programmes_help import CITY, an_alliance

pytestmark = pytest.mark.anyio

M, L, D = "programmes.movements", "programmes.lots", "programmes.draws"
WALLETS = "programmes.members"
BREAK = {
    "PG01": [
        ["update ledger.book_accounts set credits_posted = credits_posted + 1 where path = 'reserve'"],
        [f"update {WALLETS} set pending = pending + 1"],
        ["delete from ledger.book_accounts where path = 'reserve'"],
    ],
    "PG02": [
        [f"alter table {WALLETS} drop constraint members_debt_first_check",
         f"update {WALLETS} set debt = 1, available = 1"],
    ],
    "PG03": [
        [f"update {L} set rest = rest - 1 where rest > 0"],
        [f"update {L} set state = 'available' where rest > 0"],
    ],
    "PG04": [
        [f"update {WALLETS} set held = held + 1"],
        ["update ledger.book_accounts set debits_posted = debits_posted + 1 where path like 'points/%%/debt'"],
        [f"delete from {WALLETS} where debt > 0"],
    ],
    "PG05": [[f"update {D} set points = points + 1"], [f"delete from {D} where kind = 'expire'"]],
    "PG06": [
        [f"update {M} set points = points + 1 where kind = 'send'"],
        [f"update {D} set movement_id = gen_random_uuid() where kind = 'claw_back'"],
    ],
    "PG07": [
        ["drop index programmes.movements_earn_key",
         f"update {M} set source_kind = 'receipt', source_ref = programme_id where kind = 'earn'"],
    ],
    "PG08": [
        [f"update {M} set base = base + 1, points = points + 1 where kind = 'earn'"],
        [f"update {L} set movement_id = gen_random_uuid()"],
    ],
    "PG09": [[f"update {D} set at = at + interval '2 years' where kind = 'burn'"],
             [f"update {D} set at = at - interval '2 years' where kind = 'send'"]],
    "PG10": [[f"update {M} set base_back = base_back - 1, undone = undone - 1 where base_back > 0"]],
    "PG11": [[f"update {M} set base_back = base_back - 1, undone = undone - 1 where base_back = base and base > 0"]],
    "PG12": [
        [f"update {M} set worth_back = worth_back + 1 where kind = 'burn' and worth_back < worth_units"],
        [f"update {D} set back = 0 where back > 0"],
    ],
    "PG13": [
        [f"update {M} set state = 'released', ended_at = at where state = 'held'"],
        [f"update {M} set ended_at = at where state = 'held'"],
    ],
    "PG14": [
        ["update programmes.debts set rest = rest - 1 where rest > 0"],
        [f"update {M} set points = points + 1 where kind = 'debt_paid'"],
        ["delete from programmes.debts"],
    ],
    "PG15": [[f"update {M} set units = units + 1 where kind = 'earn'"]],
    "PG16": [[f"delete from {M} where kind = 'expire'"]],
    "PG17": [
        ["alter table programmes.campaigns drop constraint campaigns_budget_check",
         "update programmes.campaigns set used_points = budget_points + 1"],
        ["update programmes.campaigns set used_points = used_points - 1"],
    ],
    "PG18": [
        ["alter table ledger.book_accounts drop constraint book_accounts_no_overdraft_check",
         "update ledger.book_accounts set debits_posted = credits_posted + 1 where path like 'funding/%%'"],
    ],
    "PG19": [[f"delete from {M} where kind = 'burn'"]],
    "PG20": [[f"update {WALLETS} set growth = growth + 1"]],
    "PG21": [["update programmes.missed set granted_at = null where granted_at is not null"],
             [f"delete from {M} where movement_id in (select movement_id from programmes.missed)"]],
    "PG22": [
        [f"update {M} set points = points - 1 where kind = 'receive'"],
        [f"update {L} set expires_at = expires_at + interval '1 day' where source_kind = 'friend'"],
    ],
    "PG23": [["update programmes.blocks set units = units + 1"]],
    "PG25": [["update programmes.blocks set debit_path = 'payable/merchant/' || gen_random_uuid() "
              "where partner_id is not null"]],
    "PG24": [
        ["drop index programmes.partners_live_key", "alter table programmes.partners disable trigger all",
         """insert into programmes.partners select gen_random_uuid(), partner_id, name, home_city, mode, accrues,
            redeems, rate, redemption_bps, limit_units, alert_units, charity, state, joined_at, left_at, version
            from programmes.partners"""],
    ],
}  # fmt: skip


async def a_little_history(db: Database, now) -> None:
    """Every kind of movement has happened: earned by parts, spent, held, given back, clawed back into debt, paid,
    sent, ended, missed and given later."""
    alliance = await an_alliance(db, pending_days=0, caps=Caps(earns_a_day_at_partner=3))
    shop = await alliance.join("noodles", blocks=1)
    campaign = Campaign(
        campaign_id=new_id(), programme_id=alliance.programme_id, name=Text.both("double"), earn_bps=20_000,
        since=now, until=now + timedelta(hours=1), payer="programme", budget_points=70,
    )  # fmt: skip
    funds = [
        Fund(block_id=new_id(), programme_id=alliance.programme_id, partner_id=partner, city_id=CITY,
             amount=Amount(units, "CNY"), debit_path="provider/sandbox")
        for partner, units in ((shop, 1_000), (None, 70))
    ]  # fmt: skip
    await alliance.run(lambda tx: programmes.fund(tx, funds, now=now))
    await alliance.run(lambda tx: programmes.save_campaigns(tx, [campaign], by=None, now=now))
    ann, bo = await alliance.rich(50, now), await alliance.rich(30, now)
    hold = alliance.hold(ann, "noodles", 40)
    await alliance.run(lambda tx: programmes.burn(tx, [hold], now=now))
    await alliance.run(lambda tx: programmes.give_back(tx, [alliance.back(hold, 10)], now=now))
    await alliance.run(lambda tx: programmes.hold(tx, [alliance.hold(ann, "noodles", 5)], now=now))
    await alliance.run(lambda tx: programmes.send(tx, [alliance.send(ann, bo, 10)], now=now))
    await alliance.burns(bo, "noodles", 55, now=now)
    await alliance.claws(bo, alliance.last[bo].source, now=now)
    await alliance.rich(20, now + timedelta(days=1), bo)
    for _ in range(4):
        last = alliance.buy(ann, "noodles", 500, now + timedelta(days=1))
        await alliance.earns(last)
    await alliance.run(lambda tx: programmes.grant_missed(tx, [last.movement_id], now=now + timedelta(days=1)))
    await alliance.expire(now + timedelta(days=366, hours=10))


@pytest.mark.parametrize(
    ("code", "steps"), [(code, steps) for code, ways in BREAK.items() for steps in ways], ids=str
)  # fmt: skip
async def test_it_fires(db: Database, database_url: str, now, code: str, steps: list[str]):
    await a_little_history(db, now)
    assert await audit_clean(db)
    break_it(database_url, [step.replace("%%", "%") for step in steps])
    assert await fires(db, code)


def test_every_invariant_has_its_test():
    assert codes("programmes") == set(BREAK)
