-- Seats for orders that are placed now: the seat of a member who is in a running team of the deal already is left out.
-- New teams come with their first seat, joined ones (locked by the caller) count theirs. Answers whose seats stand.
with asked as (
  select * from unnest(%(orders)s::uuid[], %(teams)s::uuid[], %(offers)s::uuid[], %(merchants)s::uuid[],
                       %(members)s::uuid[], %(faces)s::text[], %(opens)s::bool[], %(sizes)s::int[], %(hours)s::int[])
                as a(order_id, team_id, offer_id, merchant_id, member_id, face, opens, size, hours)
), seated as (
  insert into groups.seats (city_id, order_id, team_id, offer_id, member_id, face, state, held_at)
  select %(city)s, a.order_id, a.team_id, a.offer_id, a.member_id, a.face, 'held', %(now)s
  from asked a order by a.offer_id, a.member_id, a.order_id
  on conflict (city_id, offer_id, member_id) where state in ('held', 'taken') do nothing
  returning order_id, team_id
), opened as (
  insert into groups.teams (city_id, team_id, offer_id, merchant_id, opened_by, size, hours, held, taken, state,
                            placed_at)
  select %(city)s, a.team_id, a.offer_id, a.merchant_id, a.member_id, a.size, a.hours, 1, 0, 'forming', %(now)s
  from asked a join seated s on s.order_id = a.order_id where a.opens
), counted as (
  update groups.teams t set held = t.held + k.n
  from (select s.team_id, count(*)::int as n from seated s join asked a on a.order_id = s.order_id and not a.opens
        group by s.team_id) k
  where t.city_id = %(city)s and t.team_id = k.team_id
)
select order_id from seated
