-- name: K01 when a shop has closed nothing that only it honoured is left prepaid without a refund on its way
select c.city_id, c.merchant_id, v.voucher_id from cards.closings c
join vouchers.vouchers v on v.city_id = c.city_id and v.merchant_id = c.merchant_id and v.state in ('valid', 'waiting')
  and v.paid_left > 0 and not v.wide
where c.ended_at is not null
  and (c.store_id is null
       or (cardinality(v.store_ids) > 0 and v.store_ids <@ array(
             select g.store_id from cards.closings g
             where g.city_id = c.city_id and g.merchant_id = c.merchant_id and g.store_id is not null and g.opened_at <= c.opened_at)));

-- name: K02 a merchant whose closing has ended has no store open in the city
select c.city_id, c.merchant_id, s.store_id from cards.closings c
join merchants.stores s on s.city_id = c.city_id and s.merchant_id = c.merchant_id and s.status = 'open'
where c.ended_at is not null and (c.store_id is null or c.store_id = s.store_id);

-- name: K03 of a closing as many refunds were asked as it says
select c.city_id, c.closing_id, c.refunds, count(r.refund_id) as asked from cards.closings c
left join orders.refunds r on r.city_id = c.city_id and r.merchant_id = c.merchant_id and r.reason = 'shop_closed'
where c.store_id is null and not exists (
  select 1 from cards.closings o where o.city_id = c.city_id and o.merchant_id = c.merchant_id and o.store_id is not null)
group by c.city_id, c.closing_id, c.refunds having c.refunds <> count(r.refund_id);

-- name: K04 a number in use stands for a right that is there, and of one right one number is in use
select n.city_id, n.number from cards.numbers n
left join vouchers.vouchers v on v.city_id = n.city_id and v.voucher_id = n.voucher_id
where n.voucher_id is not null and v.voucher_id is null
union all
select city_id, min(number) from cards.numbers where state in ('active', 'blocked')
group by city_id, voucher_id having count(*) > 1;

-- name: K05 a right that no order sold came out of a printed card, and cost its merchant nothing but itself
select v.city_id, v.voucher_id from vouchers.vouchers v
left join orders.orders o on o.city_id = v.city_id and o.order_id = v.order_id
left join cards.numbers n on n.city_id = v.city_id and n.voucher_id = v.voucher_id and n.batch_id is not null
where o.order_id is null and (n.number is null or v.paid_units <> 0 or v.due_units <> 0);

-- name: K06 a batch has as many numbers as were printed
select b.city_id, b.batch_id, b.count, count(n.number) as there from cards.batches b
left join cards.numbers n on n.city_id = b.city_id and n.batch_id = b.batch_id
group by b.city_id, b.batch_id, b.count having count(n.number) <> b.count;

-- name: K07 a replaced number leads to a number that is known
select n.city_id, n.number from cards.numbers n
left join cards.numbers r on r.city_id = n.city_id and r.number = n.replaced_by
where n.state = 'replaced' and (r.number is null or r.voucher_id <> n.voucher_id);
