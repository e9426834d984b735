-- New guests of these merchants, whatever brought them: how many came a second time within 30, 60 and 90 days, counted
-- as on a sheet. A member who is new at two merchants is two guests. `own`: the first of the merchants, else the trade.
with first as (
  select distinct on (v.merchant_id, v.member_id) v.merchant_id, v.member_id, v.day, v.offer_id, v.trade, v.at
  from insight.visits v
  where v.city_id = %(city)s and v.undone_at is null and not v.own
    and (v.merchant_id = any(%(merchants)s::uuid[]) or v.trade = any(%(trades)s::text[]))
  order by v.merchant_id, v.member_id, v.day, v.at
), fresh as (
  select f.* from first f
  where f.day >= %(since)s::date and not exists (
    select 1 from insight.visits e
    where e.city_id = %(city)s and e.merchant_id = f.merchant_id and e.member_id = f.member_id and e.day < f.day
      and e.undone_at is null and not e.own)
), seen as (
  select f.merchant_id, f.trade, f.day, l.back from fresh f
  cross join lateral (
    select min(e.day) as back from insight.visits e
    where e.city_id = %(city)s and e.merchant_id = f.merchant_id and e.member_id = f.member_id and e.day > f.day
      and e.day < %(day)s::date + 1 and e.undone_at is null and not e.own and (e.offer_id <> f.offer_id or e.bought_at > f.at)) l
)
select merchant_id, trade,
       count(*) filter (where day + 30 < %(day)s::date)::int as known_30,
       count(*) filter (where day + 60 < %(day)s::date)::int as known_60,
       count(*) filter (where day + 90 < %(day)s::date)::int as known_90,
       count(*) filter (where day + 30 < %(day)s::date and back <= day + 30)::int as back_30,
       count(*) filter (where day + 60 < %(day)s::date and back <= day + 60)::int as back_60,
       count(*) filter (where day + 90 < %(day)s::date and back <= day + 90)::int as back_90,
       count(*)::int as fresh
from seen group by merchant_id, trade
