-- Each day on which a member came to a merchant of the alliance in [since, until), with the merchant he had come to
-- before it within so many days (none: null). Rows of one day follow each other as they came. With `merchants`: only
-- what begins or ends there. `introduced`: it was the member's first visit to the second merchant. One pass over what
-- these members did, so that the plan does not hang on how many the planner thinks there are.
with came as (
  select member_id, day, merchant_id, min(at) as at, sum(units)::bigint as units
  from insight.comings
  where city_id = %(city)s and undone_at is null and not own and asset = %(asset)s
    and merchant_id = any(%(alliance)s::uuid[]) and day < %(until)s::date
    and (%(merchants)s::uuid[] is null or member_id in (
      select g.member_id from insight.comings g
      where g.city_id = %(city)s and g.merchant_id = any(%(merchants)s::uuid[]) and g.undone_at is null and not g.own
        and g.day >= %(since)s::date - %(within)s::int and g.day < %(until)s::date))
  group by member_id, day, merchant_id
), walked as (
  select member_id, merchant_id, day, units, lag(merchant_id) over w as before, lag(day) over w as before_day,
         day = min(day) over (partition by member_id, merchant_id) as first
  from came window w as (partition by member_id order by day, at, merchant_id)
), moves as (
  select case when day - before_day <= %(within)s::int then before end as source, merchant_id as target, member_id,
         units, first
  from walked where day >= %(since)s::date
)
select source, target, count(*)::int as comings, count(distinct member_id)::int as members, sum(units)::bigint as units,
       count(*) filter (where first and source <> target)::int as introduced
from moves
where %(merchants)s::uuid[] is null or source = any(%(merchants)s::uuid[]) or target = any(%(merchants)s::uuid[])
group by source, target
order by source, target
