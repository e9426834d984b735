-- Cards of chosen stores, in the order of the list.
select f.*, f.at <-> %(here)s::cube as chord, live.briefs, live.offer_count
from unnest(%(stores)s::uuid[]) with ordinality as st (store_id, place)
join catalog.storefronts f on f.city_id = %(city)s and f.store_id = st.store_id
cross join lateral ({live}) live
order by st.place
