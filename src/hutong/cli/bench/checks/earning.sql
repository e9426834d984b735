-- After bills that earn in the city :city, in the programme :'programme': is every bill there that was acknowledged,
-- once, and did each earn? Standard input brings the acknowledged bills.
create temporary table acked (bill_id uuid);
\copy acked from pstdin
analyze acked;
select json_build_object(
    'bills', b.bills, 'bills_that_earned', b.earned, 'earned_in_sets', m.in_sets, 'points_earned', m.points,
    'points_in_wallets', w.points, 'points_in_lots', l.points,
    'acknowledged', a.acked, 'acknowledged_twice', a.twice, 'acknowledged_missing', a.missing
)
from
    (select count(*) as bills, count(m.movement_id) filter (where m.points > 0) as earned
     from till.bills b left join programmes.movements m on m.programme_id = :'programme' and m.kind = 'earn'
          and m.source_kind = 'bill' and m.source_ref = b.bill_id
     where b.city_id = :city) b,
    (select count(*) filter (where source_kind = 'receipt') as in_sets, coalesce(sum(points), 0) as points
     from programmes.movements where programme_id = :'programme' and kind = 'earn') m,
    (select coalesce(sum(pending + available), 0) as points from programmes.members
     where programme_id = :'programme') w,
    (select coalesce(sum(rest), 0) as points from programmes.lots where programme_id = :'programme') l,
    (select count(*) as acked, count(*) - count(distinct k.bill_id) as twice,
            count(*) filter (where b.bill_id is null) as missing
     from acked k left join till.bills b on b.city_id = :city and b.bill_id = k.bill_id) a;
