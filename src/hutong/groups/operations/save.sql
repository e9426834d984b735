-- Teams that are locked, and seats of theirs, as they are from now on.
with team as (
  update groups.teams t
  set held = k.held, taken = k.taken, state = k.state, closes_at = k.closes,
      ended_at = case when k.state in ('forming', 'open') then null else coalesce(t.ended_at, %(now)s) end
  from unnest(%(teams)s::uuid[], %(helds)s::int[], %(takens)s::int[], %(states)s::text[], %(closes)s::timestamptz[])
       as k(id, held, taken, state, closes)
  where t.city_id = %(city)s and t.team_id = k.id
)
update groups.seats s
set state = k.state,
    taken_at = case when k.state = 'freed' then null else coalesce(s.taken_at, %(now)s) end,
    ended_at = case when k.state in ('held', 'taken') then null else coalesce(s.ended_at, %(now)s) end
from unnest(%(seats)s::uuid[], %(seat_states)s::text[]) as k(id, state)
where s.city_id = %(city)s and s.order_id = k.id
