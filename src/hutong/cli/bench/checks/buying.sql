-- After buying in the city :city: is every unit accounted for, and is every order there that was acknowledged?
-- Standard input brings the acknowledged orders.
create temporary table acked (order_id uuid);
\copy acked from pstdin
analyze acked;
select json_build_object(
    'units_total', q.total, 'units_sold', q.sold, 'units_held', q.held, 'units_left', q.remaining,
    'quotas_unequal', q.unequal, 'orders', o.orders, 'units_ordered', o.units,
    'acknowledged', a.acked, 'acknowledged_twice', a.twice, 'acknowledged_missing', a.missing
)
from
    (select coalesce(sum(total), 0) as total, coalesce(sum(sold), 0) as sold, coalesce(sum(held), 0) as held,
            coalesce(sum(remaining), 0) as remaining,
            count(*) filter (where sold + held + remaining <> total or remaining < 0) as unequal
     from inventory.quotas where city_id = :city) q,
    (select count(distinct o.order_id) as orders, coalesce(sum(l.quantity), 0) as units
     from orders.orders o join orders.lines l on l.city_id = o.city_id and l.order_id = o.order_id
     where o.city_id = :city and o.state in ('placed', 'paid')) o,
    (select count(*) as acked, count(*) - count(distinct k.order_id) as twice,
            count(*) filter (where o.order_id is null) as missing
     from acked k left join orders.orders o on o.city_id = :city and o.order_id = k.order_id) a;
