-- End holds that are locked, write those that take their units over, and move the counters by the difference: what is
-- taken over never becomes free in between, so nobody who looks at the quota can have it.
with ended as (
  update inventory.holds h set state = 'released', ended_at = %(now)s, moved_to = n.new
  from unnest(%(olds)s::uuid[], %(news)s::uuid[]) as n(old, new)
  where h.city_id = %(city)s and h.hold_id = n.old and h.state = 'held'
  returning h.hold_id
), claimed as (
  insert into inventory.holds (city_id, hold_id, ref, state, expires_at, held_at)
  select %(city)s, a.hold_id, a.ref, 'held', a.expires_at, %(now)s
  from unnest(%(ids)s::uuid[], %(refs)s::uuid[], %(expiries)s::timestamptz[]) as a(hold_id, ref, expires_at)
), wanted as (
  insert into inventory.wants (city_id, hold_id, quota_id, units, units_returned)
  select %(city)s, w.hold_id, w.quota_id, w.units, 0
  from unnest(%(want_holds)s::uuid[], %(want_quotas)s::uuid[], %(want_units)s::bigint[]) as w(hold_id, quota_id, units)
  returning quota_id, units
), moves as (
  select m.quota_id, sum(m.units)::bigint as units
  from (
    select w.quota_id, -w.units as units
    from ended e join inventory.wants w on w.city_id = %(city)s and w.hold_id = e.hold_id
    union all select quota_id, units from wanted
  ) m group by m.quota_id
), locked as (
  select q.quota_id, m.units
  from moves m join inventory.quotas q on q.city_id = %(city)s and q.quota_id = m.quota_id
  order by q.quota_id for no key update of q
)
update inventory.quotas q set held = q.held + l.units, remaining = q.remaining - l.units
from locked l where q.city_id = %(city)s and q.quota_id = l.quota_id
