-- Roles to give; one that is held already stays as it is.
insert into people.grants (
    grant_id, member_id, role, scope_kind, city_id, merchant_id, store_id, granted_by, granted_at)
select w.grant_id, w.member_id, w.role, w.scope_kind, w.city_id, w.merchant_id, w.store_id, w.granted_by, %(now)s
from unnest(
    %(grants)s::uuid[], %(members)s::uuid[], %(roles)s::text[], %(kinds)s::text[], %(cities)s::int[],
    %(merchants)s::uuid[], %(stores)s::uuid[], %(givers)s::uuid[])
    as w (grant_id, member_id, role, scope_kind, city_id, merchant_id, store_id, granted_by)
order by w.grant_id
on conflict do nothing
