/*
 * roi.h - region-of-interest operators
 *
 * A region-of-interest operator takes a feature map and boxes, and returns a small crop of fixed size for each box. The
 * box head, mask head or keypoint head of a detector reads these crops. This library implements the operators for the
 * CPU in plain C99. It depends only on libc, libm and the threads of the system.
 *
 *     cc app.c $(pkg-config --cflags --libs roi)
 *
 * Conventions, the same for every function
 * ----------------------------------------
 * Layout      A feature map is an array [N, C, H, W] (images, channels, rows, columns). All strides are accepted, also
 *             negative ones. The fast layouts are contiguous rows (W stride 1) and contiguous channels (C stride 1,
 *             channels-last). Strides count elements, not bytes, and all sizes are 64-bit.
 * Boxes       (x1, y1) and (x2, y2) are two corners in pixels of the image. Multiplied by `spatial_scale`, they are in
 *             pixels of the feature map. Pixel k covers k to k + 1, so that its centre lies at k + 0.5.
 * Types       float32 and float64 maps are computed in their own type; float16 and bfloat16 maps are computed in
 *             float32.
 * Results     Results are written to the last arguments, whose names end in `_ret`. The caller owns their memory, which
 *             must not overlap an input.
 * Status      Every operator returns a roi_status and, if `error_ret` is not NULL, reports the wrong row. The comment of
 *             an operator lists its errors. All checks are made before the first write, so that an error leaves the
 *             result unchanged. (After ROI_CANCELLED, which is not an error, the result is unspecified.)
 * Empty       Zero boxes, images or channels, an output of 0 rows, and a map of 0 columns are all valid. If there is no
 *             pixel to read, the result is 0. A pointer to an empty array may be NULL.
 * NaN         NaN in a box is an error. NaN in a map affects only the results that sample the pixel. A pixel of weight 0
 *             is not read, so that infinity beside a sample does not become NaN.
 * Threads     Functions may be called from any number of threads at once. Each call uses up to roi_get_num_threads()
 *             threads, or those of roi_use_threads. The bits of the result do not depend on the number of threads. Nor
 *             do they depend on the rest of the batch: an image, a box or a channel has the same result alone and among
 *             others. Threads sleep until the next call. If the system cannot start a thread, a call uses fewer. After
 *             a fork() the child starts its own threads.
 * Structs     Set `size` to sizeof the struct. A later version may add members at its end; the size tells it which
 *             members the caller has, and the other members have their default. The functions `_defaults` are compiled
 *             into the caller, so that they fill in the struct that the caller was compiled with.
 */
#ifndef ROI_H
#define ROI_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#ifndef ROI_API
#if defined(_WIN32)
#define ROI_API
#else
#define ROI_API __attribute__((visibility("default")))
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Version --------------------------------------------------------------------------------------------------- */

/* The version of this header. The build and all packages read their version from it. */
#define ROI_VERSION_MAJOR 0
#define ROI_VERSION_MINOR 1
#define ROI_VERSION_PATCH 0

/* "MAJOR.MINOR.PATCH" of the library that is loaded, which may be later than the header. */
ROI_API const char *roi_version(void);

/* ---- Status ---------------------------------------------------------------------------------------------------- */

/* The numbers are stable: a new error gets the next free number of its range. */
typedef enum roi_status {
    /* 0 to 99: success, and errors that the input does not cause */
    ROI_SUCCESS = 0,
    ROI_CANCELLED = 1,    /* the flag `cancel` was set */
    ROI_ERROR_MEMORY = 2, /* out of memory */
    /* 100 to 199: pointers, structs, and the shapes and types of arrays */
    ROI_ERROR_NULL = 100,        /* a required pointer is NULL */
    ROI_ERROR_STRUCT_SIZE = 101, /* `size` of a parameter struct is unknown to this library */
    ROI_ERROR_DTYPE = 102,       /* an array's element type is unknown, or not the required one */
    ROI_ERROR_SHAPE = 103,       /* a size is negative, the shapes of arrays do not match, or there are 2^57 boxes or
                                    more */
    ROI_ERROR_OVERFLOW = 104,    /* the size of an array in bytes does not fit in 63 bits */
    /* 200 to 299: boxes */
    ROI_ERROR_COLUMNS = 200,        /* boxes have a number of columns that the function does not accept, or a batch
                                       index both in a column and in `batch_index` */
    ROI_ERROR_NO_BATCH_INDEX = 201, /* boxes have 4 columns (rotated boxes 5) and no `batch_index`, and the map has
                                       more than one image; or the map has no image, and there are boxes */
    ROI_ERROR_BATCH_INDEX = 202,    /* a batch index is not an integer in [0, N): see `row` */
    ROI_ERROR_COORDINATE = 203,     /* a coordinate is NaN or infinite: see `row` and `column` */
    ROI_ERROR_SIDE = 204,           /* a width or height of a rotated box is negative: see `row` and `column` */
    ROI_ERROR_BOX_OVERFLOW = 205,   /* box times spatial_scale is beyond the range of double: see `row` */
    ROI_ERROR_BOX_REACH = 206,      /* a rotated box reaches farther than 2^40 pixels of the map: see `row` */
    /* 300 to 399: the contents of other arrays */
    ROI_ERROR_ARGMAX = 300, /* an argmax is neither -1 nor in [0, H * W): see `row` */
    ROI_ERROR_SCORE = 301,  /* a score is NaN (or infinite, in roi_soft_nms): see `row` */
    ROI_ERROR_MEAN = 302,   /* a mean is not finite: see `row`, the channel */
    ROI_ERROR_STD = 303,    /* a standard deviation is not finite and above 0: see `row`, the channel */
    /* 400 to 499: parameters */
    ROI_ERROR_OUTPUT_SIZE = 400,     /* output height or width is negative */
    ROI_ERROR_SPATIAL_SCALE = 401,   /* not finite and above 0 */
    ROI_ERROR_MODE = 402,            /* the operator does not have this mode */
    ROI_ERROR_SAMPLING_RATIO = 403,  /* above ROI_MOST_ROTATED_SAMPLES, for rotated boxes */
    ROI_ERROR_LEVELS = 404,          /* the number of levels is below 1 */
    ROI_ERROR_CANONICAL = 405,       /* the canonical scale is not finite and above 0 */
    ROI_ERROR_IOU_THRESHOLD = 406,   /* not in [0, 1] */
    ROI_ERROR_SCORE_THRESHOLD = 407, /* NaN */
    ROI_ERROR_SIGMA = 408,           /* not finite and above 0 */
    ROI_ERROR_METHOD = 409,          /* not a kind or method that the function has */
    ROI_ERROR_ALIGN_CORNERS = 410,   /* set with a mode that does not support it */
    ROI_ERROR_ANTIALIAS = 411,       /* set with a mode that does not support it */
    ROI_ERROR_SCALE_FACTOR = 412,    /* a factor or its inverse is negative, infinite or NaN (0 means none) */
    ROI_ERROR_PADDING = 413          /* not one of roi_padding */
} roi_status;

