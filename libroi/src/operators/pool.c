/* pool.c - RoIPool: the functions of roi.h, and what is planned for each box. */
#include "common/array.h"
#include "common/parallel.h"
#include "common/memory.h"
#include "operators/poolings.h"
#include "kernels/entry_points.h"
#include "kernels/pool_kernel.h"
#include "axes/pixel_axis.h"
#include "drive/way.h"

enum { MOST_WIDTH = 96 /* of boxes that are pooled from lines, of maps whose rows lie together */ };

/* ---- Box by box ------------------------------------------------------------------------------------------------ */

static bool has_pixels(const struct roi_axis *axis, int64_t bin)
{
    const struct roi_reach reach = axis->kind->reach(axis, bin);
    return reach.low <= reach.high;
}

/* Whether each bin of the plan has pixels: bins without lie at both ends. */
static bool is_full(const struct roi_plan_rule *rule, const struct roi_plan *plan)
{
    struct roi_axis y, x;
    roi_place_box(rule, plan->box, true, &y);
    roi_place_box(rule, plan->box, false, &x);
    return has_pixels(&y, plan->first_bin) && has_pixels(&y, plan->first_bin + plan->bins - 1) && has_pixels(&x, 0) &&
           has_pixels(&x, rule->bins_x - 1);
}

static bool measure(const struct roi_plan_rule *rule, struct roi_plan *plan)
{
    if (!roi_plan_measure(rule, plan))
        return false;
    const int64_t offsets = roi_bytes(plan->bins, plan->y.taps) + roi_bytes(rule->bins_x, plan->x.taps);
    plan->bytes = (int64_t)sizeof(struct roi_pool_table) +
                  roi_bytes(plan->bins + rule->bins_x, sizeof(struct roi_pool_bin)) +
                  roi_bytes(offsets, sizeof(int64_t));
    if (plan->y.taps == 0 || plan->x.taps == 0)
        plan->y.first = plan->y.end = plan->x.first = plan->x.end = 0;
    if (plan->y.taps > 0 && plan->x.taps > 0 && plan->way != plan->rest && !is_full(rule, plan))
        plan->way = plan->rest;
    return true;
}

/* scratch.row holds lines of maxima and of their places. */
static void include(struct roi_scratch_size *size, const struct roi_plan *plan, const roi_array *crops)
{
    const int64_t width = plan->x.end - plan->x.first;
    roi_scratch_include(size, plan, crops);
    size->row = max_i64(size->row, roi_bytes(width, 2 * roi_line_channels(!roi_is_double(crops->dtype))));
}

static double work(const struct roi_plan_rule *rule, const struct roi_plan *plan)
{
    const double width = (double)(plan->x.end - plan->x.first), height = (double)(plan->y.end - plan->y.first);
    return width * ((double)rule->bins_y + height) + (double)(rule->bins_y * rule->bins_x);
}

/* Writes the bins of an axis that have pixels, of `bins` from `first` on; returns their number. */
static int64_t find_bins(const struct roi_axis *axis, int64_t first, int64_t bins, struct roi_pool_bin *bins_ret)
{
    int64_t count = 0;
    for (int64_t bin = first; bin < first + bins; bin++) {
        const struct roi_reach reach = axis->kind->reach(axis, bin);
        if (reach.low <= reach.high)
            bins_ret[count++] = (struct roi_pool_bin){bin, reach.low, reach.high + 1};
    }
    return count;
}

/* Offsets of the pixels of each bin; a bin that has fewer than others has its last one again. Returns where they end. */
static int64_t *fill_offsets(const struct roi_pool_bin *bins, int64_t count, int64_t taps, struct roi_layout layout,
                             struct roi_sparse *sparse, int64_t *offset)
{
    *sparse = (struct roi_sparse){.taps = taps, .together = true, .offsets = offset};
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = 0; k < taps; k++) {
            const int64_t pixel = min_i64(bins[i].begin + k, bins[i].end - 1);
            *offset++ = (pixel - layout.first) % layout.modulus * layout.stride;
            sparse->together &= bins[i].begin + k < bins[i].end;
        }
    return offset;
}

static void fill(const struct roi_plan_rule *rule, struct roi_plan *plan)
{
    struct roi_pool_table *table = plan->tables;
    struct roi_axis axis;
    roi_place_box(rule, plan->box, true, &axis);
    table->rows = find_bins(&axis, plan->first_bin, plan->bins, table->bins);
    roi_place_box(rule, plan->box, false, &axis);
    table->columns = find_bins(&axis, 0, rule->bins_x, table->bins + table->rows);
    const struct roi_pool_bin *columns = table->bins + table->rows;
    int64_t *offset = (int64_t *)(void *)(table->bins + plan->bins + rule->bins_x);
    offset = fill_offsets(table->bins, table->rows, plan->y.taps, roi_layout_of_rows(rule, plan), &plan->rows, offset);
    fill_offsets(columns, table->columns, plan->x.taps, roi_layout_of_columns(rule, plan), &plan->columns, offset);
}

const struct roi_pooling roi_max_pooling = {
    .measure = measure,
    .include = include,
    .work = work,
    .fill = fill,
    .kernels = roi_pool_kernels,
    .ways = {.ring = true, .map = true, .plain_rows = true, .most_width = MOST_WIDTH}};

