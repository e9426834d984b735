-- End the holds that are still held; the rows that this call ended, with what they had claimed.
-- The inner select locks in sorted order, so two sweeps or two batches never wait for each other in a ring.
with live as (
  select h.hold_id from inventory.holds h
  where h.city_id = %(city)s and h.hold_id = any(%(ids)s::uuid[]) and h.state = 'held'
  order by h.hold_id for no key update
), ended as (
  update inventory.holds h set state = %(state)s, ended_at = %(now)s
  from live l where h.city_id = %(city)s and h.hold_id = l.hold_id and h.state = 'held'
  returning h.hold_id, h.ref
)
select e.hold_id, e.ref, w.quota_id, w.units
from ended e left join inventory.wants w on w.city_id = %(city)s and w.hold_id = e.hold_id
