/* boxes.h - the box table: boxes of every accepted form, checked and converted to one form; and levels of pyramids. */
#ifndef ROI_BOXES_H
#define ROI_BOXES_H

#include "common/internal.h"

struct roi_box {
    int64_t image, level; /* level: which map of a pyramid, 0 where there is one map */
    double corner[4];     /* x1, y1, x2, y2 in units of the image; of a rotated box cx, cy, w, h */
    double angle;         /* of a rotated box, in degrees */
};

/* How many numbers describe a box; in an array the batch index may come before them. */
enum { ROI_UPRIGHT = 4, ROI_ROTATED = 5 };

/* How far a rotated box may reach, in pixels of its map. */
#define ROI_ROTATED_REACH 0x1p40

/* Checks the form of a box array alone: columns, type, pointers. */
roi_status roi_check_boxes(const roi_boxes *boxes, int64_t numbers);

/* The same for rows without a batch index. */
roi_status roi_check_rows(const roi_boxes *boxes, int64_t numbers);

/* The numbers of a row, after a check that they are finite, and the sides of a rotated box at least 0. */
roi_status roi_read_row(const roi_boxes *boxes, int64_t row, int64_t numbers, double *values_ret, roi_error *error_ret);

/* Whether boxes say to which of `images` images they belong. */
roi_status roi_check_images(const roi_boxes *boxes, int64_t numbers, int64_t images);

/* Checks one box for a map of so many images and writes it to box_ret, with level 0. This is the only place where a
   batch index is read, and it comes before any memory is reached through one. */
roi_status roi_read_box(const roi_boxes *boxes, int64_t numbers, int64_t row, int64_t images, struct roi_box *box_ret,
                        roi_error *error_ret);

roi_status roi_check_levels(const roi_levels_params *params);

/* The level of one box whose corners are finite: roi.h, roi_assign_levels. */
int64_t roi_level_of(const roi_levels_params *params, const double corner[4]);

#endif
