-- Stores that have offers on sale, in the order of one key: {key} is what is ordered by (with the store as tie-break),
-- {way} and {past} are the direction. The index of the key yields rows in order; for each, its offers are looked up;
-- the limit stops the walk. So a page costs its own length, not the number of stores. {{more}} are conditions on `st`.
with recursive family as (
    select slug from catalog.categories where slug = %(category)s
    union
    select c.slug from catalog.categories c join family f on c.parent = f.slug
),
chosen as (
    select case when %(category)s = '' then null::text[] else array(select slug from family) end as slugs
),
page as (
    select st.store_id, {key} as key, live.briefs, live.offer_count
    from catalog.listings st
    cross join lateral ({live}) live
    where st.city_id = %(city)s::int and st.category = %(category)s  -- the cast: GiST compares like with like only
      and (%(district)s::int is null or st.district_id = %(district)s)
      and (%(after_store)s::uuid is null or ({key}, st.store_id) {past} (%(after_key)s::{type}, %(after_store)s::uuid))
      {more}and live.offer_count > 0
    {cut}
)
select f.*, f.at <-> %(here)s::cube as chord, p.key, p.briefs, p.offer_count
from page p
join catalog.storefronts f on f.city_id = %(city)s and f.store_id = p.store_id
order by p.key {way}, p.store_id {way}
limit %(limit)s
