-- Stores with offers inside a box, gathered in the cells of a grid: for each cell how many, the lowest price, where
-- their middle is, and the store when it is alone. The box in space uses the index; degrees cut it exactly. A place is
-- stored as metres from the centre of the earth, so degrees are computed and nothing is joined.
with inside as (
    select st.store_id, st.price_units,
           degrees(asin(greatest(-1, least(1, cube_ll_coord(st.at, 3) / %(radius)s::float8)))) as lat,
           degrees(atan2(cube_ll_coord(st.at, 2), cube_ll_coord(st.at, 1))) as lon
    from catalog.listings st
    where st.city_id = %(city)s::int and st.category = %(category)s and st.at <@ %(box)s::cube
)
select count(*)::int as count, min(price_units) as price_units, avg(lat) as lat, avg(lon) as lon,
       min(lat) as south, max(lat) as north, min(lon) as west, max(lon) as east,
       case when count(*) = 1 then (array_agg(store_id))[1] end as store_id
from inside
where lat between %(south)s and %(north)s and lon between %(west)s and %(east)s
group by floor(lat / %(high)s::float8), floor(lon / %(wide)s::float8)
order by count(*) desc, avg(lat), avg(lon)
limit %(limit)s
