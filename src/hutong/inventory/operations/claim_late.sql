-- Write the holds and move the counters by exactly what was written. As in claim.sql the claims come first and
-- everything else is driven by them. Where not so much is left, or the quota was closed or is
-- kept for those who wait, a CHECK of it refuses.
with claimed as (
  insert into inventory.holds (city_id, hold_id, ref, state, expires_at, held_at)
  select %(city)s, a.hold_id, a.ref, 'held', a.expires_at, %(now)s
  from (select unnest(%(ids)s::uuid[]) as hold_id, unnest(%(refs)s::uuid[]) as ref,
               unnest(%(expiries)s::timestamptz[]) as expires_at) as a
), wanted as (
  insert into inventory.wants (city_id, hold_id, quota_id, units, units_returned)
  select %(city)s, w.hold_id, w.quota_id, w.units, 0
  from (select unnest(%(want_holds)s::uuid[]) as hold_id, unnest(%(want_quotas)s::uuid[]) as quota_id,
               unnest(%(want_units)s::bigint[]) as units) as w
  returning quota_id, units
), sums as (
  select quota_id, sum(units)::bigint as units from wanted group by quota_id
), locked as (
  select q.quota_id from inventory.quotas q
  where q.city_id = %(city)s and q.quota_id = any(%(want_quotas)s::uuid[])
  order by q.quota_id for no key update
)
update inventory.quotas q
set held = q.held + s.units, remaining = case when q.closed_at is null and not q.listed then q.remaining - s.units else -1 end
from locked l join sums s on s.quota_id = l.quota_id
where q.city_id = %(city)s and q.quota_id = l.quota_id
