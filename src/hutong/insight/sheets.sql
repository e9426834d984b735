-- Of each offer: its guests, who of them was new, who came back in time, and the money of the uses that stand.
-- A guest came back when a later local day has a visit with something else than units of this offer bought before the
-- first visit. What they left later is that of other offers only: this one's uses are in its own money. A window of d
-- days after the first day is over when that day itself lies behind us.
with used as (
  select v.* from insight.visits v
  where v.city_id = %(city)s and v.offer_id = any(%(offers)s::uuid[]) and v.undone_at is null
), money as (
  select offer_id, sum(count)::int as uses, coalesce(sum(count) filter (where own), 0)::int as own, sum(list_units)::bigint as listed, sum(price_units)::bigint as price,
         sum(paid_units)::bigint as paid, sum(due_units)::bigint as due, sum(commission_units)::bigint as commission,
         sum(merchant_units)::bigint as merchant
  from used group by offer_id
), guests as (
  select offer_id, merchant_id, member_id, min(day) as day, min(at) as at from used
  where not own group by offer_id, merchant_id, member_id
), seen as (
  select g.offer_id, g.day, b.before, b.at_full_price, l.back, l.again, l.full_back, l.units, l.visits
  from guests g
  cross join lateral (
    select count(*) > 0 as before, coalesce(bool_or(e.full_price and e.offer_id <> g.offer_id), false) as at_full_price
    from insight.visits e
    where e.city_id = %(city)s and e.merchant_id = g.merchant_id and e.member_id = g.member_id
      and e.day < g.day and e.undone_at is null and not e.own
  ) b
  cross join lateral (
    select min(e.day) filter (where e.other) as back, count(*) filter (where not e.other) > 0 as again,
           coalesce(bool_or(e.full_price and e.other), false) as full_back,
           coalesce(sum(e.merchant_units) filter (where e.elsewhere and e.day <= g.day + 90), 0)::bigint as units,
           coalesce(sum(e.count) filter (where e.elsewhere and e.day <= g.day + 90), 0)::int as visits
    from (
      select e.day, e.full_price, e.merchant_units, e.count,
             e.offer_id <> g.offer_id as elsewhere, e.offer_id <> g.offer_id or e.bought_at > g.at as other
      from insight.visits e
      where e.city_id = %(city)s and e.merchant_id = g.merchant_id and e.member_id = g.member_id
        and e.day > g.day and e.day < %(day)s::date + 1 and e.undone_at is null and not e.own) e
  ) l
), counted as (
  select offer_id, count(*)::int as guests, count(*) filter (where not before)::int as new,
         count(*) filter (where before and not at_full_price)::int as returned,
         count(*) filter (where at_full_price)::int as regulars,
         count(*) filter (where at_full_price and full_back)::int as regulars_back,
         count(*) filter (where not before and again and back is null)::int as again,
         count(*) filter (where not before and day + 30 < %(day)s::date)::int as known_30,
         count(*) filter (where not before and day + 60 < %(day)s::date)::int as known_60,
         count(*) filter (where not before and day + 90 < %(day)s::date)::int as known_90,
         count(*) filter (where not before and day + 30 < %(day)s::date and back <= day + 30)::int as back_30,
         count(*) filter (where not before and day + 60 < %(day)s::date and back <= day + 60)::int as back_60,
         count(*) filter (where not before and day + 90 < %(day)s::date and back <= day + 90)::int as back_90,
         coalesce(sum(units) filter (where not before), 0)::bigint as later,
         coalesce(sum(visits) filter (where not before), 0)::int as later_visits
  from seen group by offer_id
)
select m.*, coalesce(c.guests, 0) as guests, coalesce(c.new, 0) as new, coalesce(c.returned, 0) as returned,
       coalesce(c.regulars, 0) as regulars, coalesce(c.regulars_back, 0) as regulars_back, coalesce(c.again, 0) as again,
       coalesce(c.known_30, 0) as known_30, coalesce(c.known_60, 0) as known_60, coalesce(c.known_90, 0) as known_90,
       coalesce(c.back_30, 0) as back_30, coalesce(c.back_60, 0) as back_60, coalesce(c.back_90, 0) as back_90,
       coalesce(c.later, 0) as later, coalesce(c.later_visits, 0) as later_visits
from money m left join counted c on c.offer_id = m.offer_id