/* The part of the input that a status refers to. Members that do not apply are -1 (row, column) or 0 (value). After
   success, all members are unspecified. */
typedef struct roi_error {
    roi_status status;
    int64_t row;    /* the first box that is wrong */
    int64_t column; /* the column of the box array that is wrong */
    double value;   /* the value at this place */
} roi_error;

/* One line of English for a status; it is never NULL, not even for an unknown number. */
ROI_API const char *roi_status_text(roi_status status);

/* ---- Arrays ---------------------------------------------------------------------------------------------------- */

typedef enum roi_dtype {
    ROI_FLOAT32 = 0,
    ROI_FLOAT64 = 1,
    ROI_FLOAT16 = 2, /* IEEE binary16 */
    ROI_BFLOAT16 = 3 /* the upper half of a float32 */
} roi_dtype;

/* An array of four dimensions. `data` points to element [0, 0, 0, 0]; it is written to only if the array is a result.
   Strides count elements; they may be 0 (a broadcast input) or negative. */
typedef struct roi_array {
    void *data;
    roi_dtype dtype;
    int64_t shape[4];
    int64_t strides[4];
} roi_array;

/* An array of four dimensions of integers. */
typedef struct roi_indices {
    int64_t *data;
    int64_t shape[4];
    int64_t strides[4];
} roi_indices;

/* K boxes. `data` points to rows of `columns` numbers, float32 or float64, for maps of all types:
   5 columns: batch index, x1, y1, x2, y2; the batch index must be an integer in [0, N).
   4 columns: x1, y1, x2, y2, and the batch index is `batch_index[k]`; if `batch_index` is NULL, it is 0, which is valid
   only if N is 1. `strides` count elements, from row to row and from column to column. */
typedef struct roi_boxes {
    const void *data;
    roi_dtype dtype;
    int64_t count;
    int64_t columns;
    int64_t strides[2];
    const int64_t *batch_index;
} roi_boxes;

/* ---- RoIAlign -------------------------------------------------------------------------------------------------- */

/* How the samples of a bin are combined into one number. Samples outside the map count as 0 in each mode.
   Sources: avg: He et al., "Mask R-CNN" (2017); max: the same with a maximum, as in mmcv;
   max_corner: ONNX operator RoiAlign, mode "max". */
typedef enum roi_mode {
    ROI_AVG = 0,       /* the mean of the bilinear samples */
    ROI_MAX = 1,       /* the largest bilinear sample */
    ROI_MAX_CORNER = 2 /* the largest of the four weighted corners of any sample */
} roi_mode;

typedef struct roi_align_params {
    size_t size; /* sizeof(roi_align_params) */
    double spatial_scale;
    int64_t sampling_ratio; /* samples per bin along each axis; 0 or less: ceil(bin side), for each axis */
    int32_t aligned;        /* not 0: the half-pixel offset: shift boxes by -0.5 (recommended) */
    roi_mode mode;
    const volatile int32_t *cancel; /* NULL, or a flag that is polled: not 0 stops the call */
} roi_align_params;

/* spatial_scale 1, sampling_ratio -1, aligned, avg, no cancel flag. */
static inline roi_align_params roi_align_defaults(void)
{
    const roi_align_params params = {sizeof params, 1, -1, 1, ROI_AVG, NULL};
    return params;
}

/*
 * Pools each box from `input` [N, C, H, W] into `output_ret` [K, C, output height, output width].
 *
 *     start  = corner 1 * spatial_scale - (aligned ? 0.5 : 0), end likewise
 *     size   = end - start, not aligned: at least 1
 *     bin    = size / output size
 *     grid   = sampling_ratio, or ceil(bin) where that is 0 or less
 *     sample = start + p * bin + (i + 0.5) * bin / grid       for bin p and i = 0 .. grid - 1
 *
 * on each axis. A sample below -1 or above H (W) is outside, and counts as 0. Otherwise, a negative position is moved
 * to 0, a position of H - 1 (W - 1) or more reads only the last row (column), and any other position is interpolated
 * bilinearly. avg divides by the number of all samples of the grid. The formulas are evaluated in the type of the
 * computation and in this order, so that borders and grids are exactly those of torchvision and ONNX Runtime.
 *
 * x2 < x1 is valid: the result is 0 if sampling_ratio is 0 or less, and otherwise the crop is mirrored. The cost grows
 * with the part of the box that lies on the map, not with the size of the box or of the grid.
 *
 * `output_ret` has input's dtype; its shape gives K (which must be boxes->count) and the output size.
 *
 * Errors:
 *
 *     ROI_ERROR_NULL            a required argument is NULL, or the data of an array that is not empty
 *     ROI_ERROR_STRUCT_SIZE     params->size is unknown to this library
 *     ROI_ERROR_DTYPE           input has an unknown type, output_ret another, or boxes are neither float32 nor float64
 *     ROI_ERROR_SHAPE           a size is negative, output_ret is not [boxes->count, C, height, width], or boxes->count
 *                               is 2^57 or more
 *     ROI_ERROR_OVERFLOW        an array has 2^63 bytes or more
 *     ROI_ERROR_COLUMNS         boxes->columns is neither 4 nor 5, or is 5 and batch_index is not NULL
 *     ROI_ERROR_NO_BATCH_INDEX  4 columns, batch_index is NULL, and input has several images, or none for these boxes
 *     ROI_ERROR_BATCH_INDEX     a batch index is not an integer in [0, N): see `row`
 *     ROI_ERROR_COORDINATE      a coordinate is NaN or infinite: see `row` and `column`
 *     ROI_ERROR_BOX_OVERFLOW    a corner or a side times spatial_scale is beyond the range of double: see `row`
 *     ROI_ERROR_OUTPUT_SIZE     the height or width of output_ret is negative
 *     ROI_ERROR_SPATIAL_SCALE   spatial_scale is not finite and above 0
 *     ROI_ERROR_MODE            mode is not one of roi_mode
 *     ROI_ERROR_MEMORY          there is no memory for the tables of the boxes
 *     ROI_CANCELLED             `cancel` was set
 */
ROI_API roi_status roi_align(const roi_align_params *params, const roi_array *input, const roi_boxes *boxes,
                             const roi_array *output_ret, roi_error *error_ret);

/*
 * The gradient of roi_align (mode avg) for its input: `grad` [K, C, output height, output width] is propagated to
 * `input_grad_ret` [N, C, H, W], which is overwritten, not added to. Both have the same dtype. params->mode must be
 * ROI_AVG. The gradients that several boxes add to a pixel are added in an order that depends only on the boxes.
 *
 * Errors: as roi_align, where `grad` is checked like the output and `input_grad_ret` like the input; also
 *
 *     ROI_ERROR_MODE            mode is not ROI_AVG
 */
