-- Under which categories these stores are listed: every category of their published offers, its ancestors, and ''.
-- The price is the lowest that is on sale (or will be), the newest the latest that came onto the shelf. What came and
-- what went is counted by category; the storefronts are locked, so nobody lists these stores at the same time.
with recursive up as (
    select slug, slug as above from catalog.categories
    union all
    select u.slug, c.parent from up u join catalog.categories c on c.slug = u.above where c.parent is not null
),
shelves as (
    select slug, above from up
    union all
    select slug, '' from catalog.categories
),
wanted as (
    select f.store_id, s.above as category, f.district_id, f.at,
           coalesce(min(o.price_units) filter (where o.sale_from <= %(now)s), min(o.price_units)) as price_units,
           max(greatest(o.published_at, o.sale_from)) as newest_at
    from catalog.storefronts f
    join catalog.offer_stores os on os.city_id = %(city)s and os.store_id = f.store_id
    join catalog.offers o on o.city_id = %(city)s and o.offer_id = os.offer_id
    join shelves s on s.slug = o.category
    where f.city_id = %(city)s and f.store_id = any(%(stores)s::uuid[]) and f.visible and o.status = 'published'
      and o.scheme not in ('coupons', 'alliance') and o.price_units > 0
    group by f.city_id, f.store_id, s.above
),
gone as (
    delete from catalog.listings l
    where l.city_id = %(city)s and l.store_id = any(%(stores)s::uuid[])
      and not exists (select 1 from wanted w where w.store_id = l.store_id and w.category = l.category)
    returning l.category
),
came as (
    select w.category from wanted w
    where not exists (
        select 1 from catalog.listings l
        where l.city_id = %(city)s and l.category = w.category and l.store_id = w.store_id)
),
listed as (
    insert into catalog.listings as l (city_id, category, store_id, district_id, at, price_units, newest_at)
    select %(city)s, category, store_id, district_id, at, price_units, newest_at from wanted order by category, store_id
    on conflict (city_id, category, store_id) do update
    set district_id = excluded.district_id, at = excluded.at, price_units = excluded.price_units,
        newest_at = excluded.newest_at
    where (l.district_id, l.at, l.price_units, l.newest_at)
          is distinct from (excluded.district_id, excluded.at, excluded.price_units, excluded.newest_at)
),
changed as (
    select n.category, sum(n.more)::int as more
    from (select category, 1 as more from came union all select category, -1 from gone) n
    group by n.category having sum(n.more) <> 0
)
insert into catalog.shelf_counts as c (city_id, category, stores)
select %(city)s, category, greatest(more, 0) from changed order by category
on conflict (city_id, category) do update
set stores = c.stores + (select n.more from changed n where n.category = excluded.category)
