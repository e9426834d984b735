"""In which way an offer is wanted, as pages and the API write it."""

from hutong.kit.ids import BARGAIN, TEAM, BadId
from hutong.orders import Choice

_IDS = {"join_team": TEAM, "bargain": BARGAIN}


def choice_of(way: str, city_id: int) -> Choice | None:
    """`open_team`, `alone`, `join_team.tem_...` or `bargain.bgn_...`; None for no choice, or one that we do not know.

    Raises bad_id for an id that is none, or another city's.
    """
    kind, _, shown = way.partition(".")
    match kind:
        case "open_team" | "alone":
            return Choice(kind)
        case "join_team" | "bargain":
            city, value = _IDS[kind].read_local(shown)
            if city != city_id:
                raise BadId(text=shown[:60])
            return Choice(kind, value)
        case _:
            return None
