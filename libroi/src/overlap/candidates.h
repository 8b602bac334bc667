/* candidates.h - boxes with scores: checked, read, and sorted by descending score. */
#ifndef ROI_CANDIDATES_H
#define ROI_CANDIDATES_H

#include "boxes/rotated.h"

/* The arguments of an operator that suppresses. */
struct roi_request {
    const roi_boxes *boxes;
    const roi_vector *scores;
    bool rotated;
    bool finite_scores;     /* whether an infinite score is wrong */
    double score_threshold; /* -infinity: none */
};

struct roi_candidates {
    int64_t count; /* of boxes above the score threshold */
    int64_t *row;  /* of each in the arguments, by descending score; equal scores in the order given */
    /* By row. */
    struct roi_extent *extents;
    struct roi_rotated *rotated; /* NULL for upright boxes */
    bool single;                 /* whether float holds the extents exactly, and what is computed from them well */
};

/* To be freed after failure too. */
roi_status roi_read_candidates(const struct roi_request *request, struct roi_candidates *candidates_ret,
                               roi_error *error_ret);
void roi_free_candidates(struct roi_candidates *candidates);

/* A score as it was given. */
double roi_score(const roi_vector *scores, int64_t row);

#endif
