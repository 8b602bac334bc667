/*
 * element.h - the element type that a kernel is compiled for
 *
 * Kernels are compiled once for each element type and processor tier: -DROI_TYPE=f32 (f64, f16, bf16) -DROI_TIER=avx2, by
 * libroi/meson.build. STORE is the type in memory, REAL the one computed in; those two are all that the files here which
 * are called "template" take, and every pair below is valid. So the names in a kernel are plain, and the same in each of its
 * objects; what leaves an object is named by ROI_ENTRY_POINT, and found by entry_points.c.
 */
#ifndef ROI_ELEMENT_H
#define ROI_ELEMENT_H

#include "common/storage.h"

#define ROI_PASTE_(a, b) a##_##b
#define ROI_PASTE(a, b) ROI_PASTE_(a, b)
#define ROI_TYPE_IS_f32 1
#define ROI_TYPE_IS_f64 2
#define ROI_TYPE_IS_f16 3
#define ROI_TYPE_IS_bf16 4
#define ROI_TYPE_IS ROI_PASTE(ROI_TYPE_IS, ROI_TYPE)

/* The name of a table of kernels, of this type and tier. */
#define ROI_ENTRY_POINT(name) ROI_PASTE(ROI_PASTE(name, ROI_TYPE), ROI_TIER)

#if ROI_TYPE_IS == ROI_TYPE_IS_f64
#define ROI_IS_DOUBLE
#define REAL double
#define STORE double
#else
#define REAL float
#if ROI_TYPE_IS == ROI_TYPE_IS_f16
#define STORE roi_f16
#elif ROI_TYPE_IS == ROI_TYPE_IS_bf16
#define STORE roi_bf16
#else
#define STORE float
#endif
#endif

static inline REAL load(const STORE *p) { return ROI_PASTE(load, ROI_TYPE)(p); }
static inline void store(STORE *p, REAL value) { ROI_PASTE(store, ROI_TYPE)(p, value); }

#endif
