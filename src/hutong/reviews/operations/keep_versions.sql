insert into reviews.versions (city_id, review_id, version, stars, words, tags, photos, small, at)
select %(city)s, n.id, n.version, n.stars, n.words, array_remove(string_to_array(n.tags, e'\n'), ''),
       array_remove(string_to_array(n.photos, e'\n'), ''), array_remove(string_to_array(n.small, e'\n'), ''), %(now)s
from unnest(%(ids)s::uuid[], %(versions)s::int[], %(stars)s::int[], %(words)s::text[], %(tags)s::text[],
            %(photos)s::text[], %(small)s::text[]) as n (id, version, stars, words, tags, photos, small)
