-- name: WL01 a call holds what it says for who was called, by a hold of inventory that is kept for nobody else
select c.city_id, c.call_id, c.units, w.units as held from waitlist.calls c
left join inventory.holds h on h.city_id = c.city_id and h.hold_id = c.hold_id
left join inventory.wants w on w.city_id = c.city_id and w.hold_id = c.hold_id
where h.hold_id is null or w.units is distinct from c.units::bigint
   or (c.state = 'open' and h.state = 'expired' and c.expires_at > (select max(f.at) from infra.facts f where f.city_id = c.city_id))
   or (c.state = 'taken') <> (h.moved_to is not null and c.state <> 'open');
-- name: WL02 an entry is called exactly while it has an open call, was called as often as it has calls, and is met whole
select e.city_id, e.entry_id, e.state, e.calls, count(c.call_id) as made from waitlist.entries e
left join waitlist.calls c on c.city_id = e.city_id and c.entry_id = e.entry_id
group by e.city_id, e.entry_id, e.state, e.calls, e.units
having e.calls <> count(c.call_id) or (e.state = 'called') <> (count(*) filter (where c.state = 'open') = 1)
  or (e.state = 'served') <> (count(*) filter (where c.state = 'taken') = 1)
  or count(*) filter (where c.units <> e.units) > 0;
-- name: WL03 the choices of an entry live as long as it does, and are deals with that stock
select c.city_id, c.entry_id, c.offer_id from waitlist.choices c
join waitlist.entries e on e.city_id = c.city_id and e.entry_id = c.entry_id
left join catalog.offers o on o.city_id = c.city_id and o.offer_id = c.offer_id
where c.live <> (e.state in ('waiting', 'called')) or o.offer_id is null or o.merchant_id <> c.merchant_id
   or case when o.form ->> 'form' = 'flash'
        then c.live and not exists (select 1 from jsonb_array_elements(o.form -> 'slots') s
                                    where (s ->> 'quota_id')::uuid = c.quota_id)
        else o.quota_id is distinct from c.quota_id end
union all
select e.city_id, e.entry_id, null from waitlist.entries e
where not exists (select 1 from waitlist.choices c where c.city_id = e.city_id and c.entry_id = e.entry_id);
-- name: WL04 what a call gave went to an order of the member who was called
select c.city_id, c.call_id, o.order_id, o.member_id from waitlist.calls c
join inventory.holds h on h.city_id = c.city_id and h.hold_id = c.hold_id
left join orders.orders o on o.city_id = c.city_id and o.hold_id = h.moved_to
where h.moved_to is not null and (o.order_id is null or o.member_id <> c.member_id);
-- name: WL05 nobody waits twice for one deal
select city_id, offer_id, member_id, count(*) as times from waitlist.choices where live
group by city_id, offer_id, member_id having count(*) > 1;
-- name: WL06 stock is kept for those who wait only while somebody waits for it
select q.city_id, q.quota_id from inventory.quotas q
where q.listed and not exists (
  select 1 from waitlist.choices c where c.city_id = q.city_id and c.quota_id = q.quota_id and c.live);
-- name: WL07 nobody was called before somebody who came earlier, needs no more of that stock, and would take any day
select c.city_id, c.call_id, f.entry_id as before from waitlist.calls c
join waitlist.entries e on e.city_id = c.city_id and e.entry_id = c.entry_id
join waitlist.choices w on w.city_id = c.city_id and w.entry_id = c.entry_id and w.offer_id = c.offer_id
join waitlist.choices d on d.city_id = c.city_id and d.offer_id = c.offer_id and d.quota_id = w.quota_id and d.live
join waitlist.entries f on f.city_id = c.city_id and f.entry_id = d.entry_id
where f.state = 'waiting' and f.calls = 0 and f.first is null and f.units <= c.units
  and f.joined_at < e.joined_at and f.joined_at < c.made_at;
-- name: WL08 who bought what was kept for him is the one who has the seat in the team, or the bargain
select c.city_id, c.call_id, o.order_id from waitlist.calls c
join inventory.holds h on h.city_id = c.city_id and h.hold_id = c.hold_id
join orders.orders o on o.city_id = c.city_id and o.hold_id = h.moved_to
join orders.lines l on l.city_id = c.city_id and l.order_id = o.order_id
left join groups.seats s on s.city_id = c.city_id and s.order_id = o.order_id
left join groups.bargains b on b.city_id = c.city_id and b.order_id = o.order_id
where s.member_id <> c.member_id or b.member_id <> c.member_id
   or (l.promise -> 'group' ->> 'as' = 'team' and s.order_id is null);
