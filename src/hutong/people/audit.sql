-- name: PPL01 every claimed number belongs to a member who has that number
select p.member_id from people.phones p left join people.members m on m.member_id = p.member_id
where m.phone is distinct from p.phone;
-- name: PPL02 every member's number is claimed for that member
select m.member_id from people.members m left join people.phones p on p.phone = m.phone
where m.phone is not null and p.member_id is distinct from m.member_id;
-- name: PPL03 nobody but an active member holds a role
select g.grant_id from people.grants g left join people.members m on m.member_id = g.member_id
where g.revoked_at is null and m.status is distinct from 'active';
-- name: PPL04 nobody but an active member has a living session
select s.session_id from people.sessions s left join people.members m on m.member_id = s.member_id
where s.ended_at is null and m.status is distinct from 'active';
-- name: PPL05 no key was used after its end
select key_id from people.keys where last_used_at > ends_at;
-- name: PPL06 a key that was replaced ended, and its successor has the same place and no more rights
select k.key_id from people.keys k left join people.keys n on n.key_id = k.replaced_by
where k.replaced_by is not null
  and (k.ends_at is null or n.key_id is null or not n.permissions <@ k.permissions
       or (n.merchant_id, n.city_id, n.store_id) is distinct from (k.merchant_id, k.city_id, k.store_id));
-- name: PPL07 a phone's shown digits are the last of the number, and an erased member has none
select member_id from people.members
where (phone is not null and phone_tail <> right(phone, 4)) or (status = 'erased' and phone is not null);
