/* map_lines_template.h - boxes that are pooled from lines as they lie in a map: drive/way.h says when. */

/* The offset of the first line from the beginning of its cache line, in channels; 0 if loads of whole cache lines would read
   outside of the image, and on tiers on which a line is several vectors. */
static int64_t skew_of(const struct roi_tile *tile, const struct roi_plan *plan)
{
    const roi_array *map = &tile->maps[plan->box->level];
    const int64_t channels = map->shape[AXIS_C], width = map->shape[AXIS_W];
    const int64_t elements = map->shape[AXIS_H] * width * channels;
    const int64_t skew = (roi_line_skew(map) + tile->channel_begin) % LINE;
    const int64_t first = (plan->y.first * width + plan->x.first) * channels + tile->channel_begin - skew;
    const int64_t last = ((plan->y.end - 1) * width + plan->x.end - 1) * channels + tile->channel_end - skew;
    return LINE_VECTORS == 1 && first >= 0 && last + LINE <= elements ? skew : 0;
}

static void pool_from_map(const struct roi_tile *tile, const struct roi_plan *plan, const struct scratch *scratch)
{
    const struct row row = row_of(&tile->maps[plan->box->level], plan->box->image, tile->channel_begin, 0);
    const struct source source = {.map = row.data + plan->x.first * row.stride_x,
                                  .stride = row.stride_x,
                                  .lines = groups_of(tile->channel_end - tile->channel_begin, LINE),
                                  .last = tile->channel_end - tile->channel_begin - LINE,
                                  .skew = skew_of(tile, plan)};
    const struct work work = {tile, plan, scratch, source, .finite = false};
    pool_lines(&work);
}
