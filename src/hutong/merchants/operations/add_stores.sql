-- New stores of one city; an id that is there already stays as it is.
insert into merchants.stores (
    city_id, store_id, merchant_id, district_id, name, pinyin, category, address, phone, lat, lon, at, hours,
    status, created_at)
select
    %(city)s, store_id, merchant_id, district_id, name, pinyin, category, address, phone, lat, lon, at, hours,
    'open', %(now)s
from unnest(
    %(ids)s::uuid[], %(merchants)s::uuid[], %(districts)s::int[], %(names)s::jsonb[], %(pinyins)s::text[],
    %(categories)s::text[], %(addresses)s::jsonb[], %(phones)s::text[], %(lats)s::float8[], %(lons)s::float8[],
    %(places)s::cube[], %(hours)s::jsonb[])
    as w (store_id, merchant_id, district_id, name, pinyin, category, address, phone, lat, lon, at, hours)
order by store_id
on conflict do nothing
returning store_id
