-- Members who came to these merchants in each stretch ('week' or 'month', by the city's calendar) of [since, until), of
-- them who had never come to any of these before it, and of those whom the alliance had met on an earlier day elsewhere.
with guests as (
  select member_id, day, min(day) over (partition by member_id) as first
  from (
    select distinct member_id, day from insight.comings
    where city_id = %(city)s and undone_at is null and not own and asset = %(asset)s
      and merchant_id = any(%(merchants)s::uuid[]) and day < %(until)s::date) d
), steps as (
  select distinct date_trunc(%(stretch)s::text, g.day)::date as step, g.member_id, g.first,
         g.first >= %(since)s::date and date_trunc(%(stretch)s::text, g.day) = date_trunc(%(stretch)s::text, g.first) as fresh
  from guests g where g.day >= %(since)s::date
)
select s.step as day, count(*)::int as members,
       count(*) filter (where s.fresh)::int as new,
       count(*) filter (where s.fresh and exists (
         select 1 from insight.comings e
         where e.city_id = %(city)s and e.member_id = s.member_id and e.day < s.first and e.undone_at is null
           and not e.own and e.asset = %(asset)s and e.merchant_id = any(%(alliance)s::uuid[])
           and e.merchant_id <> all(%(merchants)s::uuid[])))::int as introduced
from steps s group by s.step order by s.step
