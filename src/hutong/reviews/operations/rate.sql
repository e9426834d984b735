update reviews.ratings r
set n1 = r.n1 + n.n1, n2 = r.n2 + n.n2, n3 = r.n3 + n.n3, n4 = r.n4 + n.n4, n5 = r.n5 + n.n5,
    count = r.count + n.n1 + n.n2 + n.n3 + n.n4 + n.n5,
    total = r.total + n.n1 + 2 * n.n2 + 3 * n.n3 + 4 * n.n4 + 5 * n.n5
from unnest(%(ids)s::uuid[], %(n1)s::int[], %(n2)s::int[], %(n3)s::int[], %(n4)s::int[], %(n5)s::int[])
     as n (subject, n1, n2, n3, n4, n5)
where r.city_id = %(city)s and r.subject = n.subject
