/*
 * pool_real_template.h - maxima and their places, four at a time, for one type that is compared (REAL; R() makes names)
 */

typedef R(lane) R(quad_index) __attribute__((vector_size(4 * sizeof(REAL))));

/* first, first + 1, ... */
INLINE R(index) R(count_up)(R(lane) first)
{
    R(index) v;
    for (int i = 0; i < R(LANES); i++)
        v[i] = first + i;
    return v;
}

/* Lanes from `count` on become what no other is below. */
INLINE void R(keep_quad)(R(quad) *most, R(quad_index) *place, int64_t count)
{
    const R(quad_index) number = {0, 1, 2, 3}, inside = number < (R(lane))min_i64(count, 4);
    const R(quad) least = {-(REAL)INFINITY, -(REAL)INFINITY, -(REAL)INFINITY, -(REAL)INFINITY};
    *most = (R(quad))((inside & (R(quad_index))*most) | (~inside & (R(quad_index))least));
    *place = (inside & *place) | (~inside & INT32_MAX); /* there may be anything, where nothing was written */
}

/* The larger in each lane; of equals, the one that comes first. */
INLINE void R(take_larger_quad)(R(quad) *most, R(quad_index) *place, R(quad) value, R(quad_index) at)
{
    const R(quad_index) better = (value > *most) | ((value == *most) & (at < *place));
    *most = (R(quad))((better & (R(quad_index))value) | (~better & (R(quad_index))*most));
    *place = (better & at) | (~better & *place);
}

/* The largest of all four, in lane 0. */
INLINE void R(take_largest_quad)(R(quad) *most, R(quad_index) *place)
{
    R(take_larger_quad)(most, place, SHUFFLE_QUAD(R(quad_index), *most, 2, 3, 0, 1),
                        SHUFFLE_QUAD(R(quad_index), *place, 2, 3, 0, 1));
    R(take_larger_quad)(most, place, SHUFFLE_QUAD(R(quad_index), *most, 1, 0, 3, 2),
                        SHUFFLE_QUAD(R(quad_index), *place, 1, 0, 3, 2));
}
