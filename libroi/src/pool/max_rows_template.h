/*
 * max_rows_template.h - RoIPool with vectors along the rows of a map, channel by channel, for one element type: of boxes that
 * have no lines (ring.h), being wide, or of few channels. What max_lines_template.h does with a line is done with as many
 * columns; `places` is a constant where functions are inlined, as there.
 */

/* Columns of a box as they are worked on: those it reads, and as many more as fill a line. */
struct S(columns) {
    int64_t first, width;
    REAL *most;     /* of each column, over the rows of a bin */
    R(lane) *where; /* the place of that, in column 0 */
};

/* Whether places of the map's pixels, if they are asked for, are what a lane can count. */
static bool S(is_countable)(const struct roi_tile *tile, const struct roi_plan *plan)
{
    const int64_t *shape = tile->maps[plan->box->level].shape;
    return !tile->argmax || shape[AXIS_H] * shape[AXIS_W] <= INT32_MAX;
}

/* The rows of a row of bins. Returns whether they have NaN. */
INLINE bool S(max_columns)(const struct S(source) *plane, const struct S(bin_rows) *rows, int64_t taps, const bool places,
                           const struct S(columns) *columns)
{
    R(vec) all = {0};
    for (int64_t x = 0; x < columns->width; x += R(LINE)) {
        const int64_t at = min_i64(x, columns->width - R(LINE));
        all += S(max_block)(plane, false, columns->first + at, rows, taps, 1, places, 0, columns->most + at,
                            columns->where + at, 0);
    }
    return R(any_nan)(all);
}

INLINE void S(max_of_columns)(const struct S(columns) *columns, int64_t p, const struct roi_pool_bin *x, const bool places,
                              const struct S(out) *out)
{
    const REAL *most = columns->most - columns->first;
    const R(lane) *where = columns->where - columns->first;
    REAL value = most[x->begin];
    int64_t place = places ? where[x->begin] + x->begin : 0;
    for (int64_t j = x->begin + 1; j < x->end; j++) {
        const bool better = most[j] > value || (places && most[j] == value && where[j] + j < place);
        value = better ? most[j] : value;
        place = better && places ? where[j] + j : place;
    }
    S(put)(out, p, x->bin, value, place);
}

/* One channel of a box. */
INLINE void S(pool_rows_of)(const struct S(view) *map, const struct roi_plan *plan, int64_t map_width, const bool places,
                            const struct S(columns) *columns, const struct S(out) *out)
{
    const struct roi_pool_table *table = plan->tables;
    const struct S(source) plane = {.map = map->data};
    for (int64_t row = 0; row < table->rows; row++) {
        const struct roi_pool_bin *y = &table->bins[row];
        const struct S(bin_rows) bin = {plan->rows.offsets + row * plan->rows.taps, (R(lane))(y->begin * map_width),
                                        (R(lane))map_width};
        if (S(max_columns)(&plane, &bin, plan->rows.taps, places, columns))
            S(pool_row)(map, map_width, table, row, out);
        else
            for (int64_t q = 0; q < table->columns; q++)
                S(max_of_columns)(columns, y->bin, &table->bins[table->rows + q], places, out);
    }
}

/* A box without lines; pixel by pixel, where its rows are not as long as one, or do not lie together. */
static void S(pool_from_rows)(const struct roi_tile *tile, const struct roi_plan *plan, const struct R(scratch) *scratch)
{
    const roi_array *map = &tile->maps[plan->box->level], *crops = tile->crops;
    const struct roi_pool_table *table = plan->tables;
    const int64_t width = max_i64(plan->x.end - plan->x.first, R(LINE)), map_width = map->shape[AXIS_W];
    const bool in_rows = map->strides[AXIS_W] == 1 && width <= map_width && S(is_countable)(tile, plan);
    const struct S(columns) columns = {min_i64(plan->x.first, map_width - width), width, scratch->rows,
                                       (R(lane) *)(void *)(scratch->rows + width)};
    for (int64_t c = tile->channel_begin; c < tile->channel_end; c++) {
        const struct S(view) view = S(view_of)(map, plan->box->image, roi_tile_channel(tile, c));
        const struct S(out) out = S(out_of)(tile, plan->row, roi_tile_channel(tile, c));
        for (int64_t bin = 0; bin < plan->bins * crops->shape[AXIS_W]; bin++)
            if (table->rows < plan->bins || table->columns < crops->shape[AXIS_W])
                S(put)(&out, plan->first_bin + bin / crops->shape[AXIS_W], bin % crops->shape[AXIS_W], 0, -1);
        if (in_rows && tile->argmax)
            S(pool_rows_of)(&view, plan, map_width, true, &columns, &out);
        else if (in_rows)
            S(pool_rows_of)(&view, plan, map_width, false, &columns, &out);
        for (int64_t row = 0; row < table->rows && !in_rows; row++)
            S(pool_row)(&view, map_width, table, row, &out);
    }
}
