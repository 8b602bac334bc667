/* align_scratch.c - how much scratch memory tiles need: the same for every tier. */
#include "pool/align_kernel.h"

enum {
    STRIP_BINS = 1 << 16, /* of a tile */
};

int64_t roi_align_strip(const roi_array *crops)
{
    return round_up(max_i64(STRIP_BINS / max_i64(crops->shape[AXIS_W], 1), 1), ROI_TILE_ROWS);
}

/* Each bound follows from `low` never turning back (plan.h): the ranges of the blocks of a band add up to that of all
   bins, plus the taps that neighbouring blocks share, plus the last block, which may be moved down. */
void roi_align_include(struct roi_scratch_size *size, const struct roi_plan *plan, const roi_array *crops)
{
    const int64_t bins_y = min_i64(crops->shape[AXIS_H], roi_align_strip(crops)), bins_x = crops->shape[AXIS_W];
    const int64_t taps = plan->x.taps, width = taps == 0 ? 0 : plan->x.end - plan->x.first;
    const int64_t wide = round_up(width, ROI_WIDEST_VECTOR);
    const int64_t blocks_of_bins = (bins_x + 7) / 8, blocks_of_pixels = wide / 8;
    const int64_t band_of_pixels = bins_x <= 8 ? 8 * width : 8 * (2 * width + blocks_of_bins * taps);
    const int64_t band_of_bins = 8 * bins_x * (taps / 8 + 2);
    size->blocks = max_i64(size->blocks, max_i64(blocks_of_bins, blocks_of_pixels));
    size->band = round_up(max_i64(size->band, max_i64(band_of_pixels, band_of_bins)), ROI_WIDEST_VECTOR);
    const int64_t together = ROI_CHANNELS_AT_ONCE / ROI_TILE_ROWS; /* a pixel's channels take the room of rows */
    size->width = max_i64(size->width, max_i64(wide, together * width));
    size->crop = max_i64(size->crop, max_i64(bins_y, ROI_CHANNELS_AT_ONCE) * bins_x);
    size->crop = round_up(size->crop, ROI_WIDEST_VECTOR);
}

size_t roi_scratch_bytes(const struct roi_scratch_size *size, bool narrow)
{
    const int64_t numbers = ROI_TILE_ROWS * size->width + size->band + size->crop;
    const int64_t bytes = numbers * (int64_t)(narrow ? sizeof(float) : sizeof(double)) +
                          size->blocks * (int64_t)sizeof(struct roi_band_block);
    return (size_t)round_up(bytes, 64);
}
