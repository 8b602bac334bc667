/* kernel.h - what the files that are compiled once per CPU tier have in common. */
#ifndef ROI_KERNEL_H
#define ROI_KERNEL_H

#include "common/array.h"
#include "common/names.h"
#include "pool/tiles.h"
#include "common/quads.h"
#include "common/sums.h"
#include "common/vector.h"

/* Templates are files that each_type.h includes once for each element type. STORE is the type in memory, REAL the one
   computed in; S() and R() make names for them, S(load) being load_f16 where R(vec) is vec_float. */
#define S(name) PASTE(name, SUFFIX)

/* The name for the type that is stored as it is computed in. */
#define PLAIN(name) PASTE(name, PLAIN_SUFFIX)

/* Vectors of a line (ring.h). */
enum { LINE_VECTORS = ROI_LINE_BYTES / VECTOR_BYTES };

/* A kernel that does what `name`_f32 and its siblings do, by the type of the crops. */
#define KERNEL_OF_ALL_TYPES(name)                                                                                      \
    static void name(const struct roi_tile *tile, void *scratch)                                                       \
    {                                                                                                                  \
        switch (tile->crops->dtype) {                                                                                  \
        case ROI_FLOAT32: name##_f32(tile, scratch); break;                                                            \
        case ROI_FLOAT64: name##_f64(tile, scratch); break;                                                            \
        case ROI_FLOAT16: name##_f16(tile, scratch); break;                                                            \
        case ROI_BFLOAT16: name##_bf16(tile, scratch); break;                                                          \
        }                                                                                                              \
    }

/* The columns of a map that are worked on for a box: those it reads, widened to whole vectors where the map allows. */
struct window {
    int64_t first, width;
    int64_t padded; /* from row to row of scratch memory */
};

enum { LITTLE = 4 /* vectors to which one more is much */ };

/* A vector that lies across two cache lines takes two loads: a window begins with one counted from address 0, where that
   makes it no wider, or is little to its width. */
static inline struct window window_of(const struct roi_taps *x, const roi_array *map, int64_t lanes)
{
    const int64_t width = round_up(x->end - x->first, lanes), map_width = map->shape[AXIS_W];
    if (width > map_width)
        return (struct window){x->first, x->end - x->first, round_up(x->end - x->first, 8)};
    const int64_t phase = (int64_t)((uintptr_t)map->data / roi_dtype_size(map->dtype) % (uintptr_t)lanes);
    const int64_t whole = (x->first + phase) / lanes * lanes - phase, wide = round_up(x->end - whole, lanes);
    if (whole >= 0 && whole + wide <= map_width && (wide == width || wide > LITTLE * lanes))
        return (struct window){whole, wide, round_up(wide, 8)};
    return (struct window){min_i64(x->first, map_width - width), width, round_up(width, 8)};
}

/* Rows of more cache lines than this are left to the processor's own foresight, and maps smaller than this, in bytes of a
   channel, stay in its cache. */
enum { PREFETCH_LINES = 4, PREFETCH_PLANE = 1 << 16 };

#endif
