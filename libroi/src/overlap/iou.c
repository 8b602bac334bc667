/* iou.c - the overlap of each of N boxes with each of M: checks, boxes by columns, then tiles for the kernels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "boxes/boxes.h"
#include "boxes/overlap_kinds.h"
#include "kernels/entry_points.h"
#include "common/parallel.h"
#include "boxes/rotated.h"
#include "common/storage.h"
#include "common/memory.h"

enum {
    TILE_COLUMNS = 1024, /* whose boxes stay in L1 */
    TILE_ROWS = 32
};

/* One of the two arrays. */
struct side {
    const roi_boxes *boxes;
    void *read; /* struct roi_extent or struct roi_rotated */
    struct roi_iou_fields fields;
    struct roi_iou_fields in_double; /* the same, where fields are float, and there are boxes that need double: */
    bool *needs_double;              /* which they are; or NULL */
};

struct matrix {
    const roi_iou_params *params;
    const roi_array *result;
    bool rotated;
    struct side side[2];
    struct roi_range range; /* of all boxes */
    roi_dtype computed;     /* ROI_FLOAT32 or ROI_FLOAT64 */
    roi_iou_kernel *kernel;
    int64_t tiles_in_row;
    bool mixed; /* whether pairs are computed in float except those with a box that needs double */
};

/* ---- Checks ---------------------------------------------------------------------------------------------------- */

static roi_status check(const struct matrix *matrix)
{
    ROI_TRY(roi_check_params(matrix->params, sizeof *matrix->params));
    const int kind = (int)matrix->params->kind, kinds = matrix->rotated ? ROI_IOU + 1 : ROI_OVERLAP_KIND_COUNT;
    if (kind < ROI_IOU || kind >= kinds)
        return ROI_ERROR_METHOD;
    for (int i = 0; i < 2; i++)
        ROI_TRY(roi_check_rows(matrix->side[i].boxes, matrix->rotated ? ROI_ROTATED : ROI_UPRIGHT));
    ROI_TRY(roi_check_array(matrix->result));
    const int64_t *shape = matrix->result->shape;
    const bool fits = shape[AXIS_N] == 1 && shape[AXIS_C] == 1 && shape[AXIS_H] == matrix->side[0].boxes->count &&
                      shape[AXIS_W] == matrix->side[1].boxes->count;
    return fits ? ROI_SUCCESS : ROI_ERROR_SHAPE;
}

/* ---- Boxes by columns ------------------------------------------------------------------------------------------ */

static roi_status read_side(struct matrix *matrix, int i, roi_error *error_ret)
{
    struct side *side = &matrix->side[i];
    const size_t size = matrix->rotated ? sizeof(struct roi_rotated) : sizeof(struct roi_extent);
    side->read = roi_allocate(side->boxes->count, size);
    if (!side->read)
        return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    const roi_status status = matrix->rotated ? roi_read_rotated(side->boxes, side->read, &matrix->range, error_ret)
                                              : roi_read_extents(side->boxes, side->read, &matrix->range, error_ret);
    if (status != ROI_SUCCESS && error_ret && i == 1)
        error_ret->row += matrix->side[0].boxes->count;
    return status;
}

/* The numbers of one box, in the order of the fields of a type; returns how many there are. */
static int fields_of(const struct matrix *matrix, const struct side *side, roi_dtype type, int64_t row,
                     double values_ret[ROI_IOU_FIELDS])
{
    if (matrix->rotated) {
        memcpy(values_ret, (const struct roi_rotated *)side->read + row, sizeof(struct roi_rotated));
        return ROI_ROTATED_FIELDS;
    }
    const struct roi_extent *extent = (const struct roi_extent *)side->read + row;
    const double *corner = extent->corner;
    const bool single = type == ROI_FLOAT32, angle = matrix->params->kind == ROI_CIOU;
    for (int i = 0; i < 4; i++)
        values_ret[i] = corner[i];
    values_ret[4] = single ? roi_area_in_float(corner) : extent->area;
    values_ret[5] = angle ? atan2(max_f64(corner[2] - corner[0], 0), max_f64(corner[3] - corner[1], 0)) : 0;
    return ROI_UPRIGHT_FIELDS;
}

/* False: no memory. */
static bool spread(const struct matrix *matrix, const struct side *side, roi_dtype type,
                   struct roi_iou_fields *fields_ret)
{
    const int64_t count = side->boxes->count;
    const int64_t size = (int64_t)roi_dtype_size(type);
    char *memory = roi_allocate(count, ROI_IOU_FIELDS * size);
    for (int i = 0; i < ROI_IOU_FIELDS && memory; i++)
        fields_ret->field[i] = memory + i * count * size;
    for (int64_t row = 0; row < count && memory; row++) {
        double values[ROI_IOU_FIELDS];
        const int fields = fields_of(matrix, side, type, row, values);
        for (int i = 0; i < fields; i++)
            store_element(fields_ret->field[i], type, row, values[i]);
    }
    return memory != NULL;
}

/* The fields in double, and which boxes need them. */
static bool spread_in_double(const struct matrix *matrix, struct side *side)
{
    const int64_t count = side->boxes->count;
    side->needs_double = roi_allocate(count, sizeof *side->needs_double);
    for (int64_t row = 0; row < count && side->needs_double; row++) {
        const struct roi_range range = roi_range_of((const struct roi_extent *)side->read + row);
        side->needs_double[row] = !roi_suits_float(&range);
    }
    return side->needs_double && spread(matrix, side, ROI_FLOAT64, &side->in_double);
}

