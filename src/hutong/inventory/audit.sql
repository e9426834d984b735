-- name: S01 sold + held + remaining is the total of every quota, and none is below zero
select city_id, quota_id, total, held, sold, remaining from inventory.quotas
where sold + held + remaining <> total or least(total, held, sold, remaining) < 0;
-- name: S02 the counters of every quota say what its holds say
select q.city_id, q.quota_id, q.held, q.sold, coalesce(w.held, 0) as holds_held, coalesce(w.sold, 0) as holds_sold
from inventory.quotas q
left join (
  select w.city_id, w.quota_id, sum(w.units) filter (where h.state = 'held') as held,
         sum(w.units - w.units_returned) filter (where h.state = 'confirmed') as sold
  from inventory.wants w join inventory.holds h on h.city_id = w.city_id and h.hold_id = w.hold_id
  group by w.city_id, w.quota_id
) w on w.city_id = q.city_id and w.quota_id = q.quota_id
where q.held <> coalesce(w.held, 0) or q.sold <> coalesce(w.sold, 0);
-- name: S03 units given back are noted one by one, and only for what was sold
select w.city_id, w.hold_id, w.quota_id, w.units_returned, coalesce(sum(r.units), 0) as noted
from inventory.wants w
join inventory.holds h on h.city_id = w.city_id and h.hold_id = w.hold_id
left join inventory.returns r on r.city_id = w.city_id and r.hold_id = w.hold_id and r.quota_id = w.quota_id
group by w.city_id, w.hold_id, w.quota_id, w.units_returned, h.state
having w.units_returned <> coalesce(sum(r.units), 0) or (w.units_returned > 0 and h.state <> 'confirmed');
-- name: S05 no hold outlives its time by an hour, by the latest hold or end of a hold in its city
select h.city_id, h.hold_id, h.expires_at
from inventory.holds h
join (select city_id, max(greatest(held_at, ended_at)) as latest from inventory.holds group by city_id) c
  on c.city_id = h.city_id
where h.state = 'held' and h.expires_at < c.latest - interval '1 hour';
-- name: S06 a hold whose units were taken over ended then, and another hold has taken no more than it had
select o.city_id, o.hold_id, o.moved_to from inventory.holds o
left join inventory.holds n on n.city_id = o.city_id and n.hold_id = o.moved_to
where o.moved_to is not null and (n.hold_id is null or n.held_at <> o.ended_at or exists (
  select 1 from inventory.wants w
  left join inventory.wants b on b.city_id = w.city_id and b.hold_id = o.hold_id and b.quota_id = w.quota_id
  where w.city_id = n.city_id and w.hold_id = n.hold_id and w.units > coalesce(b.units, 0)));
