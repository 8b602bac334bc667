/*
 * roi.h - region-of-interest operators
 *
 * A region-of-interest operator takes a feature map and boxes on it and gives, for each box, a small crop of fixed
 * size: what a detector's box head, mask head or keypoint head reads. This library has these operators for the CPU in
 * plain C99 with no dependency but libc, libm and POSIX threads.
 *
 *     cc app.c $(pkg-config --cflags --libs roi)
 *
 * Conventions, the same for every function
 * ----------------------------------------
 * Layout      A feature map is an array [N, C, H, W] (images, channels, rows, columns). Any strides will do, negative
 *             ones too; rows that lie together (W stride 1) and pixels that lie together (C stride 1, "channels last")
 *             are fast. Strides count elements, not bytes, and all sizes are 64-bit.
 * Boxes       (x1, y1) and (x2, y2) are two corners in units of the image, not of the map; multiplied by
 *             `spatial_scale` they are in units of the map. Pixel k covers k to k + 1, its centre lies at k + 0.5.
 * Types       float32 and float64 are computed as such; float16 and bfloat16 are stored so and computed in float32.
 * Results     come last, in arguments that end in `_ret`; the caller owns their memory. They may not overlap an input.
 * Status      Every operator returns a roi_status and, where `error_ret` is not NULL, says which row was wrong.
 *             All checks come before the first write: after an error the result is as it was. (After ROI_CANCELLED,
 *             which is no error of the caller's, it is unspecified.)
 * Empty       No boxes, no images, no channels, an output of 0 rows, a map of 0 columns: all are valid. Where there is
 *             nothing to read, the result is 0. A pointer to an empty array may be NULL.
 * NaN         in a box is an error; in a map it reaches just those results that sample the pixel. A pixel of weight 0
 *             does not take part, so that infinity beside a sample does not become NaN.
 * Threads     Functions may be called from any number of threads at once. Each call itself uses up to
 *             roi_get_num_threads() threads, or those of roi_use_threads; the result is the same to the last bit for
 *             every number of them, and for every company: an image, a box or a channel has the same bits alone and
 *             among others. Threads are kept for the next call, and sleep meanwhile; where the system gives none, a call
 *             does with fewer. After a fork() the child starts its own.
 * Structs     Set `size` to sizeof the struct: a later version may add members at its end, and knows by the size
 *             which ones the caller has. Members that are not there have their default. The functions `_defaults` are
 *             part of the caller, so that they fill in the struct that the caller was compiled with.
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

/* The version of this header, from which the build and all packages take theirs. */
#define ROI_VERSION_MAJOR 0
#define ROI_VERSION_MINOR 1
#define ROI_VERSION_PATCH 0

/* "MAJOR.MINOR.PATCH" of the library that is loaded, which may be later than the header. */
ROI_API const char *roi_version(void);

/* ---- Status ---------------------------------------------------------------------------------------------------- */

