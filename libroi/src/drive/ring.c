/* ring.c - the geometry of a ring: ring.h has the theory. */
#include "drive/ring.h"

#include "common/array.h"

enum { MOST_BLOCKS = 64 /* of a row: bits of a word */ };

static bool has_whole_rows(int64_t map_width) { return map_width <= MOST_BLOCKS * ROI_RING_BLOCK; }

int64_t roi_line_skew(const roi_array *map)
{
    const int64_t channels = map->shape[AXIS_C], row = map->shape[AXIS_W] * channels;
    const int64_t line = roi_line_channels(!roi_is_double(map->dtype));
    const bool dense = map->strides[AXIS_C] == 1 && map->strides[AXIS_W] == channels && map->strides[AXIS_H] == row;
    const bool whole = channels % line == 0 && map->strides[AXIS_N] % line == 0;
    const uintptr_t size = roi_dtype_size(map->dtype), place = (uintptr_t)map->data % ((uintptr_t)line * size);
    return dense && whole ? (int64_t)(place / size) : 0;
}

bool roi_has_whole_pixels(const roi_array *map, bool narrow)
{
    const int64_t channels = map->shape[AXIS_C], most = min_i64(ROI_PIXEL_CHANNELS, roi_line_channels(narrow) - 1);
    return channels > 1 && channels <= most && map->strides[AXIS_C] == 1 && map->strides[AXIS_W] == channels;
}

int64_t roi_ring_room(int64_t map_width)
{
    return has_whole_rows(map_width) ? ROI_RING_LINES / round_up(map_width, ROI_RING_BLOCK) : ROI_RING_SIDE;
}

bool roi_ring_fits(const struct roi_ring *ring, int64_t height, int64_t width, int64_t map_width)
{
    const int64_t most_width = has_whole_rows(map_width) ? ring->most_width : min_i64(ring->most_width, ROI_RING_SIDE);
    return !ring->closed && width <= most_width && height <= roi_ring_room(map_width);
}

void roi_ring_include(struct roi_ring *ring, int64_t height, int64_t width)
{
    ring->rows = max_i64(ring->rows, height);
    ring->widest = max_i64(ring->widest, width);
    ring->pixels += (double)height * (double)width;
}

void roi_ring_settle(struct roi_ring *ring, int64_t map_width, bool narrow)
{
    if (ring->rows == 0)
        return;
    int64_t columns = round_up(map_width, ROI_RING_BLOCK);
    if (!has_whole_rows(map_width)) {
        columns = ROI_RING_LINES / ROI_RING_SIDE / ROI_RING_BLOCK * ROI_RING_BLOCK;
        ring->step = (columns - ring->widest) / ROI_RING_BLOCK * ROI_RING_BLOCK;
    }
    /* One line more than there are columns: rows a power of two apart would share few sets of the cache. */
    ring->stride = (columns + 1) * roi_line_channels(narrow);
}

uint64_t roi_ring_blocks(const struct roi_ring *ring, int64_t first, int64_t end)
{
    const int64_t column = roi_ring_column(ring, first);
    const int64_t first_block = (first - column) / ROI_RING_BLOCK, last_block = (end - 1 - column) / ROI_RING_BLOCK;
    return (~UINT64_C(0) >> (MOST_BLOCKS - 1 - (last_block - first_block))) << first_block;
}
