-- name: MSG01 no secret of a message is in the log
select message_id, template from messages.sent
where facts ?| array['code', 'link', 'token', 'secret'] or facts::text ~ '[+][1-9][0-9]{9,14}';
-- name: MSG02 one number at the provider is one message
select provider, reference, count(*) as times from messages.sent where reference is not null
group by provider, reference having count(*) > 1;
-- name: MSG03 one message has one recipient
select message_id, count(*) as times from messages.sent group by message_id having count(*) > 1;
