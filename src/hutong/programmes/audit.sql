-- name: PG01 the reserve of a programme is the face value of all points outstanding, no more and no less
select p.programme_id, p.face_units, coalesce(m.points, 0) as points, coalesce(a.reserve, 0) as reserve
  from programmes.programmes p
  left join (select programme_id, sum(pending + available + held) as points from programmes.members group by 1) as m
    on m.programme_id = p.programme_id
  left join (select book_id, sum(credits_posted - debits_posted) as reserve from ledger.book_accounts
              where path = 'reserve' group by 1) as a on a.book_id = p.programme_id
 where coalesce(a.reserve, 0) <> coalesce(m.points, 0) * p.face_units;

-- name: PG02 who owes points has none available
select member_id, programme_id, debt, available from programmes.members where debt > 0 and available > 0;

-- name: PG03 a wallet holds exactly what its lots hold
select m.member_id, m.programme_id, m.pending, m.available, l.pending as lots_pending, l.available as lots_available
  from programmes.members m
  left join (
    select member_id, programme_id, sum(rest) filter (where state = 'pending') as pending,
           sum(rest) filter (where state = 'available') as available
      from programmes.lots where rest > 0 group by 1, 2) as l
    on l.member_id = m.member_id and l.programme_id = m.programme_id
 where m.pending <> coalesce(l.pending, 0) or m.available <> coalesce(l.available, 0);

-- name: PG04 a wallet is what the books of its member say
select coalesce(m.member_id, a.book_id) as member_id, coalesce(m.programme_id, a.programme_id) as programme_id,
       m.pending, m.available, m.held, m.debt, a.pending as books_pending, a.available as books_available,
       a.held as books_held, a.debt as books_debt
  from programmes.members m
  full join (
    select book_id, split_part(path, '/', 2)::uuid as programme_id,
           sum(credits_posted - debits_posted) filter (where path like '%%/pending') as pending,
           sum(credits_posted - debits_posted - debits_pending) filter (where path like '%%/available') as available,
           sum(debits_pending) filter (where path like '%%/available') as held,
           sum(debits_posted - credits_posted) filter (where path like '%%/debt') as debt
      from ledger.book_accounts where path >= 'points/' and path < 'points0' group by 1, 2) as a
    on a.book_id = m.member_id and a.programme_id = m.programme_id
 where coalesce(m.pending, 0) <> coalesce(a.pending, 0) or coalesce(m.available, 0) <> coalesce(a.available, 0)
    or coalesce(m.held, 0) <> coalesce(a.held, 0) or coalesce(m.debt, 0) <> coalesce(a.debt, 0);

-- name: PG05 what is gone from a lot is what was drawn from it and did not come back
select l.member_id, l.lot_id, l.points, l.rest, d.gone from programmes.lots l
  left join (select member_id, lot_id, sum(points - back) as gone from programmes.draws group by 1, 2) as d
    on d.member_id = l.member_id and d.lot_id = l.lot_id
 where l.points - l.rest <> coalesce(d.gone, 0);

-- name: PG06 a movement that takes points draws exactly them, of the same kind
select m.movement_id, m.kind, m.points, m.debt_part, d.points as drawn from programmes.movements m
  left join (select movement_id, kind, sum(points) as points from programmes.draws group by 1, 2) as d
    on d.movement_id = m.movement_id and d.kind = m.kind
 where m.kind in ('burn', 'claw_back', 'debt_paid', 'expire', 'send')
   and m.points - m.debt_part <> coalesce(d.points, 0)
union all
select d.movement_id, d.kind, null, null, d.points from programmes.draws d
  left join programmes.movements m on m.programme_id = d.programme_id and m.movement_id = d.movement_id
   and m.member_id = d.member_id
 where m.movement_id is null;

-- name: PG07 a purchase earns once
select programme_id, source_kind, source_ref, count(*) from programmes.movements where kind = 'earn'
 group by 1, 2, 3 having count(*) > 1;

-- name: PG08 every point that was given lies in lots of its earn, and every lot came of an earn or a friend
select m.movement_id, m.points, l.points as lots from programmes.movements m
  left join (select member_id, movement_id, sum(points) as points from programmes.lots group by 1, 2) as l
    on l.member_id = m.member_id and l.movement_id = m.movement_id
 where m.kind in ('earn', 'receive') and m.points <> coalesce(l.points, 0)
union all
select l.movement_id, l.points, null from programmes.lots l
  left join programmes.movements m on m.programme_id = l.programme_id and m.movement_id = l.movement_id
   and m.kind in ('earn', 'receive')
 where m.movement_id is null;

-- name: PG09 nothing was spent from a lot that had ended, or before it had matured
select d.member_id, d.lot_id, d.movement_id, d.kind, d.at, l.matures_at, l.expires_at from programmes.draws d
  join programmes.lots l on l.member_id = d.member_id and l.lot_id = d.lot_id
 where d.kind in ('burn', 'send') and (d.at >= l.expires_at or d.at < l.matures_at);