/* The numbers stay what they are; a new error gets the next one of its range. */
typedef enum roi_status {
    /* 0 to 99: success, and what is no fault of the input */
    ROI_SUCCESS = 0,
    ROI_CANCELLED = 1,    /* the flag given as `cancel` was found set */
    ROI_ERROR_MEMORY = 2, /* out of memory */
    /* 100 to 199: pointers, structs, and the shapes and types of arrays */
    ROI_ERROR_NULL = 100,        /* a pointer that is needed is NULL */
    ROI_ERROR_STRUCT_SIZE = 101, /* `size` of a parameter struct is none that this library knows */
    ROI_ERROR_DTYPE = 102,       /* an array's element type is unknown, or not the one asked for here */
    ROI_ERROR_SHAPE = 103,       /* a negative size, or arrays whose shapes do not fit together */
    ROI_ERROR_OVERFLOW = 104,    /* the number of elements does not fit in 63 bits of bytes */
    /* 200 to 299: boxes */
    ROI_ERROR_COLUMNS = 200,        /* boxes have a number of columns that the function does not take, or a batch
                                       index both in a column and apart */
    ROI_ERROR_NO_BATCH_INDEX = 201, /* boxes of 4 columns, and the map has more than one image; or none, but there
                                       are boxes */
    ROI_ERROR_BATCH_INDEX = 202,    /* a batch index is not a whole number in [0, N): see `row` */
    ROI_ERROR_COORDINATE = 203,     /* a coordinate is NaN or infinite: see `row` and `column` */
    ROI_ERROR_SIDE = 204,           /* a width or height below 0 where sides are given: see `row` and `column` */
    ROI_ERROR_BOX_OVERFLOW = 205,   /* box times spatial_scale leaves the range of double: see `row` */
    ROI_ERROR_BOX_REACH = 206,      /* a rotated box reaches farther than 2^40 pixels of the map: see `row` */
    /* 300 to 399: the contents of other arrays */
    ROI_ERROR_ARGMAX = 300, /* an argmax is neither -1 nor in [0, H * W): see `row` */
    ROI_ERROR_SCORE = 301,  /* a score is NaN (or infinite, where scores are computed with): see `row` */
    ROI_ERROR_MEAN = 302,   /* not finite: see `row`, the channel */
    ROI_ERROR_STD = 303,    /* not finite and above 0: see `row`, the channel */
    /* 400 to 499: parameters */
    ROI_ERROR_OUTPUT_SIZE = 400,     /* output height or width is negative */
    ROI_ERROR_SPATIAL_SCALE = 401,   /* not finite and above 0 */
    ROI_ERROR_MODE = 402,            /* none that this operator has */
    ROI_ERROR_SAMPLING_RATIO = 403,  /* above ROI_MOST_ROTATED_SAMPLES, where that is a limit */
    ROI_ERROR_LEVELS = 404,          /* number of levels below 1 */
    ROI_ERROR_CANONICAL = 405,       /* canonical scale not finite and above 0 */
    ROI_ERROR_IOU_THRESHOLD = 406,   /* not in [0, 1] */
    ROI_ERROR_SCORE_THRESHOLD = 407, /* NaN */
    ROI_ERROR_SIGMA = 408,           /* not finite and above 0 */
    ROI_ERROR_METHOD = 409,          /* not one of roi_iou_kind or roi_soft_method */
    ROI_ERROR_ALIGN_CORNERS = 410,   /* set, and the mode does not have it */
    ROI_ERROR_ANTIALIAS = 411,       /* set, and the mode does not have it */
    ROI_ERROR_SCALE_FACTOR = 412,    /* not finite and above 0 */
    ROI_ERROR_PADDING = 413          /* not one of roi_padding */
} roi_status;

/* Which part of the input a status is about. Members that say nothing are -1 (row, column) or 0 (value). */
typedef struct roi_error {
    roi_status status;
    int64_t row;    /* the first box that is wrong */
    int64_t column; /* the column of the box array that is wrong */
    double value;   /* what stands there */
} roi_error;

/* One line of English for a status; never NULL, for unknown numbers neither. */
ROI_API const char *roi_status_text(roi_status status);

/* ---- Arrays ---------------------------------------------------------------------------------------------------- */

typedef enum roi_dtype {
    ROI_FLOAT32 = 0,
    ROI_FLOAT64 = 1,
    ROI_FLOAT16 = 2, /* IEEE binary16 */
    ROI_BFLOAT16 = 3 /* the upper half of a float32 */
} roi_dtype;

/* An array of four dimensions. `data` points to element [0, 0, 0, 0]; it is written to only where the array is a
   result. Strides count elements; they may be 0 (a broadcast input) or negative. */
typedef struct roi_array {
    void *data;
    roi_dtype dtype;
    int64_t shape[4];
    int64_t strides[4];
} roi_array;

/* The same for whole numbers. */
typedef struct roi_indices {
    int64_t *data;
    int64_t shape[4];
    int64_t strides[4];
} roi_indices;

/* K boxes. `data` points to rows of `columns` numbers, float32 or float64 whatever the map's type:
   5 columns: batch index, x1, y1, x2, y2; the batch index must be a whole number in [0, N).
   4 columns: x1, y1, x2, y2, and the image is `batch_index[k]`; with `batch_index` NULL it is 0, which is allowed only
   where N is 1. `strides` count elements, from row to row and from column to column. */
typedef struct roi_boxes {
    const void *data;
    roi_dtype dtype;
    int64_t count;
    int64_t columns;
    int64_t strides[2];
    const int64_t *batch_index;
} roi_boxes;

/* ---- RoIAlign -------------------------------------------------------------------------------------------------- */

/* How the samples of a bin become one number. Samples outside the map count as 0 in each mode.
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
    int64_t sampling_ratio; /* samples per bin and axis; 0 or less: ceil(bin side), each axis by itself */
    int32_t aligned;        /* not 0: shift boxes by -0.5, so that pixel centres are where they are (recommended) */
    roi_mode mode;
    const volatile int32_t *cancel; /* NULL, or a flag that is looked at now and then: not 0 stops the work */
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
 * on each axis. A sample is outside (and counts as 0) below -1 or above H (W). Else it is moved to 0 if negative,
 * reads the last row (column) alone from H - 1 (W - 1) on, and is bilinear between. avg divides by the whole grid.
 * This is evaluated in the type computed in, in the order written, so that borders and grids are those of torchvision
 * and ONNX Runtime to the last sample.
 *
 * x2 < x1 is valid: with an adaptive grid the result is 0, with a fixed one the crop is mirrored.
 * The cost grows with the part of the box that lies on the map, never with the box or the grid.
 *
 * `output_ret` has input's dtype; its shape gives K (which must be boxes->count) and the output size.
 */
