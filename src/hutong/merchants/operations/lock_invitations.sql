-- The invitations with these ids, locked in one order: each is accepted once.
select
    i.invitation_id, i.merchant_id, i.store_id, i.role, i.secret_hash, i.invited_by, i.expires_at, i.accepted_by,
    i.revoked_at,
    (select s.status from merchants.stores as s where s.city_id = %(city)s and s.store_id = i.store_id) as store_status
from merchants.invitations as i
where i.city_id = %(city)s and i.invitation_id = any(%(ids)s::uuid[])
order by i.invitation_id
for no key update of i
