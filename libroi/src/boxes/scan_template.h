/* scan_template.h - comparing one box with many, for one type (REAL, R() makes names): neighbours_kernel.h */

/* Which lanes of a vector, `first` numbers into a block, overlap the query enough. */
INLINE unsigned R(compare)(const REAL *block, int first, const R(vec) query[ROI_LANES])
{
    R(vec) lane[ROI_LANES];
    for (int i = 0; i < ROI_LANES; i++)
        memcpy(&lane[i], block + i * ROI_BLOCK + first, sizeof lane[i]);
    const R(vec) width = R(min)(lane[ROI_LANE_RIGHT], query[ROI_LANE_RIGHT]) +
                         R(min)(lane[ROI_LANE_LEFT], query[ROI_LANE_LEFT]);
    const R(vec) height = R(min)(lane[ROI_LANE_BOTTOM], query[ROI_LANE_BOTTOM]) +
                          R(min)(lane[ROI_LANE_TOP], query[ROI_LANE_TOP]);
    const R(vec) bar = lane[ROI_LANE_BAR] + query[ROI_LANE_BAR], none = {0};
    return R(above)(R(min)(width, height), none) & R(above)(width * height, bar);
}

static int64_t R(scan)(const void *blocks, const double query[ROI_LANES], int64_t begin, int64_t end,
                       int64_t *places_ret)
{
    R(vec) q[ROI_LANES];
    int64_t found = 0;
    for (int i = 0; i < ROI_LANES; i++)
        q[i] = R(splat_vec)((REAL)query[i]);
    for (int64_t at = begin / ROI_BLOCK * ROI_BLOCK; at < end; at += ROI_BLOCK) {
        const REAL *block = (const REAL *)blocks + at * ROI_LANES;
        unsigned hits = 0;
        for (int first = 0; first < ROI_BLOCK; first += R(LANES))
            hits |= R(compare)(block, first, q) << first;
        for (; hits; hits &= hits - 1) {
            const int64_t hit = at + __builtin_ctz(hits);
            if (hit >= begin && hit < end)
                places_ret[found++] = hit;
        }
    }
    return found;
}