static double work_backward(const struct roi_plan_rule *rule, const struct roi_plan *plan)
{
    return 4 * (double)rule->bins_y * (double)rule->bins_x;
}

const struct roi_pooling roi_max_pooling_backward = {
    .work = work_backward, .kernels = roi_pool_kernels, .converts = roi_convert_kernels};

/* ---- Argmax ---------------------------------------------------------------------------------------------------- */

static roi_status check_argmax(const roi_indices *argmax, const roi_array *crops)
{
    roi_array same = {.data = argmax->data, .dtype = ROI_FLOAT64}; /* of the same size in bytes */
    for (int d = 0; d < 4; d++) {
        same.shape[d] = argmax->shape[d];
        if (argmax->shape[d] != crops->shape[d])
            return ROI_ERROR_SHAPE;
    }
    return roi_check_array(&same);
}

struct search {
    const roi_indices *argmax;
    int64_t pixels;
    int64_t row; /* the first one that has an index outside the plane */
};

/* An index of this row and channel that is neither -1 nor in the plane; -1: there is none. */
static int64_t find_outside(const struct search *search, int64_t row, int64_t channel)
{
    const roi_indices *argmax = search->argmax;
    const int64_t *plane = argmax->data + row * argmax->strides[AXIS_N] + channel * argmax->strides[AXIS_C];
    for (int64_t p = 0; p < argmax->shape[AXIS_H]; p++)
        for (int64_t q = 0; q < argmax->shape[AXIS_W]; q++) {
            const int64_t at = plane[p * argmax->strides[AXIS_H] + q * argmax->strides[AXIS_W]];
            if (at < -1 || at >= search->pixels)
                return at;
        }
    return -1;
}

static void search_row(void *context, int64_t row, int thread)
{
    struct search *search = context;
    bool found = false;
    for (int64_t c = 0; c < search->argmax->shape[AXIS_C] && !found; c++)
        found = find_outside(search, row, c) != -1;
    int64_t first = __atomic_load_n(&search->row, __ATOMIC_RELAXED);
    while (found && row < first &&
           !__atomic_compare_exchange_n(&search->row, &first, row, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

static roi_status check_indices(const struct roi_call *call, roi_error *error_ret)
{
    const int64_t *shape = call->rule.maps->shape, rows = call->count;
    struct search search = {call->argmax, shape[AXIS_H] * shape[AXIS_W], rows};
    if (roi_array_elements(call->crops) == 0)
        return ROI_SUCCESS; /* the arrays may have no memory */
    const int threads = roi_threads_for((double)roi_array_elements(call->crops));
    ROI_TRY(roi_report(error_ret, roi_parallel_for(rows, threads, call->cancel, search_row, &search)));
    if (search.row == rows)
        return ROI_SUCCESS;
    int64_t at = -1;
    for (int64_t c = 0; c < shape[AXIS_C] && at == -1; c++)
        at = find_outside(&search, search.row, c);
    return roi_fail(error_ret, ROI_ERROR_ARGMAX, search.row, -1, (double)at);
}

/* ---- Calls ----------------------------------------------------------------------------------------------------- */

roi_status roi_max_forward(const struct roi_call *call, roi_error *error_ret)
{
    if (call->argmax)
        ROI_TRY(roi_report(error_ret, check_argmax(call->argmax, call->crops)));
    return roi_tiles_forward(call, error_ret);
}

roi_status roi_max_backward(const struct roi_call *call, roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, check_argmax(call->argmax, call->crops)));
    ROI_TRY(check_indices(call, error_ret));
    return roi_tiles_backward(call, error_ret);
}

static roi_status make_call(const roi_pool_params *params, const roi_array *maps, const roi_boxes *boxes,
                            const roi_array *crops, const roi_indices *argmax, const struct roi_pooling *pooling,
                            roi_direction *direction, roi_error *error_ret)
{
    ROI_TRY(roi_report(error_ret, roi_check_params(params, sizeof *params)));
    struct roi_call call = roi_call_of(maps, &params->spatial_scale, boxes, crops, params->cancel);
    call.rule.axis.kind = &roi_closed_pixel_axis;
    call.pooling = pooling;
    call.argmax = argmax;
    return roi_make_call(&call, boxes, NULL, direction, error_ret);
}

roi_status roi_pool(const roi_pool_params *params, const roi_array *input, const roi_boxes *boxes,
                    const roi_array *output_ret, const roi_indices *argmax_ret, roi_error *error_ret)
{
    return make_call(params, input, boxes, output_ret, argmax_ret, &roi_max_pooling, roi_max_forward, error_ret);
}

roi_status roi_pool_backward(const roi_pool_params *params, const roi_array *grad, const roi_indices *argmax,
                             const roi_boxes *boxes, const roi_array *input_grad_ret, roi_error *error_ret)
{
    if (!argmax)
        return roi_fail(error_ret, ROI_ERROR_NULL, -1, -1, 0);
    return make_call(params, input_grad_ret, boxes, grad, argmax, &roi_max_pooling_backward, roi_max_backward,
                     error_ret);
}