-- name: PG10 what a purchase gave back is what its claw-backs took, part by part
select e.movement_id, e.base_back, e.bonus_back, e.campaign_back, c.base, c.bonus, c.campaign
  from programmes.movements e
  left join (select programme_id, parent_id, sum(base) as base, sum(bonus) as bonus, sum(campaign) as campaign
               from programmes.movements where kind = 'claw_back' group by 1, 2) as c
    on c.programme_id = e.programme_id and c.parent_id = e.movement_id
 where e.kind = 'earn' and (e.base_back <> coalesce(c.base, 0) or e.bonus_back <> coalesce(c.bonus, 0)
       or e.campaign_back <> coalesce(c.campaign, 0));

-- name: PG11 a purchase that was undone as a whole has no point left to its member
select c.movement_id, e.movement_id as earn, e.points, e.undone from programmes.movements c
  join programmes.movements e on e.programme_id = c.programme_id and e.movement_id = c.parent_id
 where c.kind = 'claw_back' and c.amount_units = 0 and e.undone <> e.points;

-- name: PG12 what a burn gave back is what its undos say, in points and in money, and its draws agree
select b.movement_id, b.undone, b.worth_back, u.points, u.worth, d.back from programmes.movements b
  left join (select programme_id, parent_id, sum(points) as points, sum(worth_units) as worth
               from programmes.movements where kind = 'unburn' group by 1, 2) as u
    on u.programme_id = b.programme_id and u.parent_id = b.movement_id
  left join (select movement_id, sum(back) as back from programmes.draws where kind = 'burn' group by 1) as d
    on d.movement_id = b.movement_id
 where b.kind = 'burn' and (b.undone <> coalesce(u.points, 0) or b.worth_back <> coalesce(u.worth, 0)
       or coalesce(d.back, 0) <> case when b.state = 'released' then b.points else b.undone end);

-- name: PG13 a wallet holds aside what its open holds say, and no hold is open after its end
select m.member_id, m.programme_id, m.held, h.points from programmes.members m
  left join (select member_id, programme_id, sum(points) as points from programmes.movements
              where state = 'held' group by 1, 2) as h
    on h.member_id = m.member_id and h.programme_id = m.programme_id
 where m.held <> coalesce(h.points, 0)
union all
select member_id, programme_id, null, points from programmes.movements
 where (state = 'held' and ended_at is not null) or (state = 'released' and ended_at is null);

-- name: PG14 a wallet owes what its debts say, and a debt what was made less what was paid
select m.member_id, m.programme_id, m.debt, d.rest from programmes.members m
  left join (select member_id, programme_id, sum(rest) as rest from programmes.debts group by 1, 2) as d
    on d.member_id = m.member_id and d.programme_id = m.programme_id
 where m.debt <> coalesce(d.rest, 0)
union all
select c.member_id, c.programme_id, c.debt_part, d.points from programmes.movements c
  left join (select movement_id, sum(points) as points from programmes.debts group by 1) as d
    on d.movement_id = c.movement_id
 where c.kind = 'claw_back' and c.debt_part <> coalesce(d.points, 0)
union all
select d.member_id, d.programme_id, d.points - d.rest, p.points
  from (select member_id, programme_id, movement_id, sum(points) as points, sum(rest) as rest
          from programmes.debts group by 1, 2, 3) as d
  left join (select programme_id, parent_id, sum(points) as points from programmes.movements
              where kind = 'debt_paid' group by 1, 2) as p
    on p.programme_id = d.programme_id and p.parent_id = d.movement_id
 where d.points - d.rest <> coalesce(p.points, 0);

-- name: PG15 movements say what the reserve did
select p.programme_id, coalesce(m.units, 0) as movements, coalesce(a.reserve, 0) as reserve
  from programmes.programmes p
  left join (select programme_id, sum(case when kind in ('earn', 'unburn') then units
                    when kind in ('send', 'receive') or state <> 'done' then 0 else -units end) as units
               from programmes.movements group by 1) as m on m.programme_id = p.programme_id
  left join (select book_id, sum(credits_posted - debits_posted) as reserve from ledger.book_accounts
              where path = 'reserve' group by 1) as a on a.book_id = p.programme_id
 where coalesce(m.units, 0) <> coalesce(a.reserve, 0);

-- name: PG16 points given, used and ended are what the programme's own accounts of points say
select p.programme_id, m.*, a.* from programmes.programmes p
  left join (select programme_id as of, sum(case kind when 'earn' then points when 'claw_back' then -points else 0 end)
                    as issued,
                    sum(case when kind = 'burn' and state = 'done' then points when kind = 'unburn' then -points else 0 end)
                    as redeemed,
                    sum(case kind when 'expire' then points else 0 end) as expired
               from programmes.movements group by 1) as m on m.of = p.programme_id
  left join (select book_id, sum(debits_posted - credits_posted) filter (where path = 'issued') as books_issued,
                    sum(credits_posted - debits_posted) filter (where path = 'redeemed') as books_redeemed,
                    sum(credits_posted - debits_posted) filter (where path = 'expired') as books_expired
               from ledger.book_accounts where path in ('issued', 'redeemed', 'expired') group by 1) as a
    on a.book_id = p.programme_id
 where coalesce(m.issued, 0) <> coalesce(a.books_issued, 0) or coalesce(m.redeemed, 0) <> coalesce(a.books_redeemed, 0)
    or coalesce(m.expired, 0) <> coalesce(a.books_expired, 0);

