with steps as (
  select * from unnest(%(ids)s::uuid[], %(steps)s::int[], %(was)s::text[], %(states)s::text[], %(bys)s::uuid[],
                       %(reasons)s::text[]) as s (id, step, was, state, by, reason)
), last as (
  select distinct on (id) * from steps order by id, step desc
), moved as (
  update reviews.reviews r set state = l.state, step = l.step
  from last l where r.city_id = %(city)s and r.review_id = l.id
  returning r.review_id
)
insert into reviews.changes (city_id, review_id, step, was, state, at, by, reason)
select %(city)s, s.id, s.step, s.was, s.state, %(now)s, s.by, s.reason
from steps s join moved m on m.review_id = s.id
