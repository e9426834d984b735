-- Pairs of a cashier and a guest whose bills are remarkable, each for its first reason.
with pairs as (
  select b.city_id, b.merchant_id, b.store_id, b.staff_id, b.member_id,
         max(b.store_name) as store_name, max(b.staff_name) as staff_name, max(b.holder) as holder,
         count(*)::int as bills, sum(coalesce(e.base + e.bonus + e.campaign, 0))::bigint as points,
         count(u.bill_id)::int as undone, count(*) filter (where b.points > 0)::int as burnt,
         count(*) filter (where e.base > 0)::int as gave,
         (array_agg(b.bill_id order by b.at desc, b.bill_id desc))[1] as last_bill, max(b.at) as last_at
  from till.bills b
  left join till.earns e on e.city_id = %(city)s and e.bill_id = b.bill_id
  left join till.undos u on u.city_id = %(city)s and u.bill_id = b.bill_id
  where b.city_id = %(city)s and b.at >= %(since)s and b.at < %(until)s and b.member_id is not null and /* scope */
  group by b.city_id, b.merchant_id, b.store_id, b.staff_id, b.member_id
), days as (
  select d.store_id, d.staff_id, d.member_id, max(d.bills)::int as most_a_day from (
    select b.store_id, b.staff_id, b.member_id, (b.at at time zone %(zone)s)::date as day, count(*) as bills
    from till.bills b
    where b.city_id = %(city)s and b.at >= %(since)s and b.at < %(until)s and b.member_id is not null and /* scope */
    group by 1, 2, 3, 4
  ) d group by 1, 2, 3
), judged as (
  select p.*, d.most_a_day,
         case when p.staff_id = p.member_id then 'own'
              when p.undone >= %(undone)s then 'undone'
              when least(p.burnt, p.gave) >= %(circle)s then 'circle'
              when d.most_a_day >= %(day)s or p.bills >= %(often)s then 'often' end as kind
  from pairs p join days d on (d.store_id, d.staff_id, d.member_id) = (p.store_id, p.staff_id, p.member_id)
)
select kind, city_id, merchant_id, store_id, store_name, staff_id, staff_name, holder, bills, most_a_day, points,
       last_bill, last_at
from judged where kind is not null
order by array_position(array['own', 'circle', 'undone', 'often'], kind), points desc, bills desc, last_bill
limit %(limit)s
