-- End the holds that are still open and move their units; the holds that this call ended.
-- `live` locks in sorted order, so two sweeps or two batches never wait for each other in a ring; to ask how many it
-- found makes it come first. `ended_at is null` says that a hold is held in words that only the primary key answers:
-- by the index of what is due, which a young table shows as empty, each hold was looked for among all that are held.
-- For the same reason `offset 0`: what each hold wants is looked up by its id, never compared one by one.
with live as (
  select h.hold_id from inventory.holds h
  where h.city_id = %(city)s and h.hold_id = any(%(ids)s::uuid[]) and h.ended_at is null
  order by h.hold_id for no key update
), ended as (
  update inventory.holds h set state = %(state)s, ended_at = %(now)s
  where h.city_id = %(city)s and h.hold_id = any(%(ids)s::uuid[]) and h.ended_at is null
    and (select count(*) from live) > 0
  returning h.hold_id, h.ref
), sums as (
  select w.quota_id, sum(w.units)::bigint as units
  from ended e
  cross join lateral (select w.quota_id, w.units from inventory.wants w
                      where w.city_id = %(city)s and w.hold_id = e.hold_id offset 0) w
  group by w.quota_id
), locked as (
  select q.quota_id, s.units
  from sums s join inventory.quotas q on q.city_id = %(city)s and q.quota_id = s.quota_id
  order by q.quota_id for no key update of q
), moved as (
  update inventory.quotas q
  set held = q.held - l.units,
      sold = q.sold + case when %(state)s = 'confirmed' then l.units else 0 end,
      remaining = q.remaining + case when %(state)s = 'confirmed' then 0 else l.units end
  from locked l where q.city_id = %(city)s and q.quota_id = l.quota_id
)
select hold_id, ref from ended
