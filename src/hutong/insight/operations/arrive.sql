-- Uses of rights as comings, from the visits beside them; what is right already is left as it is.
insert into insight.comings as c (
  city_id, coming_id, kind, merchant_id, store_id, member_id, offer_id, day, at, bought_at, asset, units, own, undone_at)
select v.city_id, v.redemption_id, 'redemption', v.merchant_id, v.store_id, v.member_id, v.offer_id, v.day, v.at,
       v.bought_at, v.asset, v.due_units, v.own, v.undone_at
from insight.visits v
where v.city_id = %(city)s and v.redemption_id = any(%(ids)s::uuid[])
order by v.redemption_id
on conflict (city_id, coming_id) do update set
  member_id = excluded.member_id, units = excluded.units, undone_at = excluded.undone_at
where (c.member_id, c.units, c.undone_at) is distinct from (excluded.member_id, excluded.units, excluded.undone_at)
