"""Where guests use what they bought: uses counted over cells of a map. The asker says which store lies in which."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from msgspec import Struct

from hutong.infra.db import Tx
from hutong.insight.repeats import FEW


class Heat(Struct, frozen=True, kw_only=True):
    """A cell of the map: how many uses of how many members."""

    cell: int
    uses: int
    members: int

    @property
    def few(self) -> bool:
        """Whether a reader could guess who it was: it is not told."""
        return self.members < FEW


async def heat(tx: Tx, cells: Mapping[UUID, int], *, city_id: int, since: date, until: date) -> list[Heat]:
    """The uses on the city's days [since, until) in each cell, `cells` by store; cells without any are left out.

    A member counts once in a cell, however many of its stores he visited. Undone uses and those of a merchant's own
    staff count nowhere. One statement.
    """
    rows = await tx.rows(
        """select c.cell, count(*)::int as uses, count(distinct v.member_id)::int as members
           from unnest(%(stores)s::uuid[], %(cells)s::int[]) as c (store_id, cell)
           join insight.visits v on v.city_id = %(city)s and v.store_id = c.store_id
           where v.day >= %(since)s and v.day < %(until)s and v.undone_at is null and not v.own
           group by c.cell order by c.cell""",
        city=city_id, stores=list(cells), cells=list(cells.values()), since=since, until=until,
    )  # fmt: skip
    return [Heat(**row) for row in rows]
