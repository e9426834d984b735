-- The codes of these numbers and purposes, locked: tries are counted one after the other.
select c.phone, c.purpose, c.digest, c.made_at, c.expires_at, c.tries, c.used_at
from people.codes as c
join unnest(%(phones)s::text[], %(purposes)s::text[]) as w (phone, purpose)
    on c.phone = w.phone and c.purpose = w.purpose
order by c.phone, c.purpose
for no key update of c
