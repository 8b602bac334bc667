/* patch_kernel.c - patches of a map's gradient, on their way to lines and back: patch_template.h adds boxes up in between.
   Lines are of the type computed in; a map of 16 bits is written once, when its patch is complete, and not read. */
#include "kernels/kernel.h"
#include "kernels/lines_template.h"

/* What the map has so far, from boxes of an earlier chunk; nothing at first. */
static void read_patch(const struct roi_tile *tile, void *memory)
{
    REAL *lines = scratch_of(tile->scratch_size, memory).ring;
    const struct roi_patch *patch = &tile->patch;
    if (patch->fresh) {
        memset(lines, 0, (size_t)((patch->y_end - patch->y) * tile->patch_stride) * sizeof *lines);
        return;
    }
    for (int64_t y = patch->y; y < patch->y_end; y++, lines += tile->patch_stride) {
        struct row row = row_of(tile->maps, patch->image, tile->channel_begin, y);
        row.data += patch->x * row.stride_x;
        gather_lines(&row, patch->x_end - patch->x, tile->channel_end - tile->channel_begin, false, lines);
    }
}

/* A row of a patch. spread_lines may round NaN wrongly. */
INLINE void put_row(const REAL *lines, int64_t width, int64_t count, const struct row *row)
{
    if (sizeof(STORE) == sizeof(REAL) || all_finite(lines, width * LINE)) {
        spread_lines(lines, width, count, row);
        return;
    }
    for (int64_t x = 0; x < width; x++)
        for (int64_t c = 0; c < count; c++)
            store(row->data + x * row->stride_x + c * row->stride_c, lines[x * LINE + c]);
}

/* Non-temporal stores need whole cache lines: of planes they are put together in scratch memory, `stage`; a line of a pixel is
   one itself, if it is stored in the type computed in. */
static void stream_planes(const struct row *row, const STORE *stage, int64_t width, int64_t count)
{
    for (int64_t c = 0; c < count; c++)
        stream_bytes((char *)(row->data + c * row->stride_c), (const char *)(stage + c * width),
                     width * (int64_t)sizeof(STORE));
}

static void stream_pixels(const struct row *row, const REAL *lines, int64_t width)
{
    for (int64_t x = 0; x < width; x++)
        stream_bytes((char *)(row->data + x * row->stride_x), (const char *)(lines + x * LINE), ROI_LINE_BYTES);
}

static void write_patch(const struct roi_tile *tile, void *memory)
{
    const struct scratch scratch = scratch_of(tile->scratch_size, memory);
    const struct roi_patch *patch = &tile->patch;
    const int64_t width = patch->x_end - patch->x, count = tile->channel_end - tile->channel_begin;
    const bool planes = tile->stream && tile->maps->strides[AXIS_W] == 1;
    const bool whole = sizeof(STORE) == sizeof(REAL) && count == LINE;
    const bool pixels = tile->stream && !planes && tile->maps->strides[AXIS_C] == 1 && whole;
    const struct row stage = {(STORE *)(void *)scratch.stage, 1, width};
    const REAL *lines = scratch.ring;
    for (int64_t y = patch->y; y < patch->y_end; y++, lines += tile->patch_stride) {
        struct row row = row_of(tile->maps, patch->image, tile->channel_begin, y);
        row.data += patch->x * row.stride_x;
        if (pixels)
            stream_pixels(&row, lines, width);
        else
            put_row(lines, width, count, planes ? &stage : &row);
        if (planes)
            stream_planes(&row, stage.data, width, count);
    }
    if (tile->stream)
        stream_end();
}

const struct roi_patch_kernels ROI_ENTRY_POINT(roi_patch_kernels) = {read_patch, write_patch};
