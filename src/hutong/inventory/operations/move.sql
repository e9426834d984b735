-- Move units between held, sold and remaining. The CHECKs refuse whatever does not add up.
with locked as (
  select q.quota_id from inventory.quotas q
  where q.city_id = %(city)s and q.quota_id = any(%(ids)s::uuid[])
  order by q.quota_id for no key update
)
update inventory.quotas q
set held = q.held + d.held, sold = q.sold + d.sold, remaining = q.remaining - d.held - d.sold
from locked l
join unnest(%(ids)s::uuid[], %(held)s::bigint[], %(sold)s::bigint[]) as d(quota_id, held, sold)
  on d.quota_id = l.quota_id
where q.city_id = %(city)s and q.quota_id = l.quota_id
