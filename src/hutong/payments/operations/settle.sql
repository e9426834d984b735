-- Payments as they have become, and the next steps of the histories of payments and refunds.
with noted as (
  insert into payments.changes (city_id, subject, seq, state, at, cause, provider, event_id)
  select %(city)s, c.subject, c.seq, c.state, %(now)s, c.cause, c.provider, c.event_id
  from (select unnest(%(subjects)s::uuid[]) as subject, unnest(%(change_seqs)s::int[]) as seq,
               unnest(%(change_states)s::text[]) as state, unnest(%(causes)s::text[]) as cause,
               unnest(%(providers)s::text[]) as provider, unnest(%(events)s::text[]) as event_id) as c
)
update payments.payments p
set state = v.state, seq = v.seq, tries = v.tries, provider_no = v.provider_no, next_at = v.next_at,
    captured_units = v.captured, captured_asset = v.captured_asset, captured_at = v.captured_at,
    refunding_units = v.refunding
from (select unnest(%(ids)s::uuid[]) as id, unnest(%(states)s::text[]) as state, unnest(%(seqs)s::int[]) as seq,
             unnest(%(tries)s::int[]) as tries, unnest(%(numbers)s::text[]) as provider_no,
             unnest(%(nexts)s::timestamptz[]) as next_at, unnest(%(captured)s::bigint[]) as captured,
             unnest(%(assets)s::text[]) as captured_asset, unnest(%(ats)s::timestamptz[]) as captured_at,
             unnest(%(refunding)s::bigint[]) as refunding) as v
where p.city_id = %(city)s and p.payment_id = v.id
