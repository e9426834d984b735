-- name: PLC01 a city's centre lies inside its box
select city_id, slug from places.cities
where south is not null and not (centre_lat between south and north and centre_lon between west and east);
-- name: PLC02 a city's box is the box of its boundary
select c.city_id, c.slug from places.cities c
left join lateral (
    select min((p->>0)::float8) as south, min((p->>1)::float8) as west,
           max((p->>0)::float8) as north, max((p->>1)::float8) as east
    from jsonb_array_elements(c.boundary) as p) b on true
where (c.south, c.west, c.north, c.east) is distinct from (b.south, b.west, b.north, b.east);
-- name: PLC03 a district's centre lies inside the box of its city
select d.city_id, d.district_id from places.districts d join places.cities c on c.city_id = d.city_id
where c.south is not null and not (d.centre_lat between c.south and c.north and d.centre_lon between c.west and c.east);
-- name: PLC04 a landmark lies inside the box of its city
select l.city_id, l.slug from places.landmarks l join places.cities c on c.city_id = l.city_id
where c.south is not null and not (l.lat between c.south and c.north and l.lon between c.west and c.east);
