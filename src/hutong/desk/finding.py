"""What the house keeps of searches: how many visitors had a term that found something, never who."""

import hmac
from datetime import timedelta

from hutong import catalog
from hutong.desk.house import House
from hutong.infra.limits import Take, take
from hutong.kit.clock import local_day

DAY_S = 86_400
TERMS_A_DAY = 20  # of one visitor: more is a machine
KEEP = timedelta(days=30)


async def count_search(house: House, city_id: int, zone: str, words: str, *, visitor: str) -> bool:
    """Count a search that found something, in a small transaction of its own; whether it counted.

    `visitor` is whatever tells one from another (a session, an address); only a keyed digest of it is used, to let
    nobody count a term twice on a day, and it is forgotten with the limits after two.
    """
    term = catalog.term_of(words)
    if term is None:
        return False
    now, key = house.clock.now(), house.settings.key("searches")
    who = hmac.digest(key, f"{city_id}/{visitor}".encode(), "sha256").hex()[:32]
    once = hmac.digest(key, f"{city_id}/{visitor}/{term}".encode(), "sha256").hex()[:32]
    asks = [Take(f"search/{once}", 1, DAY_S), Take(f"searches/{who}", TERMS_A_DAY, DAY_S)]
    async with house.db.city(city_id) as tx:
        if any(await take(tx, asks, now=now)):
            return False
        return (await catalog.count_searches(tx, [term], city_id=city_id, day=local_day(now, zone)))[0]