-- name: PG17 a campaign gives no more than its budget, and the money for the rest of it lies ready
select c.programme_id, c.campaign_id, c.budget_points, c.used_points, a.units from programmes.campaigns c
  join programmes.programmes p on p.programme_id = c.programme_id
  left join (select book_id, path, sum(credits_posted - debits_posted) as units from ledger.book_accounts
              where path >= 'campaign/' and path < 'campaign0' group by 1, 2) as a
    on a.book_id = c.programme_id and a.path = 'campaign/' || c.campaign_id
 where c.used_points > c.budget_points
    or (c.payer = 'programme' and (c.budget_points - c.used_points) * p.face_units <> coalesce(a.units, 0));

-- name: PG18 money for points was there: no prepaid funding and no campaign stands below zero
select book_id, path, credits_posted - debits_posted as units from ledger.book_accounts
 where book_kind = 'programme' and debits_posted > credits_posted
   and ((path like 'funding/%%' and path not like '%%/postpaid') or path like 'campaign/%%');

-- name: PG19 every movement of points in the books belongs to a movement here
select t.book_id, t.transfer_id, t.event, t.ref from ledger.book_transfers t
  left join programmes.movements m on m.programme_id = t.book_id and m.movement_id = t.ref
 where t.event in ('programmes.earn', 'programmes.burn', 'programmes.unburn', 'programmes.claw_back',
                   'programmes.debt_paid', 'programmes.expire')
   and t.book_id in (select programme_id from programmes.programmes) and m.movement_id is null;

-- name: PG20 a wallet grows by the base points of what its member bought and kept
select m.member_id, m.programme_id, m.growth, e.base from programmes.members m
  left join (select member_id, programme_id, sum(base - base_back) as base from programmes.movements
              where kind = 'earn' group by 1, 2) as e
    on e.member_id = m.member_id and e.programme_id = m.programme_id
 where m.growth <> coalesce(e.base, 0);

-- name: PG21 a purchase without points gave none, and one that was given later did
select m.programme_id, m.source_ref, m.why, m.granted_at from programmes.missed m
  left join programmes.movements e on e.programme_id = m.programme_id and e.kind = 'earn'
   and e.source_kind = m.source_kind and e.source_ref = m.source_ref
 where m.why <> 'undone' and (m.granted_at is null) <> (e.movement_id is null);

-- name: PG22 points that were sent arrived, with the same end and the same backing
select s.movement_id, s.points, r.points as received from programmes.movements s
  left join programmes.movements r on r.programme_id = s.programme_id and r.parent_id = s.movement_id
   and r.kind = 'receive'
 where s.kind = 'send' and s.points is distinct from r.points
union all
select l.source_ref, l.points, null from programmes.lots l
 where l.source_kind = 'friend' and not exists (
   select from programmes.draws d join programmes.lots o on o.member_id = d.member_id and o.lot_id = d.lot_id
    where d.movement_id = l.source_ref and d.kind = 'send' and d.points = l.points and o.expires_at = l.expires_at
      and o.fund = l.fund and o.partner_id = l.partner_id and o.campaign_id is not distinct from l.campaign_id);

-- name: PG23 blocks that partners paid in are in the books
select b.programme_id, b.block_id, b.units, t.amount from programmes.blocks b
  left join ledger.book_transfers t on t.book_id = b.programme_id and t.ref = b.block_id and t.event = 'fund' and t.step = 'post'
   and t.credit_path = case when b.partner_id is null then 'funding/own' else 'funding/' || b.partner_id end
 where t.amount is distinct from b.units;

-- name: PG24 a merchant is in one programme at a time
select partner_id, count(*) from programmes.partners where state <> 'left' group by 1 having count(*) > 1;

-- name: PG25 a block that another merchant paid came from the head office of the chain that its partner was in
select b.programme_id, b.block_id, b.partner_id, b.debit_path from programmes.blocks b
 where b.debit_path like 'payable/merchant/%%' and b.partner_id is not null
   and split_part(b.debit_path, '/', 3) <> b.partner_id::text
   and not exists (
     select from merchants.chain_shops s join merchants.chains c on c.chain_id = s.chain_id
      where s.merchant_id = b.partner_id and c.head_id::text = split_part(b.debit_path, '/', 3)
        and s.agreed_at <= b.at and (s.ended_at is null or s.ended_at >= b.at));
