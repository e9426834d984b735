-- name: C10 a published offer can be used in at least one store
select o.city_id, o.offer_id from catalog.offers o
where o.status = 'published' and not exists (
    select 1 from catalog.offer_stores s where s.city_id = o.city_id and s.offer_id = o.offer_id);
-- name: C11 a published offer has exactly one open price period with its price, and no other offer has one
select o.city_id, o.offer_id, o.status, o.price_units, p.price_units as period_units
from catalog.offers o
left join catalog.offer_prices p on p.city_id = o.city_id and p.offer_id = o.offer_id and p.valid_to is null
where (o.status = 'published') is distinct from (p.offer_id is not null)
   or (p.offer_id is not null
       and (p.price_units, p.list_units, p.asset) is distinct from (o.price_units, o.list_units, o.asset));
-- name: C12 price periods of an offer do not overlap
select city_id, offer_id, valid_from from (
    select city_id, offer_id, valid_from,
           lag(coalesce(valid_to, 'infinity')) over (partition by city_id, offer_id order by valid_from) as ended
    from catalog.offer_prices) p
where ended > valid_from;
-- name: C13 the history of an offer has every version, and the last one has its status
select o.city_id, o.offer_id, o.version, o.status, h.versions, h.status as last_status
from catalog.offers o
left join lateral (
    select count(*) as versions, max(c.version) as last, (array_agg(c.status order by c.version desc))[1] as status
    from catalog.offer_changes c where c.city_id = o.city_id and c.offer_id = o.offer_id) h on true
where (h.versions, h.last, h.status) is distinct from (o.version::bigint, o.version, o.status);
-- name: C14 an offer's stores are open or closed stores of its own merchant
select s.city_id, s.offer_id, s.store_id
from catalog.offer_stores s
join catalog.offers o on o.city_id = s.city_id and o.offer_id = s.offer_id
left join merchants.stores m on m.city_id = s.city_id and m.store_id = s.store_id
where m.merchant_id is distinct from o.merchant_id or s.merchant_id is distinct from o.merchant_id;
-- name: C15 what is found by searching is exactly the published offers (coupons never) and the visible stores
select d.city_id, d.kind, d.doc_id from catalog.search_docs d
left join catalog.offers o on d.kind = 'offer' and o.city_id = d.city_id and o.offer_id = d.doc_id
left join catalog.storefronts s on d.kind = 'store' and s.city_id = d.city_id and s.store_id = d.doc_id
where coalesce(o.status = 'published' and o.scheme not in ('coupons', 'alliance') and o.price_units > 0, s.visible, false) is false
union all
select o.city_id, 'offer', o.offer_id from catalog.offers o
where o.status = 'published' and o.scheme not in ('coupons', 'alliance') and o.price_units > 0 and not exists (
    select 1 from catalog.search_docs d where d.city_id = o.city_id and d.kind = 'offer' and d.doc_id = o.offer_id)
union all
select s.city_id, 'store', s.store_id from catalog.storefronts s
where s.visible and not exists (
    select 1 from catalog.search_docs d where d.city_id = s.city_id and d.kind = 'store' and d.doc_id = s.store_id);
-- name: C16 a store is listed under a category exactly when it is visible and has a published offer (no coupon) there
with recursive up as (
    select slug, slug as above from catalog.categories
    union all
    select u.slug, c.parent from up u join catalog.categories c on c.slug = u.above where c.parent is not null
),
shelves as (select slug, above from up union all select slug, '' from catalog.categories),
wanted as (
    select distinct f.city_id, f.store_id, s.above as category
    from catalog.storefronts f
    join catalog.offer_stores os on os.city_id = f.city_id and os.store_id = f.store_id
    join catalog.offers o on o.city_id = f.city_id and o.offer_id = os.offer_id
    join shelves s on s.slug = o.category
    where f.visible and o.status = 'published' and o.scheme not in ('coupons', 'alliance') and o.price_units > 0
)
select coalesce(w.city_id, l.city_id) as city_id, coalesce(w.store_id, l.store_id) as store_id,
       coalesce(w.category, l.category) as category
from wanted w
full join catalog.listings l on l.city_id = w.city_id and l.store_id = w.store_id and l.category = w.category
where w.store_id is null or l.store_id is null;
-- name: C17 a store of a published offer is shown where and as it stands in merchants
select os.city_id, os.store_id
from (select distinct s.city_id, s.store_id from catalog.offer_stores s
      join catalog.offers o on o.city_id = s.city_id and o.offer_id = s.offer_id
      where o.status = 'published') os
join merchants.stores m on m.city_id = os.city_id and m.store_id = os.store_id
join merchants.merchants b on b.merchant_id = m.merchant_id
left join catalog.storefronts f on f.city_id = os.city_id and f.store_id = os.store_id
left join catalog.listings l on l.city_id = os.city_id and l.store_id = os.store_id and l.category = ''
where f.store_id is null
   or (f.name, f.merchant_name, f.lat, f.lon, f.visible)
      is distinct from (m.name, b.name, m.lat, m.lon, m.status = 'open' and b.status = 'active')
   or (l.store_id is not null and l.at <> m.at);
-- name: C18 an ended offer says when, and a published one since when, not before it was written
select city_id, offer_id from catalog.offers
where published_at < created_at or ended_at < created_at or (status = 'published' and published_at is null);
-- name: C19 what was searched for is counted on a day that has been, in a shape that names nobody
select city_id, day, term, visitors from catalog.searches
where day > current_date + 1 or visitors < 1 or length(term) not between 2 and 20 or term ~ '[0-9]{3}'
   or term <> lower(btrim(term));

-- name: C20 a copy was made from an offer of the same merchant
select o.city_id, o.offer_id, o.copied_from from catalog.offers o
left join catalog.offers s on s.city_id = o.city_id and s.offer_id = o.copied_from
where o.copied_from is not null and s.merchant_id is distinct from o.merchant_id;

-- name: C21 a search document says when it is on sale, and in which visible stores and where
with shown as (
    select f.city_id, 'store' as kind, f.store_id as doc_id, '(,)'::tstzrange as sale, array[f.store_id] as store_ids,
           array[f.at] as places
    from catalog.storefronts f where f.visible
    union all
    select o.city_id, 'offer', o.offer_id, tstzrange(o.sale_from, o.sale_to),
           coalesce(array_agg(f.store_id order by f.store_id) filter (where f.visible), '{}'),
           coalesce(array_agg(f.at order by f.store_id) filter (where f.visible), '{}')
    from catalog.offers o
    left join catalog.offer_stores os on os.city_id = o.city_id and os.offer_id = o.offer_id
    left join catalog.storefronts f on f.city_id = o.city_id and f.store_id = os.store_id
    where o.status = 'published'
    group by o.city_id, o.offer_id
)
select d.city_id, d.kind, d.doc_id from catalog.search_docs d
join shown s on s.city_id = d.city_id and s.kind = d.kind and s.doc_id = d.doc_id
where (d.sale, d.store_ids, d.places) is distinct from (s.sale, s.store_ids, s.places);
-- name: C22 a category counts exactly the stores that are listed under it
select coalesce(c.city_id, l.city_id) as city_id, coalesce(c.category, l.category) as category, c.stores, l.listed
from catalog.shelf_counts c
full join (select city_id, category, count(*) as listed from catalog.listings group by city_id, category) l
    on l.city_id = c.city_id and l.category = c.category
where coalesce(c.stores, 0) <> coalesce(l.listed, 0);
