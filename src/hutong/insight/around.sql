-- Returning visits (days on which a member came who had come on an earlier day) around the joining of each asked
-- merchant, `spans` days before and after it, to him and to the merchants of the city that had not joined by the end of
-- it. Bills are left out: before joining nobody wrote them down. Who joined on the same day has the same controls, so
-- these are counted once for each such day. A row for each asked merchant and group of members.
with asked as (
  select * from unnest(%(asked)s::uuid[], %(days)s::date[], %(spans)s::int[]) as a (merchant_id, day, span)
), joined as (
  select * from unnest(%(joined)s::uuid[], %(joined_days)s::date[]) as j (merchant_id, day)
), walked as (
  select merchant_id, member_id, day, min(day) over (partition by merchant_id, member_id) as first
  from (
    select distinct merchant_id, member_id, day from insight.comings
    where city_id = %(city)s and undone_at is null and not own and asset = %(asset)s and kind <> 'bill'
      and day < (select max(day + span) from asked)) d
), counted as (
  select s.day, s.span, w.merchant_id, get_byte(uuid_send(w.member_id), 15) %% %(groups)s as bucket,
         count(*) filter (where w.day < s.day) as before, count(*) filter (where w.day >= s.day) as after
  from (select distinct day, span from asked) s
  join walked w on w.day > w.first and w.day >= s.day - s.span and w.day < s.day + s.span
  group by s.day, s.span, w.merchant_id, bucket
), controls as (
  select c.* from counted c
  left join joined j on j.merchant_id = c.merchant_id
  where j.day is null or j.day >= c.day + c.span
), both_sides as (
  select a.merchant_id, c.bucket, c.before, c.after, 0 as others_before, 0 as others_after, 0 as others
  from asked a join counted c on c.merchant_id = a.merchant_id and c.day = a.day and c.span = a.span
  union all
  select a.merchant_id, c.bucket, 0, 0, c.before, c.after, 0
  from asked a join (
    select day, span, bucket, sum(before) as before, sum(after) as after from controls group by day, span, bucket) c
    on c.day = a.day and c.span = a.span
  union all
  select a.merchant_id, 0, 0, 0, 0, 0, c.others
  from asked a join (
    select day, span, count(distinct merchant_id) as others from controls group by day, span) c
    on c.day = a.day and c.span = a.span
)
select merchant_id, bucket, sum(before)::int as before, sum(after)::int as after,
       sum(others_before)::int as others_before, sum(others_after)::int as others_after, sum(others)::int as others
from both_sides group by merchant_id, bucket
