-- After redeeming in the city :city: is every redemption there that was acknowledged, once, and shared out?
-- Standard input brings the acknowledged redemptions.
create temporary table acked (redemption_id uuid);
\copy acked from pstdin
analyze acked;
select json_build_object(
    'vouchers_used', v.used, 'vouchers_left', v.left, 'redemptions', r.redemptions, 'earnings', e.earnings,
    'acknowledged', a.acked, 'acknowledged_twice', a.twice, 'acknowledged_missing', a.missing
)
from
    (select count(*) filter (where state = 'used') as used, count(*) filter (where state = 'valid') as left
     from vouchers.vouchers where city_id = :city) v,
    (select count(*) as redemptions from vouchers.redemptions where city_id = :city) r,
    (select count(*) as earnings from settlement.earnings where city_id = :city) e,
    (select count(*) as acked, count(*) - count(distinct k.redemption_id) as twice,
            count(*) filter (where r.redemption_id is null) as missing
     from acked k left join vouchers.redemptions r on r.city_id = :city and r.redemption_id = k.redemption_id) a;
