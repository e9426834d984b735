-- The (at most two) best offers of one store that are on sale, as JSON, and how many there are: a fragment of other
-- statements, where `st` is the store, `family` names the categories (null: all) and `first` says which come first.
select jsonb_agg(
           jsonb_build_object(
               'offer_id', b.offer_id, 'title', b.title, 'category', b.category,
               'price', jsonb_build_object('units', b.price_units, 'asset', b.asset),
               'list_price', jsonb_build_object('units', b.list_units, 'asset', b.asset),
               'min_units', b.min_units, 'sale_to', b.sale_to,
               'refund_anytime', b.terms ->> 'refund' = 'anytime',
               'refund_on_expiry', coalesce((b.terms ->> 'refund_on_expiry')::bool, false),
               'booking_needed', coalesce((b.terms ->> 'booking_needed')::bool, false),
               'form', b.form ->> 'form'
           ) order by b.place
       ) as briefs,
       coalesce(max(b.offer_count), 0) as offer_count
from (
    select o.*, count(*) over () as offer_count, row_number() over (order by {first}o.price_units, o.offer_id) as place
    from catalog.offer_stores os
    join catalog.offers o on o.city_id = %(city)s and o.offer_id = os.offer_id
    where os.city_id = %(city)s and os.store_id = st.store_id
      and o.status = 'published' and o.scheme not in ('coupons', 'alliance') and o.price_units > 0 and o.sale_from <= %(now)s and o.sale_to > %(now)s
      and ({family} is null or o.category = any({family}))
    order by place
    limit 2
) b
