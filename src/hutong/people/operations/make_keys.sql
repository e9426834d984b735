-- New keys, each with the rights of its request.
insert into people.keys (
    key_id, secret_hash, merchant_id, city_id, store_id, label, permissions, made_by, made_at)
select key_id, secret_hash, merchant_id, city_id, store_id, label, string_to_array(permissions, ','), made_by, %(now)s
from unnest(
    %(keys)s::uuid[], %(hashes)s::bytea[], %(merchants)s::uuid[], %(cities)s::int[], %(stores)s::uuid[],
    %(labels)s::text[], %(permissions)s::text[], %(makers)s::uuid[])
    as w (key_id, secret_hash, merchant_id, city_id, store_id, label, permissions, made_by)
order by key_id
