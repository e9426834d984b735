-- Note what comes back and by which ref; the counters of the holds follow what was written (see claim.sql).
with noted as (
  insert into inventory.returns (city_id, ref, quota_id, hold_id, units, at)
  select %(city)s, r.ref, r.quota_id, r.hold_id, r.units, %(now)s
  from unnest(%(refs)s::uuid[], %(quotas)s::uuid[], %(holds)s::uuid[], %(units)s::bigint[])
    as r(ref, quota_id, hold_id, units)
  order by r.ref, r.quota_id
  on conflict (city_id, ref, quota_id) do nothing
  returning ref, quota_id, hold_id, units
), sums as (
  select hold_id, quota_id, sum(units)::bigint as units from noted group by hold_id, quota_id
), counted as (
  update inventory.wants w set units_returned = w.units_returned + s.units
  from sums s where w.city_id = %(city)s and w.hold_id = s.hold_id and w.quota_id = s.quota_id
  returning w.quota_id
)
select n.ref, n.quota_id, n.hold_id, n.units, (select count(*) from counted) as wants_counted from noted n
