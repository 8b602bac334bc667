/* crowd.h - a set of boxes that can suppress each other: neighbours of a box, and their IoU with it. */
#ifndef ROI_CROWD_H
#define ROI_CROWD_H

#include "overlap/candidates.h"
#include "overlap/neighbours.h"

struct roi_crowd {
    int64_t count;
    double threshold;
    bool in_float; /* whether IoU is evaluated in float, which holds the corners exactly: to be set before gathering */
    /* Members in the order of their ranks, which is by descending score. */
    struct roi_extent *extents;
    struct roi_rotated *rotated; /* NULL for upright boxes */
    uint8_t *gone;               /* whether a member is suppressed or kept already; set by the user of the crowd */
    bool in_order;               /* whether there are neighbours */
    struct roi_neighbours neighbours;
};

/* Room for `capacity` of these candidates; false if there is no memory. To be freed either way. */
bool roi_crowd_allocate(struct roi_crowd *crowd, const struct roi_candidates *candidates, int64_t capacity);
void roi_crowd_free(struct roi_crowd *crowd);

/* Makes the candidates of these ranks (NULL: 0, 1, 2 ...) the members, none of them gone. Wanted are those who overlap
   by more than `threshold`. */
void roi_crowd_gather(struct roi_crowd *crowd, const struct roi_candidates *candidates, const int64_t *ranks,
                      int64_t count, double threshold);

/* Whether a threshold can be exceeded at all: IoU of upright boxes is never above 1 (overlap_template.h). */
bool roi_crowd_can_exceed(const struct roi_crowd *crowd);

/* Calls blame(context, other, iou) for all members behind this one that are not gone, and whose IoU with it is above the
   threshold: each is compared. `blame` may make the other gone. */
void roi_crowd_sweep(struct roi_crowd *crowd, int64_t member, void (*blame)(void *context, int64_t other, double iou),
                     void *context);

/* Builds the neighbours of the members that are not gone, which the functions below need. */
void roi_crowd_put_in_order(struct roi_crowd *crowd);

/* Takes a member out, and calls blame(context, other, iou) for all whose IoU with it is above the threshold, except
   those who were taken or removed before. `blame` may remove the other. */
void roi_crowd_take(struct roi_crowd *crowd, int64_t member, void (*blame)(void *context, int64_t other, double iou),
                    void *context);
void roi_crowd_remove(struct roi_crowd *crowd, int64_t member);

#endif
