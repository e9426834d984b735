-- New offers. An id that is there already is left alone and does not come back.
insert into catalog.offers (
    city_id, offer_id, merchant_id, scheme, category, trade, title, summary, included, excluded, price_units,
    list_units, asset, terms, form, quota_id, min_units, per_order_max, sale_from, sale_to, status, version, created_at,
    published_at, ended_at, copied_from)
select %(city)s, *
from unnest(
    %(offer_id)s::uuid[], %(merchant_id)s::uuid[], %(scheme)s::text[], %(category)s::text[], %(trade)s::text[],
    %(title)s::jsonb[], %(summary)s::jsonb[], %(included)s::jsonb[], %(excluded)s::jsonb[], %(price_units)s::bigint[],
    %(list_units)s::bigint[], %(asset)s::text[], %(terms)s::jsonb[], %(form)s::jsonb[], %(quota_id)s::uuid[], %(min_units)s::int[],
    %(per_order_max)s::int[], %(sale_from)s::timestamptz[], %(sale_to)s::timestamptz[], %(status)s::text[],
    %(version)s::int[], %(created_at)s::timestamptz[], %(published_at)s::timestamptz[], %(ended_at)s::timestamptz[],
    %(copied_from)s::uuid[])
on conflict (city_id, offer_id) do nothing
returning offer_id
