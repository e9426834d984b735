"""A store closes for good: what that means is shown first, then its name is typed, then the house does the rest."""

from typing import Annotated

from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect

from hutong import merchants
from hutong.desk import closing
from hutong.kit.access import Permission
from hutong.kit.ids import STORE
from hutong.kit.refusals import Refusal
from hutong.merchants import LastStore, Store
from hutong.web.merchant.stores import the_store
from hutong.web.merchant.till import AtTill, Till
from hutong.web.shared.forms import KeyedForm
from hutong.web.shared.guards import permission
from hutong.web.shared.visit import Visit, Visiting

OWNS = permission(Permission.EDIT_MERCHANT)
MOST_REASON = 200
SHOWN = 12  # deals that end, by name; of more there is the number


class ShutForm(KeyedForm, frozen=True, kw_only=True):
    """Why, and the name of the store as a proof that it is this one."""

    reason: str = ""
    name: str = ""


async def page(
    visit: Visit, till: Till, store: Store, *, status: int = 200, typed: dict[str, str] | None = None,
    wrongs: dict[str, str] | None = None, wrong: Refusal | None = None,
) -> Response[str]:  # fmt: skip
    """What closing this store would do, and the form; without the form where it is the last one."""
    visit.frame["tab"] = "stores"
    async with visit.house.db.reading(till.city_id) as tx:
        ending = await closing.ends_with(tx, store)
        others = len(await merchants.stores_of(tx, till.city_id, till.merchant_id)) - 1
    return visit.page(
        "merchant/store_close.html", status=status, store=store, shown=STORE.show(store.store_id, till.city_id),
        ending=ending[:SHOWN], more=max(0, len(ending) - SHOWN), others=others, typed=typed or {}, wrongs=wrongs or {},
        wrong=wrong or (LastStore() if not others else None), most=MOST_REASON,
    )  # fmt: skip


@get("/{store:str}/stores/{target:str}/close", guards=[OWNS])
async def look(visit: Visiting, till: AtTill, target: FromPath[str]) -> Response[str]:
    """What would end, what would go back, and the last question."""
    till.must(till.owns(Permission.EDIT_MERCHANT))
    return await page(visit, till, await the_store(visit, till, target))


@post("/{store:str}/stores/{target:str}/close", guards=[OWNS], status_code=303)
async def shut(
    visit: Visiting, till: AtTill, target: FromPath[str],
    data: Annotated[ShutForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response:  # fmt: skip
    """Close it, and go on in one of the others. Raises what `desk.closing.close_store` raises."""
    till.must(till.owns(Permission.EDIT_MERCHANT))
    store = await the_store(visit, till, target)
    reason, typed = " ".join(data.reason.split()), {"reason": data.reason, "name": data.name}
    wrongs = {}
    if not 1 <= len(reason) <= MOST_REASON:
        wrongs["reason"] = visit.t("store_close.wrong.reason", most=MOST_REASON)
    if " ".join(data.name.split()) not in (store.name.zh, store.name.en):
        wrongs["name"] = visit.t("store_close.wrong.name")
    if wrongs:
        return await page(visit, till, store, status=422, typed=typed, wrongs=wrongs)
    try:
        await closing.close_store(visit.house, till.city_id, till.actor, store.store_id, reason=reason)
    except Refusal as refusal:
        return await page(visit, till, store, status=refusal.status, typed=typed, wrong=refusal)
    async with visit.house.db.reading(till.city_id) as tx:
        left = {one.store_id for one in await merchants.stores_of(tx, till.city_id, till.merchant_id)}
    at = till.store_id if till.store_id in left else min(left)
    return Redirect(f"/m/{STORE.show(at, till.city_id)}/stores?done=closed", status_code=303)


ROUTES = (look, shut)
