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
-- name: PPL08 nobody but an active member has a living passkey
select c.passkey_id from people.credentials c left join people.members m on m.member_id = c.member_id
where c.ended_at is null and m.status is distinct from 'active';
-- name: PPL09 a passkey has one id, and nobody has more than ten
select passkey_id from people.credentials group by passkey_id having count(*) > 1
union all
select member_id from people.credentials where ended_at is null group by member_id having count(*) > 10;
-- name: PPL10 the newest change of a number ends at the number that the member has
select distinct on (c.member_id) c.member_id
from people.phone_changes c join people.members m on m.member_id = c.member_id
where m.status <> 'erased' and c.new_tail <> m.phone_tail
  and not exists (select 1 from people.phone_changes n where n.member_id = c.member_id and n.at > c.at);
-- name: PPL11 whoever was erased left before, has no name, no role, no copy, and no last digits in any history
select m.member_id from people.members m
where m.status = 'erased'
  and (m.name <> '' or m.phone_tail <> ''
       or not exists (select 1 from people.departures d where d.member_id = m.member_id and d.outcome = 'done')
       or exists (select 1 from people.exports e where e.member_id = m.member_id)
       or exists (select 1 from people.sessions s where s.member_id = m.member_id)
       or exists (select 1 from people.phone_changes c where c.member_id = m.member_id and c.old_tail || c.new_tail <> ''));
-- name: PPL12 a departure that is done left nobody behind
select d.member_id from people.departures d left join people.members m on m.member_id = d.member_id
where d.outcome = 'done' and m.status is distinct from 'erased';
-- name: PPL13 a challenge for a member's own passkey names a member
select c.challenge from people.challenges c left join people.members m on m.member_id = c.member_id
where c.member_id is not null and m.status is distinct from 'active';
-- name: PPL14 every choice was made by somebody, in a version of the words
select c.consent_id from people.consents c left join people.members m on m.member_id = c.member_id
where m.member_id is null or c.text_version = '';
