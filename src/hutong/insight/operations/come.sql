-- Bills and purchases as comings; one that is there already changes only in its undo, and never stands up again.
insert into insight.comings as c (
  city_id, coming_id, kind, merchant_id, store_id, member_id, offer_id, day, at, bought_at, asset, units, own, undone_at)
select %(city)s, r.coming_id, r.kind, r.merchant_id, r.store_id, r.member_id, null, r.day, r.at, r.at, r.asset, r.units,
       r.own, r.undone_at
from (
  select distinct on (coming_id) * from unnest(
    %(ids)s::uuid[], %(kinds)s::text[], %(merchants)s::uuid[], %(stores)s::uuid[], %(members)s::uuid[], %(days)s::date[],
    %(ats)s::timestamptz[], %(assets)s::text[], %(units)s::bigint[], %(owns)s::boolean[], %(undone)s::timestamptz[])
    as g (coming_id, kind, merchant_id, store_id, member_id, day, at, asset, units, own, undone_at)
  order by coming_id, undone_at nulls last) r
on conflict (city_id, coming_id) do update set undone_at = excluded.undone_at
where c.undone_at is null and excluded.undone_at is not null
returning coming_id
