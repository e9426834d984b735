-- Stores with offers inside a box, gathered in the cells of a grid: for each cell how many, the lowest price, where
-- their middle is, and the store when it is alone (then it must have an offer on sale now). The box in space uses the
-- index; degrees cut it exactly. A place is stored as metres from the centre of the earth, so degrees are computed and
-- nothing is joined but the names of those that stand alone.
with inside as (
    select st.store_id, st.price_units,
           degrees(asin(greatest(-1, least(1, cube_ll_coord(st.at, 3) / %(radius)s::float8)))) as lat,
           degrees(atan2(cube_ll_coord(st.at, 2), cube_ll_coord(st.at, 1))) as lon
    from catalog.listings st
    where st.city_id = %(city)s::int and st.category = %(category)s and st.at <@ %(box)s::cube
),
cells as (
    select count(*)::int as count, min(price_units) as price_units, avg(lat) as lat, avg(lon) as lon,
           min(lat) as south, max(lat) as north, min(lon) as west, max(lon) as east,
           case when count(*) = 1 then (array_agg(store_id))[1] end as store_id
    from inside
    where lat between %(south)s and %(north)s and lon between %(west)s and %(east)s
    group by floor(lat / %(high)s::float8), floor(lon / %(wide)s::float8)
    order by count(*) desc, avg(lat), avg(lon)
    limit %(limit)s
)
select c.*, alone.name
from cells c
left join lateral (
    select f.name from catalog.storefronts f
    where f.city_id = %(city)s and f.store_id = c.store_id and exists (
        select 1 from catalog.offer_stores os
        join catalog.offers o on o.city_id = %(city)s and o.offer_id = os.offer_id
        where os.city_id = %(city)s and os.store_id = f.store_id
          and o.status = 'published' and o.sale_from <= %(now)s and o.sale_to > %(now)s)
) alone on true
where c.count > 1 or alone.name is not null
order by c.count desc, c.lat, c.lon
