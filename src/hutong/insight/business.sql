-- Members of the asked merchants in [since, until): new ones and those of before, and whom the alliance had met first
-- elsewhere; second visits of new ones as on a result sheet. A row for each merchant and group of members. What belongs
-- to a guest is looked up by index, so that the plan does not hang on how many guests the planner thinks there are.
with mine as (
  select merchant_id, member_id, day, sum(units)::bigint as units
  from insight.comings
  where city_id = %(city)s and undone_at is null and not own and asset = %(asset)s
    and merchant_id = any(%(merchants)s::uuid[]) and day < %(until)s::date
  group by merchant_id, member_id, day
), guests as (
  select merchant_id, member_id, min(day) as day, count(*) filter (where day >= %(since)s::date) as comings,
         coalesce(sum(units) filter (where day >= %(since)s::date), 0)::bigint as units
  from mine group by merchant_id, member_id
  having max(day) >= %(since)s::date
), seen as (
  select g.*, m.merchant_id <> g.merchant_id as elsewhere, g.day >= %(since)s::date as new, b.back
  from guests g
  cross join lateral (
    select c.merchant_id from insight.comings c
    where c.city_id = %(city)s and c.member_id = g.member_id and c.undone_at is null and not c.own
      and c.asset = %(asset)s and c.day < %(until)s::date and c.merchant_id = any(%(alliance)s::uuid[])
    order by c.day, c.at, c.merchant_id limit 1) m
  left join lateral (
    select c.offer_id, c.at from insight.comings c
    where c.city_id = %(city)s and c.merchant_id = g.merchant_id and c.member_id = g.member_id and c.day = g.day
      and c.undone_at is null and not c.own and c.asset = %(asset)s
    order by c.at, c.coming_id limit 1) f on g.day >= %(since)s::date
  left join lateral (
    select min(c.day) as back from insight.comings c
    where c.city_id = %(city)s and c.merchant_id = g.merchant_id and c.member_id = g.member_id and c.day > g.day
      and c.day < %(today)s::date + 1 and c.undone_at is null and not c.own and c.asset = %(asset)s
      and (c.offer_id is distinct from f.offer_id or c.bought_at > f.at)) b on g.day >= %(since)s::date
)
select merchant_id, get_byte(uuid_send(member_id), 15) %% %(groups)s as bucket, count(*)::int as members,
       count(*) filter (where new)::int as new, sum(comings)::int as comings,
       count(*) filter (where elsewhere)::int as elsewhere, sum(units)::bigint as units,
       coalesce(sum(units) filter (where not new), 0)::bigint as returning_units,
       coalesce(sum(units) filter (where elsewhere), 0)::bigint as elsewhere_units,
       count(*) filter (where new and day + 30 < %(today)s::date)::int as known_30,
       count(*) filter (where new and day + 60 < %(today)s::date)::int as known_60,
       count(*) filter (where new and day + 90 < %(today)s::date)::int as known_90,
       count(*) filter (where new and day + 30 < %(today)s::date and back <= day + 30)::int as back_30,
       count(*) filter (where new and day + 60 < %(today)s::date and back <= day + 60)::int as back_60,
       count(*) filter (where new and day + 90 < %(today)s::date and back <= day + 90)::int as back_90
from seen
group by merchant_id, bucket
