update reviews.reviews r
set stars = n.stars, words = n.words, tags = array_remove(string_to_array(n.tags, e'\n'), ''),
    photos = array_remove(string_to_array(n.photos, e'\n'), ''),
    small = array_remove(string_to_array(n.small, e'\n'), ''), worth = n.worth, version = n.version,
    edited_at = %(now)s
from unnest(%(ids)s::uuid[], %(versions)s::int[], %(worths)s::int[], %(stars)s::int[], %(words)s::text[],
            %(tags)s::text[], %(photos)s::text[], %(small)s::text[])
     as n (id, version, worth, stars, words, tags, photos, small)
where r.city_id = %(city)s and r.review_id = n.id
