-- name: GR01 a team counts exactly the seats it has
select t.city_id, t.team_id, t.state, t.held, t.taken, s.held as seats_held, s.taken as seats_taken from groups.teams t
left join (
  select city_id, team_id, count(*) filter (where state = 'held') as held,
         count(*) filter (where state in ('taken', 'kept', 'returned', 'failed', 'sent_back')) as taken
  from groups.seats group by city_id, team_id
) s on s.city_id = t.city_id and s.team_id = t.team_id
where t.held <> coalesce(s.held, 0) or t.taken <> coalesce(s.taken, 0);

-- name: GR02 a seat is in a state that its team allows
select s.city_id, s.order_id, s.state, t.state as team from groups.seats s
join groups.teams t on t.city_id = s.city_id and t.team_id = s.team_id
where (s.state, t.state) not in (
  ('held', 'forming'), ('held', 'open'), ('taken', 'open'), ('kept', 'clinched'), ('returned', 'clinched'),
  ('failed', 'failed'), ('sent_back', 'failed'))
  and s.state not in ('freed', 'left');

-- name: GR03 a member is in one running team of a deal at most
select city_id, offer_id, member_id from groups.seats where state in ('held', 'taken')
group by city_id, offer_id, member_id having count(*) > 1;

-- name: GR04 all seats of a team are for its deal, and nobody is in a team that clinched twice
select s.city_id, s.order_id from groups.seats s
join groups.teams t on t.city_id = s.city_id and t.team_id = s.team_id where s.offer_id <> t.offer_id
union all
select city_id, team_id from groups.seats where state = 'kept' group by city_id, team_id, member_id having count(*) > 1;

-- name: GR05 no team outlives its time by more than an hour
select city_id, team_id, closes_at from groups.teams
where state = 'open' and closes_at < (select max(at) from infra.facts) - interval '1 hour';

-- name: GR06 whoever was in a team that failed is given his money back within the hour
select city_id, order_id, ended_at from groups.seats
where state = 'failed' and ended_at < (select max(at) from infra.facts) - interval '1 hour';

-- name: GR07 a team clinched within its time, or minutes after it by somebody who was paying
select city_id, team_id, closes_at, ended_at from groups.teams
where state = 'clinched' and ended_at > closes_at + interval '1 hour';

-- name: GR08 a ladder counts the units that wait for its end
select l.city_id, l.offer_id, l.paid_units, c.units from groups.ladders l
left join (select city_id, offer_id, sum(units) as units from groups.climbs group by city_id, offer_id) c
  on c.city_id = l.city_id and c.offer_id = l.offer_id
where l.settled_at is null and l.paid_units <> coalesce(c.units, 0);

-- name: GR09 the price of a ladder is that of a tier, no higher than its units have reached, and nobody bought below it
select l.city_id, l.offer_id, l.low_units from groups.ladders l
where (l.low_units <> l.first_units and not exists (
         select 1 from jsonb_array_elements(l.tiers) t where (t ->> 'price_units')::bigint = l.low_units))
   or exists (select 1 from jsonb_array_elements(l.tiers) t
              where l.paid_units >= (t ->> 'from_units')::int and (t ->> 'price_units')::bigint < l.low_units)
   or exists (select 1 from groups.climbs c where c.city_id = l.city_id and c.offer_id = l.offer_id
              and c.price_units < l.low_units);

-- name: GR10 no ladder is open an hour after its sale, and no unit waits an hour after its end
select city_id, offer_id from groups.ladders
where settled_at is null and closes_at < (select max(at) from infra.facts) - interval '1 hour'
union all
select l.city_id, c.order_id from groups.ladders l
join groups.climbs c on c.city_id = l.city_id and c.offer_id = l.offer_id and c.settled_at is null
where l.settled_at < (select max(at) from infra.facts) - interval '1 hour';

-- name: GR11 what was cut off a bargain is the sum of its cuts, and each friend's is another one
select b.city_id, b.bargain_id, b.cut_units, c.units from groups.bargains b
left join (select city_id, bargain_id, sum(units) as units, count(*) as n, max(seq) as last from groups.cuts
           group by city_id, bargain_id) c on c.city_id = b.city_id and c.bargain_id = b.bargain_id
where b.cut_units <> coalesce(c.units, 0) or b.cuts <> coalesce(c.n, 0) or b.cuts <> coalesce(c.last, 0);

-- name: GR12 nobody cut his own price, and a cut is for the offer of its bargain
select c.city_id, c.bargain_id, c.member_id from groups.cuts c
join groups.bargains b on b.city_id = c.city_id and b.bargain_id = c.bargain_id
where c.member_id = b.member_id or c.offer_id <> b.offer_id;

-- name: GR13 the budget of an offer has spent what its living and bought bargains have cut
select g.city_id, g.offer_id, g.spent_units, b.units from groups.budgets g
left join (select city_id, offer_id, sum(cut_units) as units from groups.bargains where state <> 'over'
           group by city_id, offer_id) b on b.city_id = g.city_id and b.offer_id = g.offer_id
where g.spent_units <> coalesce(b.units, 0);
