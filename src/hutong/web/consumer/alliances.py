"""Which points: where a city has several alliances, the member chooses once and every page follows."""

from collections.abc import Sequence
from uuid import UUID

from hutong.desk.pointing import Purse, chosen
from hutong.kit.ids import PROGRAMME, BadId
from hutong.programmes import Programme
from hutong.web.shared.visit import Visit

CHOSEN, ASKED = "hutong_points", "in"


def asked(visit: Visit) -> UUID | None:
    """The programme that the address names, else the one that was chosen before; None: no word of it. What is named
    in the address is remembered."""
    for said, now in ((visit.connection.query_params.get(ASKED), True), (visit.connection.cookies.get(CHOSEN), False)):
        try:
            programme_id = PROGRAMME.read(said or "")
        except BadId:
            continue
        if now:
            visit.keep(CHOSEN, PROGRAMME.show(programme_id))
        return programme_id
    return None


def choices(purses: Sequence[Purse]) -> list[tuple[Programme, int | None]]:
    """What there is to choose from, with the points that can be used of each."""
    return [(one.programme, one.wallet.available) for one in purses]


def purse_in(purses: Sequence[Purse], visit: Visit) -> Purse | None:
    """The purse that the page is about."""
    return chosen(purses, asked(visit))
