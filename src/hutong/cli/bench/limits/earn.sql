\set movement random(1, 9000000000000000000)
\set member random(1, 1000)
\set partner random_zipfian(1, 20, 1.1)
\set points random(10, 300)
with moved as (
    insert into bench_limit.movements (movement_id, partner_id, member_id, points)
    values (:movement, :partner, :member, :points)
    on conflict do nothing returning partner_id, member_id, points
), given as (
    update bench_limit.members m set balance = m.balance + v.points from moved v where m.member_id = v.member_id
    returning v.partner_id, v.points
)
update bench_limit.partners p set funding = p.funding - g.points from given g where p.partner_id = g.partner_id;
