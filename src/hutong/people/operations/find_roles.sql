-- The live grant behind each request, in the order of the requests; nulls where there is none.
select g.grant_id, g.member_id, g.role
from unnest(
    %(grants)s::uuid[], %(members)s::uuid[], %(roles)s::text[], %(kinds)s::text[], %(cities)s::int[],
    %(merchants)s::uuid[], %(stores)s::uuid[])
    with ordinality as w (grant_id, member_id, role, scope_kind, city_id, merchant_id, store_id, n)
left join people.grants as g
    on g.member_id = w.member_id and g.role = w.role and g.revoked_at is null
    and g.city_id is not distinct from w.city_id
    and g.merchant_id is not distinct from w.merchant_id
    and g.store_id is not distinct from w.store_id
order by w.n
