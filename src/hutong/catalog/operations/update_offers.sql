-- Offers that are locked get their new content and state; what they are and whose never changes.
update catalog.offers o
set category = n.category, trade = n.trade, title = n.title, summary = n.summary, included = n.included,
    excluded = n.excluded, price_units = n.price_units, list_units = n.list_units, asset = n.asset, terms = n.terms,
    form = n.form,
    quota_id = n.quota_id, min_units = n.min_units, per_order_max = n.per_order_max, sale_from = n.sale_from,
    sale_to = n.sale_to, status = n.status, version = n.version, published_at = n.published_at, ended_at = n.ended_at
from unnest(
    %(offer_id)s::uuid[], %(category)s::text[], %(trade)s::text[], %(title)s::jsonb[], %(summary)s::jsonb[],
    %(included)s::jsonb[], %(excluded)s::jsonb[], %(price_units)s::bigint[], %(list_units)s::bigint[],
    %(asset)s::text[], %(terms)s::jsonb[], %(form)s::jsonb[], %(quota_id)s::uuid[], %(min_units)s::int[], %(per_order_max)s::int[],
    %(sale_from)s::timestamptz[], %(sale_to)s::timestamptz[], %(status)s::text[], %(version)s::int[],
    %(published_at)s::timestamptz[], %(ended_at)s::timestamptz[])
  as n (offer_id, category, trade, title, summary, included, excluded, price_units, list_units, asset, terms, form,
        quota_id, min_units, per_order_max, sale_from, sale_to, status, version, published_at, ended_at)
where o.city_id = %(city)s and o.offer_id = n.offer_id
