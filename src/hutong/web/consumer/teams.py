"""A team on its own page: who is in it, who is missing, until when; joining it and calling friends."""

from litestar import Response, get
from litestar.params import FromPath

from hutong import groups
from hutong.groups import Team
from hutong.infra.db import Tx
from hutong.kit.ids import TEAM
from hutong.web.consumer.deal import shops_for, shown_offer
from hutong.web.consumer.here import Here, InCity, sure_found
from hutong.web.consumer.posters import poster_svg
from hutong.web.consumer.shelves import Shelves, shelves_of
from hutong.web.consumer.standing import standing_of
from hutong.web.consumer.together import shown_team, team_together
from hutong.web.shared.guards import public
from hutong.web.shared.visit import Visiting

PICTURE = {"cache-control": "no-store", "content-security-policy": "default-src 'none'"}


@get("/c/{city:str}/groups/{team:str}", guards=[public])
async def team_page(visit: Visiting, here: InCity, team: FromPath[str]) -> Response[str]:
    """A team: faces and free places, progress, countdown, rules; Join leads to the confirmation."""
    now = visit.house.clock.now()
    actor = visit.actor
    async with visit.house.db.reading(here.city_id) as tx:
        found = await _found(tx, here, team)
        deal = await shown_offer(tx, found.offer_id, here)
        shops = await shops_for(tx, deal, visit, here)
        standing = await standing_of(tx, deal, here=here, now=now)
        together = await team_together(tx, deal, visit, here, now)
    shelves: Shelves = await shelves_of(visit.house)
    visit.personal = visit.personal or actor is not None
    shown = shown_team(found, actor.member_id if actor else None, city_id=here.city_id, now=now)
    others = [one for one in together.joinable if one.team.team_id != found.team_id]
    return visit.page(
        "consumer/team.html", deal=deal, shops=shops, standing=standing, one=shown, others=others, shelves=shelves,
        running=together.mine if together.mine and together.mine.team.team_id != found.team_id else None,
    )  # fmt: skip


@get("/c/{city:str}/groups/{team:str}/poster.svg", guards=[public])
async def team_poster(visit: Visiting, here: InCity, team: FromPath[str]) -> Response[bytes]:
    """The invitation as a picture: what, for how much, how many are missing, and a QR code that leads to the team."""
    async with visit.house.db.reading(here.city_id) as tx:
        found = await _found(tx, here, team)
        deal = await shown_offer(tx, found.offer_id, here)
        shops = await shops_for(tx, deal, visit, here)
    t, f = visit.t, visit.formats()
    link = f"{visit.house.settings.address}{here.to(f'/groups/{team}')}?from=poster"
    call = t("team.poster_call", n=found.missing) if found.state == "open" else t("team.poster_over")
    drawn = poster_svg(
        link=link, title=f.say(deal.title), shop=f.say(shops[0].card.name) if shops else "",
        price=f.money(deal.price), was=f.money(deal.list_price) if deal.price < deal.list_price else "", call=call,
        until=t("team.poster_until", when=f.moment(found.closes_at)) if found.closes_at else "",
        how=t("team.poster_how"), site=t("site.name"),
    )  # fmt: skip
    return Response(drawn, media_type="image/svg+xml", headers=PICTURE)


async def _found(tx: Tx, here: Here, text: str) -> Team:
    team_id = here.read(TEAM, text)
    return sure_found((await groups.teams(tx, [team_id], city_id=here.city_id)).get(team_id))


ROUTES = (team_page, team_poster)
