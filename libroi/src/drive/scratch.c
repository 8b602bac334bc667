/* scratch.c - the size of the scratch memory of tiles, which is the same for every tier. */
#include "drive/tiles.h"

#include "common/array.h"
#include "common/memory.h"

/* Rows of whole pixels have the memory of so many rows. C99 has no static assertion. */
typedef char pixels_fit_into_a_tile[(int)ROI_PIXEL_CHANNELS <= (int)ROI_TILE_ROWS ? 1 : -1];

/* Each bound follows from `low` never turning back (plan.h): the ranges of the blocks of a band add up to that of all
   bins, plus the taps that neighbouring blocks share, plus the last block, which may be moved down. Products that
   would overflow count as ROI_TOO_MANY_BYTES elements, for which there is no memory. */
void roi_scratch_include(struct roi_scratch_size *size, const struct roi_plan *plan, const roi_array *crops)
{
    const int64_t bins_y = plan->bins, bins_x = crops->shape[AXIS_W];
    const int64_t taps = plan->x.taps, width = taps == 0 ? 0 : plan->x.end - plan->x.first;
    /* One vector more, since window_of may begin before it. */
    const int64_t wide = round_up(min_i64(width, ROI_TOO_MANY_BYTES), ROI_WIDEST_VECTOR) + ROI_WIDEST_VECTOR;
    const int64_t channels = roi_line_channels(!roi_is_double(crops->dtype)), blocks = (bins_x + 7) / 8;
    const int64_t band = bins_x <= 8 ? roi_bytes(width, 8) : roi_bytes(2 * width + roi_bytes(blocks, taps), 8);
    if (bins_y == 0 || bins_x == 0)
        return;
    size->blocks = max_i64(size->blocks, blocks);
    size->band = max_i64(size->band, round_up(band, ROI_WIDEST_VECTOR));
    size->width = max_i64(size->width, wide);
    size->row = max_i64(size->row, roi_bytes(width, channels));
    size->lines = max_i64(size->lines,
                          roi_bytes(min_i64(roi_rows_together(bins_x), bins_y), roi_bytes(bins_x, channels)));
    size->stage = max_i64(size->stage, size->lines);
    size->crop = max_i64(size->crop, round_up(roi_bytes(bins_y, bins_x), ROI_WIDEST_VECTOR));
}

int64_t roi_scratch_bytes(const struct roi_scratch_size *size, bool single)
{
    const int64_t lines = size->ring + size->row + size->lines + size->stage;
    const int64_t numbers = lines + ROI_TILE_ROWS * size->width + size->crop + size->band;
    return round_up(roi_bytes(numbers, (int64_t)roi_real_size(single)) +
                        roi_bytes(size->blocks, sizeof(struct roi_band_block)),
                    64);
}
