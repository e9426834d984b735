-- End holds whose time is over, oldest first, as many as asked; those that somebody works on are left for later.
with due as (
  select h.hold_id from inventory.holds h
  where h.city_id = %(city)s and h.state = 'held' and h.expires_at <= %(now)s
  order by h.expires_at, h.hold_id limit %(limit)s
  for no key update skip locked
), ended as (
  update inventory.holds h set state = 'expired', ended_at = %(now)s
  from due d where h.city_id = %(city)s and h.hold_id = d.hold_id and h.state = 'held'
  returning h.hold_id, h.ref, h.expires_at
)
select e.hold_id, e.ref, e.expires_at, w.quota_id, w.units
from ended e left join inventory.wants w on w.city_id = %(city)s and w.hold_id = e.hold_id
order by e.expires_at, e.hold_id
