insert into reviews.reviews
  (city_id, review_id, member_id, author, language, merchant_id, store_id, offer_id, line_id, voucher_id,
   redemption_id, title, stars, words, tags, photos, small, worth, version, state, step, used_at, written_at,
   reply_version, open_reports)
select %(city)s, n.id, n.member, n.author, n.language, n.merchant, n.store, n.offer, n.line, n.voucher,
       n.redemption, n.title, n.stars, n.words, array_remove(string_to_array(n.tags, e'\n'), ''),
       array_remove(string_to_array(n.photos, e'\n'), ''), array_remove(string_to_array(n.small, e'\n'), ''),
       n.worth, 1, 'shown', 0, n.used_at, %(now)s, 0, 0
from unnest(%(ids)s::uuid[], %(members)s::uuid[], %(authors)s::text[], %(languages)s::text[], %(merchants)s::uuid[],
            %(stores)s::uuid[], %(offers)s::uuid[], %(lines)s::uuid[], %(vouchers)s::uuid[], %(redemptions)s::uuid[],
            %(titles)s::jsonb[], %(stars)s::int[], %(words)s::text[], %(tags)s::text[], %(photos)s::text[],
            %(small)s::text[], %(worths)s::int[], %(used_ats)s::timestamptz[])
     as n (id, member, author, language, merchant, store, offer, line, voucher, redemption, title, stars, words, tags,
           photos, small, worth, used_at)