ROI_API roi_status roi_align_backward(const roi_align_params *params, const roi_array *grad, const roi_boxes *boxes,
                                      const roi_array *input_grad_ret, roi_error *error_ret);

/* ---- Several levels -------------------------------------------------------------------------------------------- */

typedef struct roi_levels_params {
    size_t size; /* sizeof(roi_levels_params) */
    int64_t num_levels;
    int64_t canonical_level;
    double canonical_scale;
} roi_levels_params;

/* canonical_level 2, canonical_scale 224, num_levels 0, which the caller must set. */
static inline roi_levels_params roi_levels_defaults(void)
{
    const roi_levels_params params = {sizeof params, 0, 2, 224};
    return params;
}

/*
 * Computes the pyramid level from which each box is pooled, an index from 0 (finest) to num_levels - 1:
 *
 *     floor(canonical_level + log2(sqrt(width * height) / canonical_scale + 1e-6)), clamped
 *
 * in double precision, from boxes in pixels of the image. A negative side counts as area 0. Batch indices are ignored.
 * Source: Lin et al., "Feature Pyramid Networks" (2017), equation 1, where index 2 is called P4. `levels_ret` has
 * boxes->count elements.
 *
 * Errors:
 *
 *     ROI_ERROR_NULL            a required argument is NULL, or the data of boxes is, and there are boxes
 *     ROI_ERROR_STRUCT_SIZE     params->size is unknown to this library
 *     ROI_ERROR_DTYPE           boxes are neither float32 nor float64
 *     ROI_ERROR_SHAPE           boxes->count is negative, or 2^57 or more
 *     ROI_ERROR_COLUMNS         boxes->columns is neither 4 nor 5, or is 5 and batch_index is not NULL
 *     ROI_ERROR_COORDINATE      a coordinate is NaN or infinite: see `row` and `column`
 *     ROI_ERROR_LEVELS          num_levels is below 1
 *     ROI_ERROR_CANONICAL       canonical_scale is not finite and above 0
 */
ROI_API roi_status roi_assign_levels(const roi_levels_params *params, const roi_boxes *boxes, int64_t *levels_ret,
                                     roi_error *error_ret);

/*
 * The same as roi_align, but each box is pooled from the level that roi_assign_levels computes for it. `features` and
 * `spatial_scales` have levels->num_levels elements; params->spatial_scale is not used. All features have the same
 * dtype, N and C. Rows of `output_ret` are in the order of the boxes.
 *
 * Errors: as roi_align for every level and its scale; also
 *
 *     ROI_ERROR_DTYPE           features have different types
 *     ROI_ERROR_SHAPE           features differ in N or C
 *     ROI_ERROR_LEVELS          num_levels is below 1
 *     ROI_ERROR_CANONICAL       canonical_scale is not finite and above 0
 */
ROI_API roi_status roi_align_multiscale(const roi_align_params *params, const roi_levels_params *levels,
                                        const roi_array *features, const double *spatial_scales, const roi_boxes *boxes,
                                        const roi_array *output_ret, roi_error *error_ret);

/* ---- Precise RoI pooling --------------------------------------------------------------------------------------- */

