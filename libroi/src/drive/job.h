/*
 * job.h - a call while it is carried out: what both directions have in common
 *
 * All boxes are measured first. Then, chunk by chunk, they are sorted, their tables are filled, and the chunk is worked on
 * in items that threads share: tiles, or what the direction has in their place.
 */
#ifndef ROI_JOB_H
#define ROI_JOB_H

#include "common/parallel.h"
#include "drive/tiles.h"

enum {
    ROI_CHANNEL_GROUP = 8,   /* channels of a tile: neighbours in the result, so that cache lines are written whole */
    ROI_TILES_PER_THREAD = 4 /* so that no thread waits long for the last one */
};

struct roi_job {
    const struct roi_call *call;
    const roi_array *maps; /* that the kernel works on: the call's, or the sum of gradients */
    struct roi_plan *plans;
    int64_t count; /* of plans: one for each box, and more where boxes are cut into slices */
    /* Scratch memory, a part for each thread, which begins with a page; then tables. They are one block, since malloc keeps
       one for the next call, but of two it gives pages back, which the system then clears again one by one. */
    void *memory;
    char *scratch, *tables;
    struct roi_scratch_size scratch_size;
    int64_t scratch_bytes;
    struct roi_ring *rings; /* forward, by level */
    bool stream;
    int threads;
    double work; /* multiply-adds */
    /* The chunk at hand, and how it is cut into tiles. */
    int64_t begin, end, plans_per_tile, channels_per_tile;
    int64_t patch_rows, patch_columns; /* backward, patch by patch */
    /* What is done with a chunk: items, and how many there are. */
    roi_task *run;
    int64_t (*items)(const struct roi_job *job);
    roi_tile_kernel *kernel;
    bool sorted; /* all plans are, not only those of a chunk among each other */
};

/* Measures all boxes, and so the tables and the scratch memory that they need. */
roi_status roi_job_plan(struct roi_job *job, roi_error *error_ret);

/* Whether there are tables of all boxes at once; of no box, too. */
bool roi_job_is_one_chunk(const struct roi_job *job);

/* Sorts all plans at once: so the order in which gradients are added to a pixel does not depend on where chunks end, and with
   that on the boxes of other images. */
void roi_job_sort(struct roi_job *job);

/* Allocates tables and scratch memory; their sizes must not change afterwards. */
roi_status roi_job_allocate(struct roi_job *job, roi_error *error_ret);

/* Carries out all chunks. */
roi_status roi_job_run(struct roi_job *job);

/* Frees the memory and returns the status of the call. */
roi_status roi_job_finish(struct roi_job *job, roi_status status, roi_error *error_ret);

/* All plans of the chunk, and a tile's channels from this one on. */
struct roi_tile roi_job_tile(const struct roi_job *job, int64_t channel);

/* Tiles as items. */
roi_task roi_job_run_tile;
int64_t roi_job_tiles(const struct roi_job *job);

/* A thread's scratch memory. */
static inline char *roi_job_scratch(const struct roi_job *job, int thread)
{
    return job->scratch + thread * job->scratch_bytes;
}

#endif