ROI_API roi_status roi_align(const roi_align_params *params, const roi_array *input, const roi_boxes *boxes,
                             const roi_array *output_ret, roi_error *error_ret);

/*
 * The gradient of roi_align (mode avg) for its input: `grad` [K, C, output height, output width] flows back into
 * `input_grad_ret` [N, C, H, W], which is overwritten, not added to. Both have the same dtype. params->mode must be
 * ROI_AVG. A pixel that several boxes have read receives their shares in an order that depends on the boxes alone.
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

/* canonical_level 2, canonical_scale 224, no levels: set num_levels. */
static inline roi_levels_params roi_levels_defaults(void)
{
    const roi_levels_params params = {sizeof params, 0, 2, 224};
    return params;
}

/*
 * For each box the pyramid level it is pooled from, an index from 0 (finest) to num_levels - 1:
 *
 *     floor(canonical_level + log2(sqrt(width * height) / canonical_scale + 1e-6)), clamped
 *
 * in double precision, from the boxes in image units; a negative side counts as area 0. Batch indices are not looked
 * at. Source: Lin et al., "Feature Pyramid Networks" (2017), equation 1, which calls level 2 here P4.
 * `levels_ret` has boxes->count elements.
 */
ROI_API roi_status roi_assign_levels(const roi_levels_params *params, const roi_boxes *boxes, int64_t *levels_ret,
                                     roi_error *error_ret);

/*
 * roi_align, but each box is pooled from the level that roi_assign_levels gives it. `features` and `spatial_scales`
 * have levels->num_levels elements; params->spatial_scale is not used. All features have the same dtype, N and C.
 * Rows of `output_ret` are in the order of the boxes.
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
 * As roi_align, but nothing is sampled: each bin of `output_ret` [K, C, output height, output width] is the integral of
 * the bilinear surface over the bin, divided by the bin's area. Pixel k of the surface sits at coordinate k (there is no
 * shift by half a pixel); outside the map it falls linearly to 0 at distance 1. A box without area (x2 <= x1 or
 * y2 <= y1) gives 0. Source: Jiang et al., "Acquisition of Localization Confidence" (2018), section 3.3.
 */
ROI_API roi_status roi_prroi_pool(const roi_prroi_params *params, const roi_array *input, const roi_boxes *boxes,
                                  const roi_array *output_ret, roi_error *error_ret);

/*
 * Both gradients of roi_prroi_pool. `grad` [K, C, output height, output width] flows back into `input_grad_ret`, of the
 * shape and dtype of `input`, and into `box_grad_ret`, K rows of x1, y1, x2, y2 in units of 1 / image unit; both are
 * overwritten. Either may be NULL, and is then not computed. The gradient of a box without area is 0. Each box's sum
 * goes through bins and channels in one order, in double, whatever the number of threads.
 */
ROI_API roi_status roi_prroi_pool_backward(const roi_prroi_params *params, const roi_array *grad,
                                           const roi_array *input, const roi_boxes *boxes,
                                           const roi_array *input_grad_ret, double *box_grad_ret, roi_error *error_ret);

/* ---- Resizing -------------------------------------------------------------------------------------------------- */

/* What a pixel of the result reads along each axis. A step is the number of pixels of the input for one of the result:
   input size / output size, or 1 / scale factor, or with align_corners (input size - 1) / (output size - 1). */
typedef enum roi_resize_mode {
    ROI_NEAREST = 0,       /* one pixel, at floor(p * step) */
    ROI_NEAREST_EXACT = 1, /* one pixel, at floor((p + 0.5) * step) */
    ROI_BILINEAR = 2,      /* two, around (p + 0.5) * step - 0.5, or p * step with align_corners */
    ROI_BICUBIC = 3,       /* four, around the same place, by Keys' cubic with a = -0.75 */
    ROI_AREA = 4           /* all from floor(p * size / output) to ceil((p + 1) * size / output), with equal weight:
                              this is adaptive average pooling */
} roi_resize_mode;

