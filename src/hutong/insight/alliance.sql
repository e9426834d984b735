-- The alliance as one house in [since, until): who came, who had never come anywhere in it, who came to more than one.
with guests as (
  select member_id, min(day) as first, count(distinct merchant_id) as merchants,
         count(distinct (merchant_id, day)) filter (where day >= %(since)s::date) as comings,
         coalesce(sum(units) filter (where day >= %(since)s::date), 0)::bigint as units
  from insight.comings
  where city_id = %(city)s and undone_at is null and not own and asset = %(asset)s
    and merchant_id = any(%(alliance)s::uuid[]) and day < %(until)s::date
  group by member_id
  having max(day) >= %(since)s::date
)
select count(*)::int as members, count(*) filter (where first >= %(since)s::date)::int as new,
       coalesce(sum(comings), 0)::int as comings, count(*) filter (where merchants >= 2)::int as several,
       coalesce(sum(units), 0)::bigint as units
from guests
