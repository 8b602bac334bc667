/* patch_kernel.c - patches of a map's gradient, on their way to lines and back: patch_template.h adds boxes up in between. Both
   are of the type computed in, so that there is one of these for two types of the boxes' gradients. */
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

static void write_patch(const struct roi_tile *tile, void *memory)
{
    const struct scratch scratch = scratch_of(tile->scratch_size, memory);
    const struct roi_patch *patch = &tile->patch;
    const int64_t width = patch->x_end - patch->x, count = tile->channel_end - tile->channel_begin;
    const struct row stage = {scratch.stage, 1, width};
    const REAL *lines = scratch.ring;
    for (int64_t y = patch->y; y < patch->y_end; y++, lines += tile->patch_stride) {
        struct row row = row_of(tile->maps, patch->image, tile->channel_begin, y);
        row.data += patch->x * row.stride_x;
        spread_lines(lines, width, count, tile->stream ? &stage : &row);
        for (int64_t c = 0; tile->stream && c < count; c++)
            stream_bytes((char *)(row.data + c * row.stride_c), (const char *)(stage.data + c * width),
                         width * (int64_t)sizeof(REAL));
    }
    if (tile->stream)
        stream_end();
}

const struct roi_patch_kernels ROI_ENTRY_POINT(roi_patch_kernels) = {read_patch, write_patch};
