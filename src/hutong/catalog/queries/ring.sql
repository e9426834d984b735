-- Documents of one ring: `ring` has a query for the index of what is near, or one for that of all, and null for the
-- other, which then finds nothing without looking.
(select n.* from catalog.search_docs n
 where n.city_id = %(city)s and catalog.near_marks(n.marks) @@ ring.near limit {most})
union all
(select w.* from catalog.search_docs w
 where w.city_id = %(city)s and w.marks @@ ring.query limit {most})
