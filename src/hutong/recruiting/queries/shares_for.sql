with recursive led as (
  select a.merchant_id, a.attribution_id, a.operator_id as recruiter, a.since, a.ends_at, a.operator_id, 0 as depth
  from recruiting.attributions a
  where a.merchant_id = any(%(merchants)s::uuid[]) and a.operator_id is not null
    and a.since <= %(at)s and (a.until is null or a.until > %(at)s) and (a.ends_at is null or a.ends_at > %(at)s)
  union all
  select l.merchant_id, l.attribution_id, l.recruiter, l.since, l.ends_at, r.parent_id, l.depth + 1
  from led l
  cross join lateral (
    select r.parent_id from recruiting.ranks r
    where r.operator_id = l.operator_id and r.valid_from <= %(at)s order by r.version desc limit 1
  ) r
  where r.parent_id is not null and l.depth < 3
)
select l.*, r.version, r.handed_bps from led l
cross join lateral (
  select r.version, r.handed_bps from recruiting.ranks r
  where r.operator_id = l.operator_id and r.valid_from <= %(at)s order by r.version desc limit 1
) r
order by l.merchant_id, l.depth desc
