-- A condition on a listing `st`: in the box of degrees. The index finds what may be in it, degrees decide.
(st.at <@ %(box)s::cube
    and degrees(asin(greatest(-1, least(1, cube_ll_coord(st.at, 3) / %(radius)s::float8))))
        between %(south)s and %(north)s
    and degrees(atan2(cube_ll_coord(st.at, 2), cube_ll_coord(st.at, 1))) between %(west)s and %(east)s)
