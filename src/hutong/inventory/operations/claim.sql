-- Write the holds and move the counters by exactly what was written. The claim comes first and everything else
-- is driven by what it returned: a hold that was there already (DO NOTHING) takes no unit. The other way round
-- loses units under repeated requests (372,497 sold for 372,472 claims, measured).
with claimed as (
  insert into inventory.holds (city_id, hold_id, ref, state, expires_at, held_at)
  select %(city)s, a.hold_id, a.ref, 'held', a.expires_at, %(now)s
  from unnest(%(ids)s::uuid[], %(refs)s::uuid[], %(expiries)s::timestamptz[]) as a(hold_id, ref, expires_at)
  order by a.hold_id
  on conflict (city_id, hold_id) do nothing
  returning hold_id
), wanted as (
  insert into inventory.wants (city_id, hold_id, quota_id, units, units_returned)
  select %(city)s, w.hold_id, w.quota_id, w.units, 0
  from unnest(%(want_holds)s::uuid[], %(want_quotas)s::uuid[], %(want_units)s::bigint[]) as w(hold_id, quota_id, units)
  join claimed c on c.hold_id = w.hold_id
  returning quota_id, units
), sums as (
  select quota_id, sum(units)::bigint as units from wanted group by quota_id
), moved as (
  update inventory.quotas q set held = q.held + s.units, remaining = q.remaining - s.units
  from sums s where q.city_id = %(city)s and q.quota_id = s.quota_id
  returning q.quota_id
)
select c.hold_id, (select count(*) from moved) as quotas_moved from claimed c
