-- New invitations of one city; an id that is there already stays as it is.
insert into merchants.invitations (
    city_id, invitation_id, merchant_id, store_id, role, label, secret_hash, invited_by, invited_at, expires_at)
select %(city)s, invitation_id, merchant_id, store_id, role, label, secret_hash, invited_by, %(now)s, expires_at
from unnest(
    %(ids)s::uuid[], %(merchants)s::uuid[], %(stores)s::uuid[], %(roles)s::text[], %(labels)s::text[],
    %(hashes)s::bytea[], %(inviters)s::uuid[], %(ends)s::timestamptz[])
    as w (invitation_id, merchant_id, store_id, role, label, secret_hash, invited_by, expires_at)
order by invitation_id
on conflict (city_id, invitation_id) do nothing
