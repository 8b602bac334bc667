/* ring.c - the geometry of a ring: see ring.h. */
#include "drive/ring.h"

#include "common/array.h"

enum {
    MOST_BLOCKS = 64, /* of a row: bits of a word */
    WIDE_RINGS = 4    /* times the lines of others: boxes on a wide map fill a part of it */
};

int64_t roi_line_skew(const roi_array *map)
{
    const int64_t channels = map->shape[AXIS_C], row = map->shape[AXIS_W] * channels;
    const int64_t line = roi_line_channels(!roi_is_double(map->dtype));
    const bool dense = map->strides[AXIS_C] == 1 && map->strides[AXIS_W] == channels && map->strides[AXIS_H] == row;
    const bool whole = channels % line == 0 && map->strides[AXIS_N] % line == 0;
    const uintptr_t size = roi_dtype_size(map->dtype), place = (uintptr_t)map->data % ((uintptr_t)line * size);
    return dense && whole ? (int64_t)(place / size) : 0;
}

bool roi_has_whole_pixels(const roi_array *map, bool single)
{
    const int64_t channels = map->shape[AXIS_C], most = min_i64(ROI_PIXEL_CHANNELS, roi_line_channels(single) - 1);
    return channels > 1 && channels <= most && map->strides[AXIS_C] == 1 && map->strides[AXIS_W] == channels;
}

void roi_ring_prepare(struct roi_ring *ring, const roi_array *map, int64_t most_width)
{
    const int64_t width = map->shape[AXIS_W], words = max_i64(1, groups_of(width, MOST_BLOCKS * ROI_RING_BLOCK));
    const bool wide = words > 1;
    ring->block = ROI_RING_BLOCK * words;
    ring->most_width = wide ? min_i64(most_width, ROI_RING_SIDE) : most_width;
    ring->most_height = width == 0 ? 0 : ROI_RING_LINES / round_up(width, ROI_RING_BLOCK);
    if (wide)
        ring->most_height = min_i64(ROI_RING_SIDE, WIDE_RINGS * ring->most_height);
    /* One line more than there are columns: rows a power of two apart would share few sets of the cache. */
    ring->stride = (round_up(width, ring->block) + 1) * roi_line_channels(!roi_is_double(map->dtype));
}

uint64_t roi_ring_blocks(const struct roi_ring *ring, int64_t first, int64_t end)
{
    const int64_t first_block = first / ring->block, last_block = (end - 1) / ring->block;
    return (~UINT64_C(0) >> (MOST_BLOCKS - 1 - (last_block - first_block))) << first_block;
}