typedef struct roi_resize_params {
    size_t size; /* sizeof(roi_resize_params) */
    roi_resize_mode mode;
    int32_t align_corners;          /* not 0: the centres of corner pixels stay in place (bilinear and bicubic alone) */
    int32_t antialias;              /* not 0: see roi_resize (bilinear and bicubic alone) */
    double scale_y, scale_x;        /* scale factors, output over input; 0: the ratio of the sizes */
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_resize_params;

/* nearest, corners not aligned, no antialias, no scale factors, no cancel flag. */
static inline roi_resize_params roi_resize_defaults(void)
{
    const roi_resize_params params = {sizeof params, ROI_NEAREST, 0, 0, 0, 0, NULL};
    return params;
}

/*
 * Resizes each image of `input` [N, C, H, W] to the height and width of `output_ret` [N, C, height, width], which has
 * the same dtype. Places beyond the border read the border. A scale factor changes the step, not the size of the result;
 * align_corners and ROI_AREA do not look at it.
 *
 * With antialias the triangle of bilinear, or the cubic (then with a = -0.5), is made as wide as the step where that is
 * above 1, so that every pixel of the input takes part; its weights are divided by their sum. This is what Pillow does.
 * The filter is about (p + 0.5) * step whatever align_corners says, which then only changes the step.
 *
 * bilinear, and both with antialias, copy a side whose size stays. Positions are rounded to the type computed in, those
 * of the nearest modes to float for every type, as PyTorch's torch.nn.functional.interpolate does, whose definitions
 * these are. An image without rows or columns gives 0.
 */
ROI_API roi_status roi_resize(const roi_resize_params *params, const roi_array *input, const roi_array *output_ret,
                              roi_error *error_ret);

/* The gradient of roi_resize for its input: `grad` [N, C, height, width] flows back into `input_grad_ret` [N, C, H, W],
   which is overwritten. */
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
 * As roi_pool, but of whole images: pixel (p, q) of `output_ret` [N, C, height, width], of input's dtype, is the largest
 * of `input` [N, C, H, W] in bin (p, q), whose bins are those of ROI_AREA. `argmax_ret` (NULL: not wanted) has output's
 * shape and tells its place, y * W + x. NaN wins; among equals the first in the order of rows, then columns, and so the
 * first NaN. An image without rows or columns gives 0, and -1. Source: torch.nn.functional.adaptive_max_pool2d (which of
 * several NaN takes the last for the place).
 */
ROI_API roi_status roi_adaptive_max_pool(const roi_adaptive_params *params, const roi_array *input,
                                         const roi_array *output_ret, const roi_indices *argmax_ret,
                                         roi_error *error_ret);

/* The gradient of roi_adaptive_max_pool: as roi_pool_backward, the row of an error being that of an image. */
ROI_API roi_status roi_adaptive_max_pool_backward(const roi_adaptive_params *params, const roi_array *grad,
                                                  const roi_indices *argmax, const roi_array *input_grad_ret,
                                                  roi_error *error_ret);

/* ---- Sampling at a grid ---------------------------------------------------------------------------------------- */

/* What a place outside the map reads. */
typedef enum roi_padding {
    ROI_PAD_ZEROS = 0,  /* 0 */
    ROI_PAD_BORDER = 1, /* the nearest pixel of the map */
    ROI_PAD_REFLECTION =
        2 /* its mirror image; the mirrors stand at the borders of the map, or with align_corners at the
                              centres of its outermost pixels */
} roi_padding;

typedef struct roi_grid_params {
    size_t size;          /* sizeof(roi_grid_params) */
    roi_resize_mode mode; /* ROI_BILINEAR, ROI_NEAREST or ROI_BICUBIC */
    roi_padding padding;
    int32_t align_corners; /* not 0: -1 and 1 are the centres of the outermost pixels, else the borders of the map */
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_grid_params;

/* bilinear, zeros, corners not aligned, no cancel flag. */
static inline roi_grid_params roi_grid_defaults(void)
{
    const roi_grid_params params = {sizeof params, ROI_BILINEAR, ROI_PAD_ZEROS, 0, NULL};
    return params;
}

/*
 * Reads `input` [N, C, H, W] at the points of `grid` [N, height, width, 2], which are (x, y) from -1 (left, top) to 1
 * (right, bottom), into `output_ret` [N, C, height, width] of input's dtype. The grid may be of any dtype.
 *
 *     pixel = ((g + 1) * size - 1) / 2, or (g + 1) / 2 * (size - 1) with align_corners
 *
 * nearest rounds it, half to even; bilinear and bicubic (a = -0.75) interpolate. Padding holds for the pixel, for
 * bicubic for each of its taps. NaN in the grid counts as -1, and so does infinity under reflection, where it has no
 * image. A map without rows or columns gives 0. Source: torch.nn.functional.grid_sample, whose definition this is (and
 * whose documentation says so of NaN).
 */
ROI_API roi_status roi_grid_sample(const roi_grid_params *params, const roi_array *input, const roi_array *grid,
                                   const roi_array *output_ret, roi_error *error_ret);

typedef struct roi_affine_params {
    size_t size;                    /* sizeof(roi_affine_params) */
    int32_t align_corners;          /* as in roi_grid_params */
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_affine_params;

/* Corners not aligned, no cancel flag. */
static inline roi_affine_params roi_affine_defaults(void)
{
    const roi_affine_params params = {sizeof params, 0, NULL};
    return params;
}

/*
 * Makes grids for roi_grid_sample: point (x, y) of `grid_ret` [N, height, width, 2] is theta (x', y', 1), where (x', y')
 * is the place of the pixel's centre between -1 and 1 and `theta` [N, 2, 3, 1] has a 2 x 3 matrix for each image. Both
 * have the same dtype; it is computed in double. Along a side of one pixel the centre is at 0. Source:
 * torch.nn.functional.affine_grid.
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
 * (image - mean) / std for each element, two roundings as written. All arrays have the shape of `image` [N, C, H, W];
 * what is the same along a dimension has stride 0 there. `mean` and `std` are of the type computed in, and finite, `std`
 * above 0; `output_ret` has image's dtype, and may be `image` itself.
 */
ROI_API roi_status roi_normalize(const roi_normalize_params *params, const roi_array *image, const roi_array *mean,
                                 const roi_array *std, const roi_array *output_ret, roi_error *error_ret);

/* ---- Overlap --------------------------------------------------------------------------------------------------- */

/*
 * In this section and the next, boxes are in no image: rows of exactly x1, y1, x2, y2, without a batch index. Upright
 * boxes whose x2 is below x1, or y2 below y1, are valid, and count as boxes without area.
 *
 * Rotated boxes are rows of exactly cx, cy, w, h, angle: the centre, the sides (0 or more) and an angle in degrees. A
 * point (u, v) of the upright box w x h around the origin goes to
 *
 *     x = cx + u * cos(angle) + v * sin(angle)        y = cy - u * sin(angle) + v * cos(angle)
 *
 * which, with y pointing down as in images, is a counter-clockwise turn as one looks at the image (and with y pointing
 * up a clockwise one). Any finite angle will do; 90 degrees are w and h exchanged, exactly.
 */

typedef enum roi_iou_kind {
    ROI_IOU = 0,  /* intersection over union */
    ROI_GIOU = 1, /* less the share of the smallest box around both that neither covers */
    ROI_DIOU = 2, /* IoU less the squared distance of the centres over the squared diagonal of the box around both */
    ROI_CIOU = 3, /* that less v * v / (1 - iou + v), v = (2 / pi * (atan(w1 / h1) - atan(w2 / h2)))^2 */
    ROI_IOF = 4   /* intersection over the area of the first box; not symmetric */
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
 * The overlap of each of N boxes with each of M: `iou_ret` has shape [1, 1, N, M] and any type. Sources: IoU: Jaccard;
 * generalized: Rezatofighi et al. (2019); distance and complete: Zheng et al. (2020), without their epsilon.
 *
 * What has no area covers nothing: IoU of two boxes without area is 0, and so is any quotient here whose denominator
 * is 0, such as the intersection over the area of a first box without area. A box with an area has IoU exactly 1 with
 * itself, and an intersection over its own area of exactly 1. It is computed in float where both arrays are float32 and their
 * areas suit that type, else in double; either way the result is within a few roundings of the real number, and the
 * same on every CPU tier. Areas beyond the range of double are no exception; an area so small that it is 0 in double
 * is none.
 *
 * A row in `error_ret` counts through both arrays: boxes1->count is the first row of boxes2.
 */
ROI_API roi_status roi_box_iou(const roi_iou_params *params, const roi_boxes *boxes1, const roi_boxes *boxes2,
                               const roi_array *iou_ret, roi_error *error_ret);

/*
 * The same (kind ROI_IOU only) for rotated boxes, computed in double. A box has IoU exactly 1 with itself, also in other
 * words (turned by 180 degrees; by 90 with w and h exchanged); the rest is right to about 1e-15, plus what rounding a
 * corner's coordinates moves: 1e-16 times coordinate over the smaller side. IoU(a, b) is IoU(b, a) to the last bit.
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
    size_t size;            /* sizeof(roi_nms_params) */
    double iou_threshold;   /* in [0, 1] */
    double score_threshold; /* boxes of this score or less are dropped; -infinity: none is, not even one of -infinity */
    int64_t max_output;     /* at most so many are kept, the first; below 0: no limit */
    const volatile int32_t *cancel; /* as in roi_align_params */
    int32_t in_float;               /* not 0: IoU of float boxes is evaluated in float: see roi_nms */
} roi_nms_params;

/* IoU threshold 0.5, no score threshold, no limit, no cancel flag, IoU in double precision. */
static inline roi_nms_params roi_nms_defaults(void)
{
    const roi_nms_params params = {sizeof params, 0.5, -INFINITY, -1, NULL, 0};
    return params;
}

/*
 * Non-maximum suppression: goes through the boxes by descending score (those of equal score in the order given) and keeps
 * each that has an IoU of at most iou_threshold with every box kept before. `classes` has an integer for each box, and
 * only boxes of the same class suppress each other; NULL: all are of one class. A score may be infinite, but not NaN.
 *
 * IoU is intersection / (area 1 + area 2 - intersection), evaluated in double precision whatever the boxes' type, and
 * suppression is strict: an IoU equal to the threshold does not suppress. The result is thus the same on every CPU tier
 * and for every number of threads (which share classes).
 *
 * With in_float, IoU of boxes that are ROI_FLOAT32 is evaluated in that type, every step of it rounded, and then compared
 * with iou_threshold in double precision. That is torchvision's rule, and its boxes are kept to the last one: where an
 * IoU is a short fraction, and so is the threshold, the two rules often differ (2 / 10 in float is above 0.2). Areas
 * beyond the range of float suppress nothing then. Boxes of other types do not ask for it.
 *
 * `kept_ret` has room for boxes->count indices, or max_output, if that is less; they come by descending score, and refer
 * to the boxes as given. Their number is in *count_ret. Time grows as n log n where few boxes overlap, and never faster
 * than comparing each kept box with all others; memory grows as n.
 */
ROI_API roi_status roi_nms(const roi_nms_params *params, const roi_boxes *boxes, const roi_vector *scores,
                           const int64_t *classes, int64_t *kept_ret, int64_t *count_ret, roi_error *error_ret);

/* The same for rotated boxes, in double precision always. */
ROI_API roi_status roi_nms_rotated(const roi_nms_params *params, const roi_boxes *boxes, const roi_vector *scores,
                                   const int64_t *classes, int64_t *kept_ret, int64_t *count_ret, roi_error *error_ret);

/* By what a box's score is multiplied when one that overlaps it by IoU is kept. */
typedef enum roi_soft_method {
    ROI_SOFT_GAUSSIAN = 0, /* exp(-IoU^2 / sigma) */
    ROI_SOFT_LINEAR = 1    /* 1 - IoU where IoU is above iou_threshold, else 1 */
} roi_soft_method;

typedef struct roi_soft_nms_params {
    size_t size; /* sizeof(roi_soft_nms_params) */
    roi_soft_method method;
    double sigma;                   /* finite and above 0 */
    double iou_threshold;           /* in [0, 1] */
    double score_threshold;         /* a box whose score is, or falls to, this or less is dropped */
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_soft_nms_params;

/* Gaussian, sigma 0.5, IoU threshold 0.3, score threshold 0.001, no cancel flag. */
static inline roi_soft_nms_params roi_soft_nms_defaults(void)
{
    const roi_soft_nms_params params = {sizeof params, ROI_SOFT_GAUSSIAN, 0.5, 0.3, 0.001, NULL};
    return params;
}

/*
 * Soft suppression: keeps the box of highest score (the first of equal ones), lowers the scores of those that overlap
 * it, and so on until none is left above the threshold. Source: Bodla et al., "Soft-NMS" (2017).
 * Indices and new scores, computed in double precision, come in the order of keeping, which is by descending new score;
 * both results have room for boxes->count. Scores must be finite. One thread.
 */
ROI_API roi_status roi_soft_nms(const roi_soft_nms_params *params, const roi_boxes *boxes, const roi_vector *scores,
                                int64_t *kept_ret, double *scores_ret, int64_t *count_ret, roi_error *error_ret);

/* ---- Masks ----------------------------------------------------------------------------------------------------- */

/*
 * The smallest box around the elements of each of N masks [N, H, W] that are not 0: x1, y1, x2, y2 in `boxes_ret`
 * [N, 4], the indices of the outermost such columns and rows themselves (not one beyond); 0, 0, 0, 0 for a mask that
 * has none. Strides count elements. H and W are at most 2^24, up to which float has all whole numbers.
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
 * Takes the largest pixel of each bin. Boxes and bins are made of whole pixels:
 *
 *     start = round(corner 1 * spatial_scale), end likewise            half away from zero
 *     size  = end - start + 1, at least 1                              the pixel at `end` belongs to the box
 *     bin   = size / output size
 *     bin p = the pixels from start + floor(p * bin) up to, without it, start + ceil((p + 1) * bin), on the map
 *
 * on each axis, evaluated in the type computed in. Neighbouring bins may share pixels. A bin without a pixel on the map
 * is 0. There is no least value: a bin of nothing but -infinity is -infinity, and a bin with NaN in it is NaN.
 * Source: Girshick, "Fast R-CNN" (2015).
 *
 * `argmax_ret`, NULL or of the shape of `output_ret`, takes where each maximum was found: y * W + x, or -1 for a bin
 * without pixels. Among equals it is the first in the order of rows, then columns; the first NaN, if there is one.
 */
ROI_API roi_status roi_pool(const roi_pool_params *params, const roi_array *input, const roi_boxes *boxes,
                            const roi_array *output_ret, const roi_indices *argmax_ret, roi_error *error_ret);

/*
 * The gradient of roi_pool: each number of `grad` is added where `argmax`, of the same shape, says that its maximum was
 * found, in the image of its box; -1: nowhere. Of the boxes only their image matters, and params->spatial_scale does
 * not (but it is checked). `input_grad_ret` is overwritten, as by roi_align_backward.
 */
ROI_API roi_status roi_pool_backward(const roi_pool_params *params, const roi_array *grad, const roi_indices *argmax,
                                     const roi_boxes *boxes, const roi_array *input_grad_ret, roi_error *error_ret);

/* ---- Position-sensitive pooling -------------------------------------------------------------------------------- */

/*
 * In this section each bin of a crop is pooled from a channel of its own: bin (p, q) of channel c reads
 *
 *     channel (c * output height + p) * output width + q
 *
 * of the map. So the map has output height * output width times as many channels as the crops; that another number comes
 * with output sizes of 0 is not an error, since then there is nothing to pool. Source: Dai et al., "R-FCN" (2016).
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

/* As roi_align, aligned, mode avg, in each bin's own channel. A box whose width or height is 0 gives 0 whatever the
   sampling ratio. Source: Li et al., "Light-Head R-CNN" (2017). */
ROI_API roi_status roi_ps_roi_align(const roi_ps_roi_align_params *params, const roi_array *input,
                                    const roi_boxes *boxes, const roi_array *output_ret, roi_error *error_ret);

/* The gradient of roi_ps_roi_align for its input, as roi_align_backward. */
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
 * The mean of the pixels of each bin, in the bin's own channel. Bins are those of roi_pool, but the pixel at the second
 * corner does not belong to the box: size = end - start, at least 1. They reach up to the last row and column of the map.
 * A bin without a pixel on the map is 0.
 */
ROI_API roi_status roi_ps_roi_pool(const roi_ps_roi_pool_params *params, const roi_array *input, const roi_boxes *boxes,
                                   const roi_array *output_ret, roi_error *error_ret);

/* The gradient of roi_ps_roi_pool for its input, as roi_align_backward. */
ROI_API roi_status roi_ps_roi_pool_backward(const roi_ps_roi_pool_params *params, const roi_array *grad,
                                            const roi_boxes *boxes, const roi_array *input_grad_ret,
                                            roi_error *error_ret);

/* ---- Rotated RoIAlign ------------------------------------------------------------------------------------------ */

/* The largest sampling_ratio of rotated boxes, whose samples are added up one by one. */
enum { ROI_MOST_ROTATED_SAMPLES = 128 };

typedef struct roi_align_rotated_params {
    size_t size; /* sizeof(roi_align_rotated_params) */
    double spatial_scale;
    int64_t sampling_ratio;         /* as in roi_align_params, at most ROI_MOST_ROTATED_SAMPLES */
    int32_t aligned;                /* as in roi_align_params; of rotated boxes it shifts the centre */
    int32_t clockwise;              /* not 0: a positive angle turns clockwise, else counter-clockwise */
    const volatile int32_t *cancel; /* as in roi_align_params */
} roi_align_rotated_params;

/* spatial_scale 1, sampling_ratio -1, aligned, counter-clockwise, no cancel flag. */
static inline roi_align_rotated_params roi_align_rotated_defaults(void)
{
    const roi_align_rotated_params params = {sizeof params, 1, -1, 1, 0, NULL};
    return params;
}

/*
 * As roi_align, mode avg, for boxes that are turned about their centre. Rows of `boxes` are cx, cy, w, h, angle (5
 * columns), or have the batch index before (6); cx, cy, w, h in units of the image, w and h not negative, the angle in
 * degrees as seen on the image, whose y points down. With start = -size / 2, where size = (w or h) * spatial_scale (not
 * aligned: at least 1), and bin, grid and the bin's samples xx, yy as in roi_align, a sample lies at
 *
 *     x = yy * sin(angle) + xx * cos(angle) + cx * spatial_scale - (aligned ? 0.5 : 0)
 *     y = yy * cos(angle) - xx * sin(angle) + cy * spatial_scale - (aligned ? 0.5 : 0)
 *
 * and is read as there. All of this is evaluated in double, whatever the map's type, and multiples of 90 degrees are
 * exact. The cost grows with the part of the box that lies on the map; so does the memory for its weights. A box may
 * reach 2^40 pixels of the map far, beyond which double could not tell its samples apart.
 * Source: Ma et al., "Arbitrary-Oriented Scene Text Detection via Rotation Proposals" (2018); sampled as in Detectron2.
 */
ROI_API roi_status roi_align_rotated(const roi_align_rotated_params *params, const roi_array *input,
                                     const roi_boxes *boxes, const roi_array *output_ret, roi_error *error_ret);

/* The gradient of roi_align_rotated for its input, as roi_align_backward. */
ROI_API roi_status roi_align_rotated_backward(const roi_align_rotated_params *params, const roi_array *grad,
                                              const roi_boxes *boxes, const roi_array *input_grad_ret,
                                              roi_error *error_ret);

/* ---- Threads and processor ------------------------------------------------------------------------------------- */

/* How many threads a call may use: at first what the environment variable OMP_NUM_THREADS says when the library is loaded,
   or else one for each processor that the calling thread may run on and that the CPU quota of its control group (Linux)
   pays for; always 1 where the library was built without threads. Setting it holds for the whole process; below 1 counts as
   1, above ROI_MOST_THREADS as that. */
#define ROI_MOST_THREADS 1024
ROI_API void roi_set_num_threads(int32_t threads);
ROI_API int32_t roi_get_num_threads(void);

/*
 * Threads of the program's own, for programs that keep some: a call made by a thread that has set them asks `run` for help
 * instead of waking the library's threads. It passes a `body` that is to be called with each index in [0, count) once,
 * by any threads, at the same time or one after the other; `run` returns when all of these calls have. The result does not
 * depend on it.
 */
typedef void roi_body(void *work, int32_t index);
typedef void roi_run(void *context, int32_t count, roi_body *body, void *work);

typedef struct roi_threads {
    size_t size;   /* sizeof(roi_threads) */
    int32_t count; /* at most so many calls of `body` are asked for; 1: everything is done by the thread that calls */
    roi_run *run;  /* not NULL where count is above 1 */
    void *context; /* for `run` */
} roi_threads;

/* Sets them for later calls of this thread, whatever roi_set_num_threads says; NULL: the library's own again, as at first.
   Returns what was set before, so that a part of a program can set it again when it has finished. The struct is not
   copied: it has to stay until another is set. One whose size this library does not know counts as NULL. A count below 1,
   or no `run`, counts as 1; a count above ROI_MOST_THREADS as that. */
ROI_API const roi_threads *roi_use_threads(const roi_threads *threads);

/* The kernels are compiled once per tier of processor, and the best that this one runs is chosen when the library is
   loaded. The environment variable ROI_CPU_TIER (baseline, avx2, avx512) lowers the choice. Results of two tiers may
   differ by rounding. */
typedef enum roi_cpu_tier {
    ROI_CPU_BASELINE = 0,
    ROI_CPU_AVX2 = 1,  /* AVX2, FMA and F16C */
    ROI_CPU_AVX512 = 2 /* and AVX-512 F, BW, DQ, VL */
} roi_cpu_tier;

ROI_API roi_cpu_tier roi_get_cpu_tier(void);  /* the one in use */
ROI_API roi_cpu_tier roi_best_cpu_tier(void); /* the best that this processor and this build have */
ROI_API const char *roi_cpu_tier_name(roi_cpu_tier tier);

/* What is wrong with the environment variables that were read when the library was loaded, ROI_CPU_TIER and OMP_NUM_THREADS:
   a line for each that has a value it should not have, its name, its value, the rule and what is done instead; NULL from the
   first index on for which there is none. The library itself writes nothing anywhere. */
ROI_API const char *roi_environment_problem(int32_t index);

#ifdef __cplusplus
}
#endif

#endif /* ROI_H */
