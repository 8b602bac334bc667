/*
 * max_rows_template.h - RoIPool with vectors along the rows of a map, channel by channel: for boxes that are too wide for lines
 * (ring.h), or have too few channels. What max_lines_template.h does with a line is done with as many columns; `places` is a
 * constant where functions are inlined, as there.
 */

/* Columns of a box as they are worked on: those it reads, and as many more as fill a line. */
struct columns {
    int64_t first, width;
    REAL *most;      /* of each column, over the rows of a bin */
    lane_int *where; /* the place of that, in column 0 */
};

/* The rows of a row of bins. Returns whether they have NaN. */
INLINE bool max_columns(const struct source *plane, const struct bin_rows *rows, int64_t taps, const bool places,
                        const struct columns *columns)
{
    vec all = {0};
    for (int64_t x = 0; x < columns->width; x += LINE) {
        const int64_t at = min_i64(x, columns->width - LINE);
        all += max_block(plane, FROM_MAP, columns->first + at, rows, taps, 1, places, true, 0, columns->most + at,
                         columns->where + at, 0);
    }
    return any_nan(all);
}

INLINE void max_of_columns(const struct columns *columns, int64_t p, const struct roi_pool_bin *x, const bool places,
                           const struct out *out)
{
    const REAL *most = columns->most - columns->first;
    const lane_int *where = columns->where - columns->first;
    REAL value = most[x->begin];
    int64_t place = places ? where[x->begin] + x->begin : 0;
    for (int64_t j = x->begin + 1; j < x->end; j++) {
        const bool better = most[j] > value || (places && most[j] == value && where[j] + j < place);
        value = better ? most[j] : value;
        place = better && places ? where[j] + j : place;
    }
    put(out, p, x->bin, value, place);
}

/* One channel of a box. */
INLINE void pool_rows_of(const struct view *map, const struct roi_plan *plan, int64_t map_width, const bool places,
                         const struct columns *columns, const struct out *out)
{
    const struct roi_pool_table *table = plan->tables;
    const struct source plane = {.map = map->data};
    for (int64_t row = 0; row < table->rows; row++) {
        const struct roi_pool_bin *y = &table->bins[row];
        const struct bin_rows bin = {plan->rows.offsets + row * plan->rows.taps, (lane_int)(y->begin * map_width),
                                     (lane_int)map_width};
        if (max_columns(&plane, &bin, plan->rows.taps, places, columns))
            pool_row(map, map_width, table, row, out);
        else
            for (int64_t q = 0; q < table->columns; q++)
                max_of_columns(columns, y->bin, &table->bins[table->rows + q], places, out);
    }
}

/* A box without lines; pixel by pixel if the pixels of a row lie apart, or are fewer than a line. */
static void pool_from_rows(const struct roi_tile *tile, const struct roi_plan *plan, const bool in_rows,
                           const struct scratch *scratch)
{
    const roi_array *map = &tile->maps[plan->box->level], *crops = tile->crops;
    const struct roi_pool_table *table = plan->tables;
    const int64_t width = max_i64(plan->x.end - plan->x.first, LINE), map_width = map->shape[AXIS_W];
    const struct columns columns = {min_i64(plan->x.first, map_width - width), width, scratch->rows,
                                    (lane_int *)(void *)(scratch->rows + width)};
    for (int64_t c = tile->channel_begin; c < tile->channel_end; c++) {
        const struct view view = view_of(map, plan->box->image, c);
        const struct out out = out_of(tile, plan->row, c);
        for (int64_t bin = 0; bin < plan->bins * crops->shape[AXIS_W]; bin++)
            if (table->rows < plan->bins || table->columns < crops->shape[AXIS_W])
                put(&out, plan->first_bin + bin / crops->shape[AXIS_W], bin % crops->shape[AXIS_W], 0, -1);
        if (in_rows && tile->argmax)
            pool_rows_of(&view, plan, map_width, true, &columns, &out);
        else if (in_rows)
            pool_rows_of(&view, plan, map_width, false, &columns, &out);
        for (int64_t row = 0; row < table->rows && !in_rows; row++)
            pool_row(&view, map_width, table, row, &out);
    }
}
