-- name: RV01 a rating counts exactly the shown reviews of its store or offer
select coalesce(r.city_id, s.city_id) as city_id, coalesce(r.subject, s.subject) as subject
from reviews.ratings r
full join (
  select city_id, subject, kind, count(*) filter (where stars = 1) as n1, count(*) filter (where stars = 2) as n2,
         count(*) filter (where stars = 3) as n3, count(*) filter (where stars = 4) as n4,
         count(*) filter (where stars = 5) as n5
  from (
    select city_id, store_id as subject, 'store' as kind, stars from reviews.reviews where state = 'shown'
    union all
    select city_id, offer_id, 'offer', stars from reviews.reviews where state = 'shown'
  ) each_once group by city_id, subject, kind
) s on s.city_id = r.city_id and s.subject = r.subject and s.kind = r.kind
where (coalesce(r.n1, 0), coalesce(r.n2, 0), coalesce(r.n3, 0), coalesce(r.n4, 0), coalesce(r.n5, 0))
   <> (coalesce(s.n1, 0), coalesce(s.n2, 0), coalesce(s.n3, 0), coalesce(s.n4, 0), coalesce(s.n5, 0));

-- name: RV02 a review says what its last version says, and versions are counted without a gap
select r.city_id, r.review_id from reviews.reviews r
left join reviews.versions v on v.city_id = r.city_id and v.review_id = r.review_id and v.version = r.version
where v.version is null
   or (v.stars, v.words, v.tags, v.photos, v.small) is distinct from (r.stars, r.words, r.tags, r.photos, r.small)
   or r.version <> (select count(*) from reviews.versions c where c.city_id = r.city_id and c.review_id = r.review_id);

-- name: RV03 the state of a review is where its history ends, and each step begins where the last one ended
select r.city_id, r.review_id from reviews.reviews r
left join (
  select city_id, review_id, step, was, state, lag(state, 1, 'shown') over history as before,
         lag(step, 1, 0) over history as step_before, lead(step) over history as step_after
  from reviews.changes window history as (partition by city_id, review_id order by step)
) c on c.city_id = r.city_id and c.review_id = r.review_id
where (c.step is null and (r.state <> 'shown' or r.step <> 0)) or c.was <> c.before or c.step <> c.step_before + 1
   or (c.step_after is null and (c.state <> r.state or c.step <> r.step));

-- name: RV04 an order line has at most one review that was not withdrawn
select city_id, line_id from reviews.reviews where state <> 'withdrawn'
group by city_id, line_id having count(*) > 1;

-- name: RV05 a review is of the holder's own voucher, at the store and about the offer of its redemption
select r.city_id, r.review_id from reviews.reviews r
left join vouchers.redemptions u on u.city_id = r.city_id and u.redemption_id = r.redemption_id
left join vouchers.vouchers v on v.city_id = r.city_id and v.voucher_id = r.voucher_id
where (u.voucher_id, u.store_id, u.merchant_id, u.at) is distinct from (r.voucher_id, r.store_id, r.merchant_id, r.used_at)
   or (v.member_id, v.offer_id, v.line_id) is distinct from (r.member_id, r.offer_id, r.line_id);

-- name: RV06 ten minutes after a redemption was undone its review is withdrawn
select r.city_id, r.review_id from reviews.reviews r
join vouchers.reversals u on u.city_id = r.city_id and u.redemption_id = r.redemption_id
where r.state <> 'withdrawn' and u.at < (select max(f.at) from infra.facts f) - interval '10 minutes';

-- name: RV07 the reply that is shown is the last one that was given
select r.city_id, r.review_id from reviews.reviews r
left join reviews.replies p on p.city_id = r.city_id and p.review_id = r.review_id and p.version = r.reply_version
where p.words is distinct from r.reply or p.at is distinct from r.replied_at
   or r.reply_version <> (select count(*) from reviews.replies c where c.city_id = r.city_id and c.review_id = r.review_id);

-- name: RV08 a review knows how many of its reports are open, and only shown ones have any
select r.city_id, r.review_id from reviews.reviews r
left join (
  select city_id, review_id, count(*) as n, min(at) as since from reviews.reports where closed_at is null
  group by city_id, review_id
) p on p.city_id = r.city_id and p.review_id = r.review_id
where r.open_reports <> coalesce(p.n, 0) or r.reported_at is distinct from p.since
   or (r.open_reports > 0 and r.state <> 'shown');

-- name: RV09 reviews are written within 90 days of the visit and changed within 7 days
select city_id, review_id from reviews.reviews
where written_at >= used_at + interval '90 days' or edited_at >= written_at + interval '7 days';

-- name: RV10 authors appeal only after their review was hidden
select a.city_id, a.review_id from reviews.appeals a
where a.side = 'author' and not exists (
  select from reviews.changes c
  where c.city_id = a.city_id and c.review_id = a.review_id and c.state = 'hidden' and c.at <= a.at);
