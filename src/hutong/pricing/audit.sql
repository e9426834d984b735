-- name: PR01 no budget is overspent: what is held and spent is within the limit of every counter, and none is below zero
select city_id, promotion_id, attribute, key, most_units, most_uses, held_units, spent_units, held_uses, spent_uses
from pricing.counters
where held_units + spent_units > most_units or held_uses + spent_uses > most_uses
   or least(held_units, held_uses, spent_units, spent_uses) < 0;
-- name: PR02 every counter says what the uses of its promotion say
with said as (
  select u.city_id, u.promotion_id, k.key as attribute, k.value as key,
         coalesce(sum(u.units) filter (where u.state = 'held'), 0) as held_units,
         count(*) filter (where u.state = 'held') as held_uses,
         coalesce(sum(u.units - u.back_units) filter (where u.state in ('spent', 'returned')), 0) as spent_units,
         count(*) filter (where u.state = 'spent') as spent_uses
  from pricing.uses u cross join lateral jsonb_each_text(u.keys) k
  group by u.city_id, u.promotion_id, k.key, k.value
)
select coalesce(c.city_id, s.city_id) as city_id, coalesce(c.promotion_id, s.promotion_id) as promotion_id,
       coalesce(c.attribute, s.attribute) as attribute, c.held_units, s.held_units as uses_held, c.spent_units,
       s.spent_units as uses_spent
from pricing.counters c
full join said s on s.city_id = c.city_id and s.promotion_id = c.promotion_id and s.attribute = c.attribute
  and s.key = c.key
where (coalesce(c.held_units, 0), coalesce(c.held_uses, 0), coalesce(c.spent_units, 0), coalesce(c.spent_uses, 0))
   <> (coalesce(s.held_units, 0), coalesce(s.held_uses, 0), coalesce(s.spent_units, 0), coalesce(s.spent_uses, 0));
-- name: PR03 a counter carries the limit of its budget; looser only where the budget was changed after it was counted
select c.city_id, c.promotion_id, c.attribute, c.key, c.most_units, b.most_units as budget_units, c.most_uses,
       b.most_uses as budget_uses
from pricing.counters c
left join pricing.budgets b on b.city_id = c.city_id and b.promotion_id = c.promotion_id and b.attribute = c.attribute
where (c.most_units is null) <> (b.most_units is null) or (c.most_uses is null) <> (b.most_uses is null)
   or c.most_units < b.most_units or c.most_uses < b.most_uses
   or ((c.most_units > b.most_units or c.most_uses > b.most_uses) and b.lowered_at is null);
-- name: PR04 whatever was published has a budget in all
select p.city_id, p.promotion_id, p.state from pricing.promotions p
where p.state in ('live', 'paused') and not exists (
  select 1 from pricing.budgets b
  where b.city_id = p.city_id and b.promotion_id = p.promotion_id and b.attribute = 'all');
-- name: PR05 a promotion stands as the last step of its history says
select p.city_id, p.promotion_id, p.version, p.state, h.state as said from pricing.promotions p
left join pricing.changes h on h.city_id = p.city_id and h.promotion_id = p.promotion_id and h.version = p.version
where h.state is distinct from p.state;
-- name: PR06 the history of a promotion has no gap and nothing after its last step
select p.city_id, p.promotion_id, p.version, count(h.version) as steps from pricing.promotions p
left join pricing.changes h on h.city_id = p.city_id and h.promotion_id = p.promotion_id
group by p.city_id, p.promotion_id, p.version
having count(h.version) <> p.version or max(h.version) <> p.version;
-- name: PR07 no promotion was used in a state in which it could not be: drafts and stopped ones never
select u.city_id, u.promotion_id, u.ref, u.version, h.state from pricing.uses u
join pricing.promotions p on p.city_id = u.city_id and p.promotion_id = u.promotion_id
left join pricing.changes h on h.city_id = u.city_id and h.promotion_id = u.promotion_id and h.version = u.version
where h.state is null or not (h.state = 'live' or (h.state = 'ended' and p.trigger = 'coupon'));
-- name: PR08 no held use outlives its time by an hour, by the latest use of its city
select u.city_id, u.promotion_id, u.ref, u.until from pricing.uses u
join (select city_id, max(greatest(at, ended_at)) as latest from pricing.uses group by city_id) c on c.city_id = u.city_id
where u.state = 'held' and u.until < c.latest - interval '1 hour';
-- name: PR09 what came back of a use was spent on it, and a returned use came back whole
select city_id, promotion_id, ref, state, units, back_units from pricing.uses
where back_units > units or back_units < 0 or (back_units > 0 and state not in ('spent', 'returned'))
   or (state = 'returned' and back_units <> units);
-- name: PR10 a code belongs to the promotion of its batch, and each batch has as many as it says
select b.city_id, b.batch_id, b.count, count(c.code_id) as codes from pricing.batches b
left join pricing.codes c on c.city_id = b.city_id and c.batch_id = b.batch_id
group by b.city_id, b.batch_id, b.count, b.promotion_id
having count(c.code_id) <> b.count or bool_or(c.promotion_id <> b.promotion_id);
-- name: PR11 a code is taken by one claim, and a bound one only by whom it is bound to
select city_id, code_id, state, member_id, taken_by from pricing.codes
where (state = 'taken') <> (taken_ref is not null) or (member_id is not null and taken_by <> member_id);
-- name: PR12 nobody used a promotion outside of its time
select u.city_id, u.promotion_id, u.ref, u.at from pricing.uses u
join pricing.promotions p on p.city_id = u.city_id and p.promotion_id = u.promotion_id
where u.at < p.starts_at;
