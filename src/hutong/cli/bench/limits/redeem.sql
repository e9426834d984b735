\set voucher random(1, 200000)
\set store random(1, 100)
begin;
update bench_limit.vouchers set state = 'used' where voucher_id = :voucher and state = 'valid';
insert into bench_limit.redemptions (voucher_id, store_id) values (:voucher, :store) on conflict do nothing;
commit;
