/* scan_template.h - comparing one box with many, for one type (REAL, R() makes names): neighbours_kernel.h */

INLINE R(vec) R(all)(double value)
{
    R(vec) v = {0};
    return v + (REAL)value;
}

INLINE R(vec) R(at)(const void *lane, int64_t place)
{
    R(vec) v;
    memcpy(&v, (const REAL *)lane + place, sizeof v);
    return v;
}

static int64_t R(scan)(void *const lane[ROI_LANES], const double query[ROI_LANES], int64_t begin, int64_t end,
                       int64_t *places_ret)
{
    const R(vec) left = R(all)(query[ROI_LANE_LEFT]), top = R(all)(query[ROI_LANE_TOP]), none = R(all)(0);
    const R(vec) right = R(all)(query[ROI_LANE_RIGHT]), bottom = R(all)(query[ROI_LANE_BOTTOM]);
    const R(vec) bar = R(all)(query[ROI_LANE_BAR]);
    int64_t found = 0;
    for (int64_t place = begin; place < end; place += R(LANES)) {
        const R(vec) width = R(min)(R(at)(lane[ROI_LANE_RIGHT], place), right) +
                             R(min)(R(at)(lane[ROI_LANE_LEFT], place), left);
        const R(vec) height = R(min)(R(at)(lane[ROI_LANE_BOTTOM], place), bottom) +
                              R(min)(R(at)(lane[ROI_LANE_TOP], place), top);
        unsigned hits = R(above)(R(min)(width, height), none) &
                        R(above)(width * height, R(at)(lane[ROI_LANE_BAR], place) + bar);
        for (; hits; hits &= hits - 1) {
            const int64_t hit = place + __builtin_ctz(hits);
            if (hit < end)
                places_ret[found++] = hit;
        }
    }
    return found;
}
