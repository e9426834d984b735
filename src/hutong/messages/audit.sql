-- name: M01 no secret and no whole number stands in a log or an inbox
select message_id from messages.sent where facts ?| array['code', 'link', 'phone'] or facts::text ~ '[+][1-9][0-9]{9,14}'
union all
select message_id from messages.inbox where facts ?| array['code', 'link', 'phone'] or facts::text ~ '[+][1-9][0-9]{9,14}';
-- name: M02 a message that leads to an order or voucher says in which city it lies
select message_id from messages.inbox where subject is not null and city_id is null;
