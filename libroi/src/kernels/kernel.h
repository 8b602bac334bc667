/* kernel.h - what the files that are compiled once per element type and CPU tier have in common. */
#ifndef ROI_KERNEL_H
#define ROI_KERNEL_H

#include "common/array.h"
#include "drive/tiles.h"
#include "kernels/quads.h"
#include "kernels/stream.h"
#include "kernels/sums.h"
#include "kernels/view.h"

/* Channels of a line (ring.h), and the vectors that it takes. */
enum { LINE = ROI_LINE_BYTES / (int)sizeof(REAL), LINE_VECTORS = ROI_LINE_BYTES / VECTOR_BYTES };

#endif
