-- name: MSG01 no secret and no whole number stands in the log or in an inbox
select message_id from messages.sent
where facts ?| array['code', 'link', 'token', 'secret', 'phone'] or facts::text ~ '[+][1-9][0-9]{9,14}'
union all
select message_id from messages.inbox
where facts ?| array['code', 'link', 'token', 'secret', 'phone'] or facts::text ~ '[+][1-9][0-9]{9,14}';
-- name: MSG02 one number at the provider is one message
select provider, reference, count(*) as times from messages.sent where reference is not null
group by provider, reference having count(*) > 1;
-- name: MSG03 one message has one recipient
select message_id, count(*) as times from messages.sent group by message_id having count(*) > 1;
-- name: MSG04 a message that leads to an order or voucher says in which city it lies
select message_id from messages.inbox where subject is not null and city_id is null;
