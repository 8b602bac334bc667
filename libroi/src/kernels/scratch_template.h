/*
 * scratch_template.h - a thread's scratch memory, of kernels that pool from lines
 */

/* Rows of a box that have been added up, one for each row of bins: t of one line, `stride` from row to row. */
struct sums {
    const REAL *t;
    int64_t rows, stride;
};

/* A banded matrix: band_template.h. */
struct band {
    int64_t columns, blocks;
    bool blocked;        /* whether rows are added up block by block (kernels/sums.h), ... */
    int64_t first_pixel; /* ... of pixels that are counted from this one */
    struct roi_band_block *block;
    REAL *values;
};

/* The stage lies first, where a page begins, so that no store to what fits a page lies in two: one such store for each line
   and box took up to a sixth of the FPN box head with channels last. */
struct scratch {
    REAL *stage; /* numbers channel by channel, on their way to the result */
    REAL *ring;  /* forward a ring, backward a patch */
    REAL *row;   /* lines of a box: a row of it, or some */
    REAL *lines; /* backward, of bins that are worked on together */
    REAL *rows;  /* of boxes without lines: ROI_TILE_ROWS of them */
    REAL *crop;  /* of one channel */
    struct band band;
};

static inline struct scratch scratch_of(const struct roi_scratch_size *size, void *memory)
{
    struct scratch scratch;
    scratch.stage = memory;
    scratch.ring = scratch.stage + size->stage;
    scratch.row = scratch.ring + size->ring;
    scratch.lines = scratch.row + size->row;
    scratch.rows = scratch.lines + size->lines;
    scratch.crop = scratch.rows + ROI_TILE_ROWS * size->width;
    scratch.band.values = scratch.crop + size->crop;
    scratch.band.block = (struct roi_band_block *)(void *)(scratch.band.values + size->band);
    return scratch;
}