typedef struct roi_prroi_params {
    size_t size; /* sizeof(roi_prroi_params) */
    double spatial_scale;
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_prroi_params;

/* spatial_scale 1, no cancel flag. */
static inline roi_prroi_params roi_prroi_defaults(void)
{
    const roi_prroi_params params = {sizeof params, 1, NULL};
    return params;
}

/*
 * Pools each box like roi_align, but by integration instead of sampling: each bin of `output_ret` [K, C, output height,
 * output width] is the integral of the bilinear surface over the bin, divided by the bin's area. Pixel k of the surface
 * lies at coordinate k, without a half-pixel offset; outside the map the surface falls linearly to 0 at distance 1. A
 * box without area (x2 <= x1 or y2 <= y1) gives 0. Source: Jiang et al., "Acquisition of Localization Confidence"
 * (2018), section 3.3.
 *
 * Errors: as roi_align, without ROI_ERROR_MODE.
 */
ROI_API roi_status roi_prroi_pool(const roi_prroi_params *params, const roi_array *input, const roi_boxes *boxes,
                                  const roi_array *output_ret, roi_error *error_ret);

/*
 * Both gradients of roi_prroi_pool. `grad` [K, C, output height, output width] is propagated to `input_grad_ret`, of
 * the shape and dtype of `input`, and to `box_grad_ret`, K rows of x1, y1, x2, y2 per pixel of the image; both are
 * overwritten. Either may be NULL, and is then not computed. The gradient of a box without area is 0. The sum for each
 * box is computed in double, in an order that does not depend on the number of threads.
 *
 * Errors: as roi_prroi_pool, where `grad` is checked like the output; also
 *
 *     ROI_ERROR_DTYPE           input_grad_ret has another type than input
 *     ROI_ERROR_SHAPE           input_grad_ret has another shape than input
 */
ROI_API roi_status roi_prroi_pool_backward(const roi_prroi_params *params, const roi_array *grad,
                                           const roi_array *input, const roi_boxes *boxes,
                                           const roi_array *input_grad_ret, double *box_grad_ret, roi_error *error_ret);

/* ---- Resizing -------------------------------------------------------------------------------------------------- */

/* The pixels of the input that contribute to pixel p of the result along each axis. The step is the distance of
   neighbouring pixels of the result, in pixels of the input: input size / output size, or 1 / scale factor, or (input
   size - 1) / (output size - 1) with align_corners. */
typedef enum roi_resize_mode {
    ROI_NEAREST = 0,       /* one pixel, at floor(p * step) */
    ROI_NEAREST_EXACT = 1, /* one pixel, at floor((p + 0.5) * step) */
    ROI_BILINEAR = 2,      /* two pixels around (p + 0.5) * step - 0.5, or p * step with align_corners */
    ROI_BICUBIC = 3,       /* four pixels around the same position, by Keys' cubic with a = -0.75 */
    ROI_AREA = 4           /* the mean of the pixels from floor(p * size / output) up to, but not including, ceil((p +
                              1) * size / output): adaptive average pooling */
} roi_resize_mode;

typedef struct roi_resize_params {
    size_t size; /* sizeof(roi_resize_params) */
    roi_resize_mode mode;
    int32_t align_corners;          /* not 0: map the centres of corner pixels onto each other (only bilinear and
                                       bicubic) */
    int32_t antialias;              /* not 0: see roi_resize (only bilinear and bicubic) */
    double scale_y, scale_x;        /* scale factors, output over input; 0: the ratio of the sizes */
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_resize_params;

/* nearest, no align_corners, no antialias, no scale factors, no cancel flag. */
static inline roi_resize_params roi_resize_defaults(void)
{
    const roi_resize_params params = {sizeof params, ROI_NEAREST, 0, 0, 0, 0, NULL};
    return params;
}

/*
 * Resizes each image of `input` [N, C, H, W] to the height and width of `output_ret` [N, C, height, width], which has
 * the same dtype. A position outside the map has the value of the nearest pixel. A scale factor changes the step, not
 * the size of the result; it is ignored with align_corners and by ROI_AREA.
 *
 * With antialias, the triangle filter of bilinear, or the cubic filter of bicubic (then with a = -0.5), is widened by
 * the step if that is above 1, so that every pixel of the input contributes. The weights are divided by their sum.
 * Pillow does the same. The filter is centred at (p + 0.5) * step; align_corners then only changes the step.
 *
 * bilinear, and both modes with antialias, copy along a side whose size does not change. Positions are rounded to the
 * type of the computation, and to float in the nearest modes. These are the definitions of
 * torch.nn.functional.interpolate. An image without rows or columns gives 0.
 *
 * Errors:
 *
 *     ROI_ERROR_NULL            a required argument is NULL, or the data of an array that is not empty
 *     ROI_ERROR_STRUCT_SIZE     params->size is unknown to this library
 *     ROI_ERROR_DTYPE           input has an unknown type, or output_ret another type
 *     ROI_ERROR_SHAPE           a size of input is negative, or the arrays differ in N or C
 *     ROI_ERROR_OVERFLOW        an array has 2^63 bytes or more
 *     ROI_ERROR_OUTPUT_SIZE     the height or width of output_ret is negative
 *     ROI_ERROR_MODE            mode is not one of roi_resize_mode
 *     ROI_ERROR_ALIGN_CORNERS   align_corners is set, and mode is neither bilinear nor bicubic
 *     ROI_ERROR_ANTIALIAS       antialias is set, and mode is neither bilinear nor bicubic
 *     ROI_ERROR_SCALE_FACTOR    a scale factor, or its inverse, is negative, infinite or NaN (0 means none)
 *     ROI_ERROR_MEMORY          there is no memory for the weights
 *     ROI_CANCELLED             `cancel` was set
 */
ROI_API roi_status roi_resize(const roi_resize_params *params, const roi_array *input, const roi_array *output_ret,
                              roi_error *error_ret);

/*
 * The gradient of roi_resize for its input: `grad` [N, C, height, width] is propagated to `input_grad_ret` [N, C, H,
 * W], which is overwritten.
 *
 * Errors: as roi_resize, where `grad` is checked like the output and `input_grad_ret` like the input.
 */
ROI_API roi_status roi_resize_backward(const roi_resize_params *params, const roi_array *grad,
                                       const roi_array *input_grad_ret, roi_error *error_ret);
/* ---- Adaptive maxima ------------------------------------------------------------------------------------------- */

typedef struct roi_adaptive_params {
    size_t size;                    /* sizeof(roi_adaptive_params) */
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_adaptive_params;

/* No cancel flag. */
static inline roi_adaptive_params roi_adaptive_defaults(void)
{
    const roi_adaptive_params params = {sizeof params, NULL};
    return params;
}

/*
 * Max-pools whole images: pixel (p, q) of `output_ret` [N, C, height, width], of input's dtype, is the largest pixel of
 * `input` [N, C, H, W] in bin (p, q). The bins are those of ROI_AREA. `argmax_ret`, NULL or of output's shape, receives
 * the position of each maximum, y * W + x. A bin that contains NaN is NaN, at the position of the first NaN; among
 * equal maxima, the first in row-major order is taken. An image without rows or columns gives 0, and position -1.
 * Source: torch.nn.functional.adaptive_max_pool2d (which returns the position of the last NaN).
 *
 * Errors: as roi_resize, without ROI_ERROR_MODE, ROI_ERROR_ALIGN_CORNERS, ROI_ERROR_ANTIALIAS and
 * ROI_ERROR_SCALE_FACTOR; also
 *
 *     ROI_ERROR_SHAPE           argmax_ret has another shape than output_ret
 */
ROI_API roi_status roi_adaptive_max_pool(const roi_adaptive_params *params, const roi_array *input,
                                         const roi_array *output_ret, const roi_indices *argmax_ret,
                                         roi_error *error_ret);

/*
 * The gradient of roi_adaptive_max_pool for its input, like roi_pool_backward; `row` of an error is the index of an
 * image.
 *
 * Errors: as roi_adaptive_max_pool, where `grad` is checked like the output and `input_grad_ret` like the input; also
 *
 *     ROI_ERROR_NULL            argmax is NULL
 *     ROI_ERROR_ARGMAX          a position is neither -1 nor in [0, H * W): see `row`
 */
ROI_API roi_status roi_adaptive_max_pool_backward(const roi_adaptive_params *params, const roi_array *grad,
                                                  const roi_indices *argmax, const roi_array *input_grad_ret,
                                                  roi_error *error_ret);

/* ---- Sampling at a grid ---------------------------------------------------------------------------------------- */

/* The value of a position outside the map. */
typedef enum roi_padding {
    ROI_PAD_ZEROS = 0,  /* 0 */
    ROI_PAD_BORDER = 1, /* the nearest pixel of the map */
    ROI_PAD_REFLECTION =
        2 /* the position reflected at the borders of the map, or at the centres of its outermost pixels with
             align_corners */
} roi_padding;

typedef struct roi_grid_params {
    size_t size;          /* sizeof(roi_grid_params) */
    roi_resize_mode mode; /* ROI_BILINEAR, ROI_NEAREST or ROI_BICUBIC */
    roi_padding padding;
    int32_t align_corners; /* not 0: -1 and 1 are the centres of the outermost pixels; 0: the borders of the map */
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_grid_params;

/* bilinear, zeros, no align_corners, no cancel flag. */
static inline roi_grid_params roi_grid_defaults(void)
{
    const roi_grid_params params = {sizeof params, ROI_BILINEAR, ROI_PAD_ZEROS, 0, NULL};
    return params;
}

/*
 * Samples `input` [N, C, H, W] at the points of `grid` [N, height, width, 2], which are (x, y) from -1 (left, top) to 1
 * (right, bottom), and writes the samples to `output_ret` [N, C, height, width] of input's dtype. The grid may have any
 * dtype.
 *
 *     pixel = ((g + 1) * size - 1) / 2, or (g + 1) / 2 * (size - 1) with align_corners
 *
 * nearest rounds the position, halves to even; bilinear and bicubic (a = -0.75) interpolate. Padding applies to the
 * position, and for bicubic to each of the four taps. NaN in the grid counts as -1, and so does infinity with
 * ROI_PAD_REFLECTION. A map without rows or columns gives 0. Source: the definition of torch.nn.functional.grid_sample,
 * including its documented rule for NaN.
 *
 * Errors:
 *
 *     ROI_ERROR_NULL            a required argument is NULL, or the data of an array that is not empty
 *     ROI_ERROR_STRUCT_SIZE     params->size is unknown to this library
 *     ROI_ERROR_DTYPE           input or grid has an unknown type, or output_ret another type than input
 *     ROI_ERROR_SHAPE           a size is negative, or the shapes of grid and output_ret do not match
 *     ROI_ERROR_OVERFLOW        an array has 2^63 bytes or more
 *     ROI_ERROR_MODE            mode is not bilinear, nearest or bicubic
 *     ROI_ERROR_PADDING         padding is not one of roi_padding
 *     ROI_ERROR_MEMORY          there is no memory for the positions of samples
 *     ROI_CANCELLED             `cancel` was set
 */
ROI_API roi_status roi_grid_sample(const roi_grid_params *params, const roi_array *input, const roi_array *grid,
                                   const roi_array *output_ret, roi_error *error_ret);

typedef struct roi_affine_params {
    size_t size;                    /* sizeof(roi_affine_params) */
    int32_t align_corners;          /* as in roi_grid_params */
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_affine_params;

/* No align_corners, no cancel flag. */
static inline roi_affine_params roi_affine_defaults(void)
{
    const roi_affine_params params = {sizeof params, 0, NULL};
    return params;
}

/*
 * Makes grids for roi_grid_sample: point (x, y) of `grid_ret` [N, height, width, 2] is theta (x', y', 1), where (x',
 * y') is the position of the pixel's centre between -1 and 1, and `theta` [N, 2, 3, 1] has a 2 x 3 matrix for each
 * image. Both have the same dtype; the grid is computed in double. If a side has one pixel, its centre is at 0. Source:
 * torch.nn.functional.affine_grid.
 *
 * Errors: as roi_grid_sample, without ROI_ERROR_MODE, ROI_ERROR_PADDING and ROI_ERROR_MEMORY.
 */
ROI_API roi_status roi_affine_grid(const roi_affine_params *params, const roi_array *theta, const roi_array *grid_ret,
                                   roi_error *error_ret);

/* ---- Normalizing ----------------------------------------------------------------------------------------------- */

typedef struct roi_normalize_params {
    size_t size;                    /* sizeof(roi_normalize_params) */
    int32_t inverse;                /* not 0: image * std + mean instead of (image - mean) / std */
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_normalize_params;

/* Not inverse, no cancel flag. */
static inline roi_normalize_params roi_normalize_defaults(void)
{
    const roi_normalize_params params = {sizeof params, 0, NULL};
    return params;
}

/*
 * Computes (image - mean) / std for each element, with two roundings. All arrays have the shape of `image` [N, C, H,
 * W]; means that are the same along a dimension have stride 0 there. `mean` and `std` have the type of the computation,
 * are finite, and `std` is above 0. `output_ret` has image's dtype, and may be `image` itself.
 *
 * Errors:
 *
 *     ROI_ERROR_NULL            a required argument is NULL, or the data of an array that is not empty
 *     ROI_ERROR_STRUCT_SIZE     params->size is unknown to this library
 *     ROI_ERROR_DTYPE           image has an unknown type, or another array does not have the type stated above
 *     ROI_ERROR_SHAPE           a size is negative, or an array has another shape than image
 *     ROI_ERROR_OVERFLOW        an array has 2^63 bytes or more
 *     ROI_ERROR_MEAN            a mean is NaN or infinite: see `row`, the channel
 *     ROI_ERROR_STD             a standard deviation is not finite and above 0: see `row`, the channel
 *     ROI_CANCELLED             `cancel` was set
 */
ROI_API roi_status roi_normalize(const roi_normalize_params *params, const roi_array *image, const roi_array *mean,
                                 const roi_array *std, const roi_array *output_ret, roi_error *error_ret);

/* ---- Overlap --------------------------------------------------------------------------------------------------- */

/*
 * In this section and the next one, boxes have no batch index: upright boxes are rows of exactly x1, y1, x2, y2.
 * Upright boxes with x2 < x1 or y2 < y1 are valid, and count as boxes without area.
 *
 * Rotated boxes are rows of exactly cx, cy, w, h, angle: the centre, the sides (0 or more) and an angle in degrees. A
 * point (u, v) of the upright box w x h around the origin is mapped to
 *
 *     x = cx + u * cos(angle) + v * sin(angle)        y = cy - u * sin(angle) + v * cos(angle)
 *
 * With y pointing down, as in images, this is a counter-clockwise rotation in the displayed image; with y pointing up,
 * it is clockwise. Any finite angle is valid, and 90 degrees exchange w and h exactly.
 */

typedef enum roi_iou_kind {
    ROI_IOU = 0,  /* intersection over union */
    ROI_GIOU = 1, /* generalized: IoU minus the fraction of the smallest enclosing box that neither box covers */
    ROI_DIOU = 2, /* distance: IoU minus squared distance of centres / squared diagonal of the enclosing box */
    ROI_CIOU = 3, /* complete: DIoU minus v * v / (1 - IoU + v), v = (2 / pi * (atan(w1 / h1) - atan(w2 / h2)))^2 */
    ROI_IOF = 4,  /* intersection over the area of the first box; not symmetric */
    ROI_IOS = 5   /* intersection over the smaller of both areas */
} roi_iou_kind;

typedef struct roi_iou_params {
    size_t size; /* sizeof(roi_iou_params) */
    roi_iou_kind kind;
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_iou_params;

/* Plain IoU, no cancel flag. */
static inline roi_iou_params roi_iou_defaults(void)
{
    const roi_iou_params params = {sizeof params, ROI_IOU, NULL};
    return params;
}

/*
 * Computes the overlap of each pair of N and M boxes: `iou_ret` has shape [1, 1, N, M] and any type. Sources: IoU:
 * Jaccard; generalized: Rezatofighi et al. (2019); distance and complete: Zheng et al. (2020), without their epsilon.
 *
 * The IoU of two boxes without area is 0, and so is any other quotient here whose denominator is 0, such as the
 * intersection over the area of a first box without area. A box with an area has IoU exactly 1 with itself, and an
 * intersection over its own area of exactly 1. It is computed in float if both arrays are float32 and their areas fit
 * in that type, and otherwise in double. In both cases, the result is exact to a few roundings, also for areas beyond
 * the range of double, and the same on every CPU tier. An area that underflows to 0 in double counts as 0.
 *
 * `row` in `error_ret` numbers the rows of both arrays consecutively: boxes1->count is the first row of boxes2.
 *
 * Errors:
 *
 *     ROI_ERROR_NULL            a required argument is NULL, or the data of an array that is not empty
 *     ROI_ERROR_STRUCT_SIZE     params->size is unknown to this library
 *     ROI_ERROR_DTYPE           iou_ret has an unknown type, or boxes are neither float32 nor float64
 *     ROI_ERROR_SHAPE           a count or size is negative, a count is 2^57 or more, or iou_ret is not [1, 1, N, M]
 *     ROI_ERROR_OVERFLOW        iou_ret has 2^63 bytes or more
 *     ROI_ERROR_COLUMNS         the number of columns is not 4, or batch_index is not NULL
 *     ROI_ERROR_COORDINATE      a coordinate is NaN or infinite: see `row` and `column`
 *     ROI_ERROR_METHOD          kind is not one of roi_iou_kind
 *     ROI_ERROR_MEMORY          there is no memory for a copy of the boxes
 *     ROI_CANCELLED             `cancel` was set
 */
ROI_API roi_status roi_box_iou(const roi_iou_params *params, const roi_boxes *boxes1, const roi_boxes *boxes2,
                               const roi_array *iou_ret, roi_error *error_ret);

/*
 * The same for rotated boxes (only kind ROI_IOU), computed in double. The IoU of a box with itself is exactly 1, also
 * if it is described in another way (rotated by 180 degrees, or by 90 degrees with w and h exchanged). Other values are
 * accurate to about 1e-15, plus 1e-16 times the ratio of the coordinates to the smaller side. IoU(a, b) equals IoU(b,
 * a) to the last bit.
 *
 * Errors: as roi_box_iou, for 5 columns; also
 *
 *     ROI_ERROR_SIDE            a width or height is negative: see `row` and `column`
 *     ROI_ERROR_METHOD          kind is not ROI_IOU
 */
ROI_API roi_status roi_box_iou_rotated(const roi_iou_params *params, const roi_boxes *boxes1, const roi_boxes *boxes2,
                                       const roi_array *iou_ret, roi_error *error_ret);

/* ---- Suppression ----------------------------------------------------------------------------------------------- */

/* Numbers of float32 or float64; `stride` counts elements. */
typedef struct roi_vector {
    const void *data;
    roi_dtype dtype;
    int64_t count;
    int64_t stride;
} roi_vector;

typedef struct roi_nms_params {
    size_t size;                    /* sizeof(roi_nms_params) */
    double iou_threshold;           /* in [0, 1] */
    double score_threshold;         /* boxes whose score is not above it are dropped; -infinity: no box is dropped */
    int64_t max_output;             /* the largest number of boxes to keep; below 0: no limit */
    const volatile int32_t *cancel; /* as in roi_align_params */
    int32_t in_float;               /* not 0: evaluate the IoU of float boxes in float: see roi_nms */
} roi_nms_params;

/* IoU threshold 0.5, no score threshold, no limit, no cancel flag, IoU in double precision. */
static inline roi_nms_params roi_nms_defaults(void)
{
    const roi_nms_params params = {sizeof params, 0.5, -INFINITY, -1, NULL, 0};
    return params;
}

/*
 * Non-maximum suppression (NMS): visits the boxes by descending score, boxes of equal score in their order, and keeps
 * each box whose IoU with every box kept before is at most iou_threshold. `classes` has an integer for each box, and
 * only boxes of the same class suppress each other; if it is NULL, all boxes have the same class. A score may be
 * infinite, but not NaN.
 *
 * IoU is intersection / (area 1 + area 2 - intersection), evaluated in double precision for boxes of all types. An IoU
 * equal to the threshold does not suppress. The result is the same on every CPU tier and for every number of threads.
 * Different classes run on different threads.
 *
 * With in_float, the IoU of ROI_FLOAT32 boxes is evaluated in float, with every step rounded, and then compared with
 * iou_threshold in double precision. This is torchvision's rule, and keeps exactly the same boxes. The two rules often
 * differ if both the IoU and the threshold are short fractions (2 / 10 in float is above 0.2). A box whose area is
 * beyond the range of float then suppresses no box. in_float has no effect on boxes of other types.
 *
 * `kept_ret` has room for boxes->count indices, or for max_output, if that is less. The indices are in descending order
 * of score, and refer to the boxes as given. Their number is written to *count_ret. Time grows as n log n if few boxes
 * overlap, and at worst as comparing each kept box with all others; memory grows as n.
 *
 * Errors:
 *
 *     ROI_ERROR_NULL            params, boxes, scores or count_ret is NULL, or an array that is not empty
 *     ROI_ERROR_STRUCT_SIZE     params->size is unknown to this library
 *     ROI_ERROR_DTYPE           boxes or scores are neither float32 nor float64
 *     ROI_ERROR_SHAPE           boxes->count is negative, or 2^57 or more, or scores->count is another number
 *     ROI_ERROR_COLUMNS         boxes->columns is not 4, or batch_index is not NULL
 *     ROI_ERROR_COORDINATE      a coordinate is NaN or infinite: see `row` and `column`
 *     ROI_ERROR_SCORE           a score is NaN: see `row`
 *     ROI_ERROR_IOU_THRESHOLD   iou_threshold is not in [0, 1]
 *     ROI_ERROR_SCORE_THRESHOLD score_threshold is NaN
 *     ROI_ERROR_MEMORY          there is no memory for a copy of the boxes
 *     ROI_CANCELLED             `cancel` was set
 */
ROI_API roi_status roi_nms(const roi_nms_params *params, const roi_boxes *boxes, const roi_vector *scores,
                           const int64_t *classes, int64_t *kept_ret, int64_t *count_ret, roi_error *error_ret);

/*
 * The same for rotated boxes, always in double precision.
 *
 * Errors: as roi_nms, for 5 columns; also
 *
 *     ROI_ERROR_SIDE            a width or height is negative: see `row` and `column`
 */
ROI_API roi_status roi_nms_rotated(const roi_nms_params *params, const roi_boxes *boxes, const roi_vector *scores,
                                   const int64_t *classes, int64_t *kept_ret, int64_t *count_ret, roi_error *error_ret);

/* The factor for the score of a box that overlaps a kept box by IoU. */
typedef enum roi_soft_method {
    ROI_SOFT_GAUSSIAN = 0, /* exp(-IoU^2 / sigma) */
    ROI_SOFT_LINEAR = 1    /* 1 - IoU if IoU is above iou_threshold, otherwise 1 */
} roi_soft_method;

typedef struct roi_soft_nms_params {
    size_t size; /* sizeof(roi_soft_nms_params) */
    roi_soft_method method;
    double sigma;                   /* finite and above 0 */
    double iou_threshold;           /* in [0, 1] */
    double score_threshold;         /* boxes whose score is not above it, at first or when lowered, are dropped */
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_soft_nms_params;

/* Gaussian, sigma 0.5, IoU threshold 0.3, score threshold 0.001, no cancel flag. */
static inline roi_soft_nms_params roi_soft_nms_defaults(void)
{
    const roi_soft_nms_params params = {sizeof params, ROI_SOFT_GAUSSIAN, 0.5, 0.3, 0.001, NULL};
    return params;
}

/*
 * Soft suppression: keeps the box with the highest score (the first one among equal scores), lowers the scores of the
 * boxes that overlap it, and repeats this until no remaining score is above the threshold. Indices and new scores are
 * written in the order in which the boxes are kept, which is by descending new score; both results have room for
 * boxes->count elements. Scores must be finite, and are computed in double precision. The function runs on one thread.
 * Source: Bodla et al., "Soft-NMS" (2017).
 *
 * Errors: as roi_nms; also
 *
 *     ROI_ERROR_SCORE           a score is infinite: see `row`
 *     ROI_ERROR_METHOD          method is not one of roi_soft_method
 *     ROI_ERROR_SIGMA           sigma is not finite and above 0
 */
ROI_API roi_status roi_soft_nms(const roi_soft_nms_params *params, const roi_boxes *boxes, const roi_vector *scores,
                                int64_t *kept_ret, double *scores_ret, int64_t *count_ret, roi_error *error_ret);

/* ---- Masks ----------------------------------------------------------------------------------------------------- */

/*
 * Computes the bounding box of each of N masks [N, H, W], whose elements are the nonzero ones. `boxes_ret` [N, 4]
 * receives x1, y1, x2, y2, the indices of the first and the last column and row that have an element; an empty mask
 * gives 0, 0, 0, 0. Strides count elements. H and W are at most 2^24, because float represents all integers up to
 * there.
 *
 * Errors:
 *
 *     ROI_ERROR_NULL            shape or strides is NULL, or masks or boxes_ret is NULL and not empty
 *     ROI_ERROR_SHAPE           a size is negative, or H or W is above 2^24
 */
ROI_API roi_status roi_masks_to_boxes(const uint8_t *masks, const int64_t shape[3], const int64_t strides[3],
                                      float *boxes_ret, roi_error *error_ret);

/* ---- RoIPool --------------------------------------------------------------------------------------------------- */

typedef struct roi_pool_params {
    size_t size; /* sizeof(roi_pool_params) */
    double spatial_scale;
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_pool_params;

/* spatial_scale 1, no cancel flag. */
static inline roi_pool_params roi_pool_defaults(void)
{
    const roi_pool_params params = {sizeof params, 1, NULL};
    return params;
}

/*
 * Pools each box by the largest pixel of each bin. Boxes and bins consist of whole pixels:
 *
 *     start = round(corner 1 * spatial_scale), end likewise            half away from zero
 *     size  = end - start + 1, at least 1                              the pixel at `end` belongs to the box
 *     bin   = size / output size
 *     bin p = the pixels from start + floor(p * bin) up to, without it, start + ceil((p + 1) * bin), on the map
 *
 * on each axis, evaluated in the type of the computation. Neighbouring bins may share pixels. A bin without a pixel on
 * the map is 0. A bin that contains only -infinity is -infinity, and a bin that contains NaN is NaN. Source: Girshick,
 * "Fast R-CNN" (2015).
 *
 * `argmax_ret`, NULL or of the shape of `output_ret`, receives the position of each maximum: y * W + x, or -1 for a bin
 * without pixels. Among equal maxima, it is the first one in row-major order; if the bin contains NaN, it is the first
 * NaN.
 *
 * Errors: as roi_align, without ROI_ERROR_MODE; also
 *
 *     ROI_ERROR_SHAPE           argmax_ret has another shape than output_ret
 */
ROI_API roi_status roi_pool(const roi_pool_params *params, const roi_array *input, const roi_boxes *boxes,
                            const roi_array *output_ret, const roi_indices *argmax_ret, roi_error *error_ret);

/*
 * The gradient of roi_pool for its input: each element of `grad` is added to the pixel at the position in `argmax`,
 * which has the same shape, in the image of its box; with -1 it is dropped. Only the batch indices of the boxes are
 * used. params->spatial_scale is checked but not used. `input_grad_ret` is overwritten, as by roi_align_backward.
 *
 * Errors: as roi_pool, where `grad` is checked like the output and `input_grad_ret` like the input; also
 *
 *     ROI_ERROR_NULL            argmax is NULL
 *     ROI_ERROR_ARGMAX          a position is neither -1 nor in [0, H * W): see `row`
 */
ROI_API roi_status roi_pool_backward(const roi_pool_params *params, const roi_array *grad, const roi_indices *argmax,
                                     const roi_boxes *boxes, const roi_array *input_grad_ret, roi_error *error_ret);

/* ---- Position-sensitive pooling -------------------------------------------------------------------------------- */

/*
 * In this section, each bin of a crop is pooled from a channel of its own: bin (p, q) of channel c reads
 *
 *     channel (c * output height + p) * output width + q
 *
 * of the map. The map therefore has output height * output width times as many channels as the crops. With an output
 * size of 0, any number of channels is valid. Source: Dai et al., "R-FCN" (2016).
 */

typedef struct roi_ps_roi_align_params {
    size_t size; /* sizeof(roi_ps_roi_align_params) */
    double spatial_scale;
    int64_t sampling_ratio;         /* as in roi_align_params */
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_ps_roi_align_params;

/* spatial_scale 1, sampling_ratio -1, no cancel flag. */
static inline roi_ps_roi_align_params roi_ps_roi_align_defaults(void)
{
    const roi_ps_roi_align_params params = {sizeof params, 1, -1, NULL};
    return params;
}

/*
 * Pools each bin like roi_align with `aligned` and mode avg, from the bin's own channel. A box whose width or height is
 * 0 gives 0 for every sampling ratio. Source: Li et al., "Light-Head R-CNN" (2017).
 *
 * Errors: as roi_align, without ROI_ERROR_MODE; also
 *
 *     ROI_ERROR_SHAPE           a size is negative, or output_ret is not [boxes->count, C / (height * width), height,
 *                               width]
 */
ROI_API roi_status roi_ps_roi_align(const roi_ps_roi_align_params *params, const roi_array *input,
                                    const roi_boxes *boxes, const roi_array *output_ret, roi_error *error_ret);

/*
 * The gradient of roi_ps_roi_align for its input, like roi_align_backward.
 *
 * Errors: as roi_ps_roi_align, where `grad` is checked like the output and `input_grad_ret` like the input.
 */
ROI_API roi_status roi_ps_roi_align_backward(const roi_ps_roi_align_params *params, const roi_array *grad,
                                             const roi_boxes *boxes, const roi_array *input_grad_ret,
                                             roi_error *error_ret);

typedef struct roi_ps_roi_pool_params {
    size_t size; /* sizeof(roi_ps_roi_pool_params) */
    double spatial_scale;
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_ps_roi_pool_params;

/* spatial_scale 1, no cancel flag. */
static inline roi_ps_roi_pool_params roi_ps_roi_pool_defaults(void)
{
    const roi_ps_roi_pool_params params = {sizeof params, 1, NULL};
    return params;
}

/*
 * Pools each bin by the mean of its pixels, from the bin's own channel. The bins are those of roi_pool, except that the
 * pixel at the second corner does not belong to the box: size = end - start, at least 1. Bins include the last row and
 * column of the map. A bin without a pixel on the map is 0.
 *
 * Errors: as roi_ps_roi_align.
 */
ROI_API roi_status roi_ps_roi_pool(const roi_ps_roi_pool_params *params, const roi_array *input, const roi_boxes *boxes,
                                   const roi_array *output_ret, roi_error *error_ret);

/*
 * The gradient of roi_ps_roi_pool for its input, like roi_align_backward.
 *
 * Errors: as roi_ps_roi_align_backward.
 */
ROI_API roi_status roi_ps_roi_pool_backward(const roi_ps_roi_pool_params *params, const roi_array *grad,
                                            const roi_boxes *boxes, const roi_array *input_grad_ret,
                                            roi_error *error_ret);

/* ---- Rotated RoIAlign ------------------------------------------------------------------------------------------ */

/* The largest sampling_ratio of rotated boxes, whose samples are added one by one. */
enum { ROI_MOST_ROTATED_SAMPLES = 128 };

typedef struct roi_align_rotated_params {
    size_t size; /* sizeof(roi_align_rotated_params) */
    double spatial_scale;
    int64_t sampling_ratio;         /* as in roi_align_params, at most ROI_MOST_ROTATED_SAMPLES */
    int32_t aligned;                /* as in roi_align_params; the offset applies to the centre */
    int32_t clockwise;              /* not 0: a positive angle is clockwise; 0: counter-clockwise */
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_align_rotated_params;

/* spatial_scale 1, sampling_ratio -1, aligned, counter-clockwise, no cancel flag. */
static inline roi_align_rotated_params roi_align_rotated_defaults(void)
{
    const roi_align_rotated_params params = {sizeof params, 1, -1, 1, 0, NULL};
    return params;
}

/*
 * Pools boxes that are rotated about their centre, like roi_align with mode avg. Rows of `boxes` are cx, cy, w, h,
 * angle (5 columns), or the same after the batch index (6 columns). cx, cy, w, h are in pixels of the image, w and h
 * are not negative, and the angle is in degrees as seen in the image, whose y points down. With start = -size / 2,
 * where size = (w or h) * spatial_scale (not aligned: at least 1), and with bin, grid and the samples xx, yy of a bin
 * as in roi_align, a sample lies at
 *
 *     x = yy * sin(angle) + xx * cos(angle) + cx * spatial_scale - (aligned ? 0.5 : 0)
 *     y = yy * cos(angle) - xx * sin(angle) + cy * spatial_scale - (aligned ? 0.5 : 0)
 *
 * and is interpolated as in roi_align. Positions are evaluated in double for maps of all types, and multiples of 90
 * degrees are exact. The cost, and the memory for the weights, grow with the part of the box that lies on the map. A
 * box may reach as far as 2^40 pixels of the map, beyond which double could not distinguish its samples. Source: Ma et
 * al., "Arbitrary-Oriented Scene Text Detection via Rotation Proposals" (2018); the samples are those of Detectron2.
 *
 * Errors: as roi_align for 5 or 6 columns, without ROI_ERROR_MODE and ROI_ERROR_BOX_OVERFLOW; also
 *
 *     ROI_ERROR_SIDE            a width or height is negative: see `row` and `column`
 *     ROI_ERROR_BOX_REACH       a box reaches farther than 2^40 pixels of the map: see `row`
 *     ROI_ERROR_SAMPLING_RATIO  sampling_ratio is above ROI_MOST_ROTATED_SAMPLES
 */
ROI_API roi_status roi_align_rotated(const roi_align_rotated_params *params, const roi_array *input,
                                     const roi_boxes *boxes, const roi_array *output_ret, roi_error *error_ret);

/*
 * The gradient of roi_align_rotated for its input, like roi_align_backward.
 *
 * Errors: as roi_align_rotated, where `grad` is checked like the output and `input_grad_ret` like the input.
 */
ROI_API roi_status roi_align_rotated_backward(const roi_align_rotated_params *params, const roi_array *grad,
                                              const roi_boxes *boxes, const roi_array *input_grad_ret,
                                              roi_error *error_ret);

/* ---- Threads and processor ------------------------------------------------------------------------------------- */

/* The number of threads that a call may use. The initial number is that of the environment variable OMP_NUM_THREADS
   when the library is loaded. Without it, the number is that of the processors: on Linux those of the calling thread's
   affinity mask, limited by the CPU quota of the process's control group; on Windows those of the process's affinity
   mask; on other systems all that are online. It is always 1 if the library was built without threads. A new number
   applies to the whole process; a number below 1 counts as 1, and one above ROI_MOST_THREADS as ROI_MOST_THREADS. */
#define ROI_MOST_THREADS 1024
ROI_API void roi_set_num_threads(int32_t threads);
ROI_API int32_t roi_get_num_threads(void);

/*
 * Threads of the program, for programs that have a thread pool: a call by a thread that has set them calls `run`
 * instead of waking the library's threads. `run` must call `body` once with each index in [0, count), on any threads,
 * in parallel or one after the other, and return when all of these calls have returned. The result does not depend on
 * the threads.
 */
typedef void roi_body(void *work, int32_t index);
typedef void roi_run(void *context, int32_t count, roi_body *body, void *work);

typedef struct roi_threads {
    size_t size;   /* sizeof(roi_threads) */
    int32_t count; /* the largest number of calls of `body`; 1: the calling thread does all the work */
    roi_run *run;  /* not NULL if count is above 1 */
    void *context; /* for `run` */
} roi_threads;

/* Sets the threads for later calls of this thread, which then ignore roi_set_num_threads; NULL restores the library's
   own threads. Returns the previous setting, so that a part of a program can restore it when it has finished. The
   struct is not copied, and must stay valid until another one is set. A struct whose size this library does not know
   counts as NULL. A count below 1, or a missing `run`, counts as 1; a count above ROI_MOST_THREADS counts as
   ROI_MOST_THREADS. */
ROI_API const roi_threads *roi_use_threads(const roi_threads *threads);

/* The kernels are compiled once for each tier of processors. When the library is loaded, it selects the best tier that
   the processor supports; the environment variable ROI_CPU_TIER (baseline, avx2, avx512) selects a lower one. Results
   of two tiers may differ by rounding. */
typedef enum roi_cpu_tier {
    ROI_CPU_BASELINE = 0,
    ROI_CPU_AVX2 = 1,  /* AVX2, FMA and F16C */
    ROI_CPU_AVX512 = 2 /* and AVX-512 F, BW, DQ, VL */
} roi_cpu_tier;

ROI_API roi_cpu_tier roi_get_cpu_tier(void);  /* the tier in use */
ROI_API roi_cpu_tier roi_best_cpu_tier(void); /* the best tier of this processor and this build */
ROI_API const char *roi_cpu_tier_name(roi_cpu_tier tier);

/* The errors in the environment variables that were read when the library was loaded, ROI_CPU_TIER and OMP_NUM_THREADS.
   Each invalid variable has a line with its name, its value, the rule and the value that is used instead. The result is
   NULL from the first index on that has no error. The library itself prints no messages. */
ROI_API const char *roi_environment_problem(int32_t index);

#ifdef __cplusplus
}
#endif

#endif /* ROI_H */
