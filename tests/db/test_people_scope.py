"""The one filter of the house: `Scope.sql` lets through exactly what `Actor.can` allows, whatever the roles."""

from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hutong.kit.access import PERMISSIONS, SCOPE_OF, Actor, Grant, Permission, Role

CITIES = [1, 2]
MERCHANTS = [UUID(int=100 + n) for n in range(3)]
STORES = [UUID(int=200 + n) for n in range(4)]
# Every object that these cities, merchants and stores can make, those without an owner of some kind included.
WORLD = [(c, m, s) for c in [*CITIES, None] for m in [*MERCHANTS, None] for s in [*STORES, None]]
VALUES = ", ".join(f"(%(c{i})s::int, %(m{i})s::uuid, %(s{i})s::uuid)" for i in range(len(WORLD)))
PARAMS = {f"{k}{i}": v for i, owners in enumerate(WORLD) for k, v in zip("cms", owners, strict=True)}


@st.composite
def grants(draw) -> Grant:
    role = draw(st.sampled_from(Role))
    kind = SCOPE_OF[role]
    return Grant(
        grant_id=UUID(int=1),
        role=role,
        city_id=draw(st.sampled_from(CITIES)) if kind in ("city", "store") else None,
        merchant_id=draw(st.sampled_from(MERCHANTS)) if kind in ("merchant", "store") else None,
        store_id=draw(st.sampled_from(STORES)) if kind == "store" else None,
    )


ACTORS = st.builds(
    Actor,
    member_id=st.just(UUID(int=9)),
    name=st.just("x"),
    grants=st.lists(grants(), max_size=4).map(tuple),
    only=st.none() | st.frozensets(st.sampled_from(Permission), max_size=6),
)


@pytest.fixture(scope="module")
def server(server_url):
    with psycopg.connect(server_url, autocommit=True) as conn:
        yield conn


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actor=ACTORS, permission=st.sampled_from(Permission))
def test_the_filter_agrees_with_the_permission(server, actor: Actor, permission: Permission):
    condition, params = actor.scope(permission).sql(city="w.city", merchant="w.merchant", store="w.store")
    sql = f"select w.* from (values {VALUES}) as w (city, merchant, store) where {condition}"
    through = set(server.execute(sql, {**PARAMS, **params}).fetchall())
    allowed = {(c, m, s) for c, m, s in WORLD if actor.can(permission, city=c, merchant=m, store=s)}
    assert through == allowed


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actor=ACTORS, permission=st.sampled_from(Permission), columns=st.sets(st.sampled_from("cms")))
def test_a_table_without_a_column_shows_less_and_never_more(server, actor, permission, columns):
    names = {"c": ("city", "w.city"), "m": ("merchant", "w.merchant"), "s": ("store", "w.store")}
    condition, params = actor.scope(permission).sql(**dict(names[c] for c in columns))
    sql = f"select w.* from (values {VALUES}) as w (city, merchant, store) where {condition}"
    for c, m, s in server.execute(sql, {**PARAMS, **params}).fetchall():
        assert actor.can(permission, city=c, merchant=m, store=s)


@given(actor=ACTORS, role=st.sampled_from(Role), owners=st.sampled_from(WORLD))
def test_who_gives_a_role_has_every_permission_that_it_carries(actor, role, owners):
    """Nobody can give what would let the receiver do more than the giver (but for the counter, see PERMISSIONS)."""
    city, merchant, store = owners
    if actor.only is not None or not actor.may_give(role, city=city, merchant=merchant, store=store):
        return
    given_by_owner = [g for g in actor.grants if g.role in (Role.MERCHANT_OWNER, Role.STORE_MANAGER)]
    if len(given_by_owner) == len(actor.grants):
        for permission in PERMISSIONS[role]:
            assert actor.can(permission, city=city, merchant=merchant, store=store)