/* float32 boxes are compared in float. A box with which that would leave its range is compared with all others in double,
   and these with each other in float all the same, so that the bits of a pair do not depend on the other boxes of the call. */
static void choose_kernel(struct matrix *matrix)
{
    const bool single = matrix->side[0].boxes->dtype == ROI_FLOAT32 && matrix->side[1].boxes->dtype == ROI_FLOAT32;
    matrix->computed = single && !matrix->rotated ? ROI_FLOAT32 : ROI_FLOAT64;
    matrix->mixed = single && !matrix->rotated && !roi_suits_float(&matrix->range);
    const struct roi_iou_kernels *kernels = roi_iou_kernels(matrix->computed);
    matrix->kernel = matrix->rotated ? kernels->rotated : kernels->upright;
}

static roi_status prepare(struct matrix *matrix, roi_error *error_ret)
{
    for (int i = 0; i < 2; i++)
        ROI_TRY(read_side(matrix, i, error_ret));
    choose_kernel(matrix);
    for (int i = 0; i < 2; i++) {
        struct side *side = &matrix->side[i];
        if (matrix->rotated)
            roi_tame_rotated(side->read, side->boxes->count, &matrix->range);
        else
            roi_tame_extents(side->read, side->boxes->count, &matrix->range);
        if (!spread(matrix, side, matrix->computed, &side->fields) ||
            (matrix->mixed && !spread_in_double(matrix, side)))
            return roi_fail(error_ret, ROI_ERROR_MEMORY, -1, -1, 0);
    }
    return ROI_SUCCESS;
}

/* ---- Working --------------------------------------------------------------------------------------------------- */

/* Part of a row, written where it belongs, or through a buffer if the result has another type or stride. */
static void fill_row(const struct matrix *matrix, int64_t row, int64_t begin, int64_t end)
{
    double buffer[TILE_COLUMNS]; /* float, if that is what is computed in */
    const roi_array *result = matrix->result;
    char *target = (char *)result->data + row * result->strides[AXIS_H] * (int64_t)roi_dtype_size(result->dtype);
    const bool direct = result->dtype == matrix->computed && result->strides[AXIS_W] == 1;
    void *iou = direct ? target + begin * (int64_t)roi_dtype_size(result->dtype) : (char *)(void *)buffer;
    matrix->kernel(matrix->params->kind, &matrix->side[0].fields, row, &matrix->side[1].fields, begin, end, iou);
    for (int64_t column = begin; !direct && column < end; column++)
        store_element(target, result->dtype, column * result->strides[AXIS_W],
                      load_element(buffer, matrix->computed, column - begin));
    for (int64_t column = begin; matrix->mixed && column < end; column++)
        if (matrix->side[0].needs_double[row] || matrix->side[1].needs_double[column]) {
            roi_iou_kernels(ROI_FLOAT64)
                ->upright(matrix->params->kind, &matrix->side[0].in_double, row, &matrix->side[1].in_double, column,
                          column + 1, buffer);
            store_element(target, result->dtype, column * result->strides[AXIS_W], buffer[0]);
        }
}

static void fill_tile(void *context, int64_t item, int thread)
{
    const struct matrix *matrix = context;
    const int64_t *shape = matrix->result->shape;
    const int64_t column = item % matrix->tiles_in_row * TILE_COLUMNS, row = item / matrix->tiles_in_row * TILE_ROWS;
    for (int64_t i = row; i < min_i64(row + TILE_ROWS, shape[AXIS_H]); i++)
        fill_row(matrix, i, column, min_i64(column + TILE_COLUMNS, shape[AXIS_W]));
}

static roi_status run(struct matrix *matrix, roi_error *error_ret)
{
    const int64_t rows = matrix->result->shape[AXIS_H], columns = matrix->result->shape[AXIS_W];
    if (rows == 0 || columns == 0)
        return ROI_SUCCESS;
    matrix->tiles_in_row = groups_of(columns, TILE_COLUMNS);
    const double work = (double)rows * (double)columns * (matrix->rotated ? 100 : 10);
    const roi_status status = roi_parallel_for(groups_of(rows, TILE_ROWS) * matrix->tiles_in_row, roi_threads_for(work),
                                               matrix->params->cancel, fill_tile, matrix);
    return roi_report(error_ret, status);
}

static roi_status fill(const roi_iou_params *params, bool rotated, const roi_boxes *boxes1, const roi_boxes *boxes2,
                       const roi_array *iou_ret, roi_error *error_ret)
{
    struct matrix matrix = {params, iou_ret, rotated, {{.boxes = boxes1}, {.boxes = boxes2}}, .range = {0, INFINITY}};
    ROI_TRY(roi_report(error_ret, check(&matrix)));
    roi_status status = prepare(&matrix, error_ret);
    if (status == ROI_SUCCESS)
        status = run(&matrix, error_ret);
    for (int i = 0; i < 2; i++) {
        free(matrix.side[i].read);
        free(matrix.side[i].fields.field[0]);
        free(matrix.side[i].in_double.field[0]);
        free(matrix.side[i].needs_double);
    }
    return status;
}

roi_status roi_box_iou(const roi_iou_params *params, const roi_boxes *boxes1, const roi_boxes *boxes2,
                       const roi_array *iou_ret, roi_error *error_ret)
{
    return fill(params, false, boxes1, boxes2, iou_ret, error_ret);
}

roi_status roi_box_iou_rotated(const roi_iou_params *params, const roi_boxes *boxes1, const roi_boxes *boxes2,
                               const roi_array *iou_ret, roi_error *error_ret)
{
    return fill(params, true, boxes1, boxes2, iou_ret, error_ret);
}
