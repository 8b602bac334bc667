/* test_threads.c - the same bits for every number of threads, and calls from several threads at once. */
#define _DEFAULT_SOURCE
#include "arrays.h"
#include "check.h"
#include "system.h"

enum { BOXES = 60, CHANNELS = 128, CALLERS = 8 };

/* A call of its own for each caller: other numbers, other sizes. */
struct work {
    int seed;
    float rows[5 * BOXES];
    struct tensor input, crops, grads;
    uint64_t expected;
    int wrong;
};

static uint64_t hash(uint64_t sum, const struct tensor *tensor)
{
    for (size_t i = 0; i < tensor->bytes; i++)
        sum = (sum ^ tensor->block[i]) * 0x100000001b3u;
    return sum;
}

static void begin(struct work *work, int seed, roi_dtype dtype)
{
    work->seed = seed;
    work->wrong = 0;
    work->input = make_tensor(dtype, 2, CHANNELS + seed, 30, 20 + seed);
    work->crops = make_tensor(dtype, BOXES, CHANNELS + seed, 5, 3);
    work->grads = make_tensor(dtype, 2, CHANNELS + seed, 30, 20 + seed);
    for (int64_t i = 0; i < tensor_count(&work->input.array); i++)
        store(dtype, work->input.array.data, i, random_real(-1, 1));
    for (int k = 0; k < BOXES; k++) {
        work->rows[5 * k] = (float)random_int(0, 1);
        for (int i = 1; i < 5; i++)
            work->rows[5 * k + i] = (float)random_real(-5, 35);
    }
}

static void end(struct work *work)
{
    free_tensor(&work->input);
    free_tensor(&work->crops);
    free_tensor(&work->grads);
}

/* All modes forward, and backward. */
static uint64_t compute(struct work *work)
{
    const roi_boxes boxes = plain_boxes(work->rows, BOXES, 5);
    roi_align_params params = roi_align_defaults();
    uint64_t sum = 0xcbf29ce484222325u;
    params.sampling_ratio = work->seed % 3;
    for (int mode = ROI_MAX_CORNER; mode >= ROI_AVG; mode--) {
        params.mode = (roi_mode)mode;
        if (roi_align(&params, &work->input.array, &boxes, &work->crops.array, NULL) != ROI_SUCCESS)
            work->wrong++;
        sum = hash(sum, &work->crops);
    }
    if (roi_align_backward(&params, &work->crops.array, &boxes, &work->grads.array, NULL) != ROI_SUCCESS)
        work->wrong++;
    return hash(sum, &work->grads);
}

static void test_same_bits(roi_dtype dtype)
{
    static const int32_t numbers[] = {1, 2, 3, 8, 64, 8};
    static struct work work;
    begin(&work, 3, dtype);
    roi_set_num_threads(1);
    work.expected = compute(&work);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        roi_set_num_threads(numbers[i]);
        check_context("dtype %d, %d threads", (int)dtype, (int)numbers[i]);
        CHECK(compute(&work) == work.expected);
    }
    CHECK(!work.wrong);
    end(&work);
}

/* Where the system tells how many there are. */
static void test_threads_are_started(void)
{
    static struct work work;
    const int before = count_threads();
    begin(&work, 3, ROI_FLOAT32);
    roi_set_num_threads(4);
    check_context("threads that are started");
    for (int i = 0; i < 100 && count_threads() <= before; i++)
        compute(&work);
    CHECK(before == 0 || ROI_SERIAL || count_threads() > before);
    end(&work);
}

static void call_many_times(void *argument)
{
    struct work *work = argument;
    float rows[10] = {0, 1, 1, 3, 3, 0, 1, 1, 3, 3};
    const roi_align_params params = roi_align_defaults();
    const roi_boxes boxes = plain_boxes(rows, 2, 5);
    roi_error error;
    rows[5] = (float)(-1 - work->seed);
    for (int i = 0; i < 40; i++) {
        if (compute(work) != work->expected)
            work->wrong++;
        roi_array output = work->crops.array;
        output.shape[0] = 2;
        if (roi_align(&params, &work->input.array, &boxes, &output, &error) != ROI_ERROR_BATCH_INDEX ||
            error.row != 1 || error.value != (double)(-1 - work->seed)) /* the error of this caller, not another's */
            work->wrong++;
        roi_set_num_threads(1 + i % 4);
    }
}

static void test_callers_at_once(void)
{
    static struct work works[CALLERS];
    struct thread threads[CALLERS];
    roi_set_num_threads(2);
    for (int i = 0; i < CALLERS; i++) {
        begin(&works[i], i, i % 2 ? ROI_FLOAT32 : ROI_FLOAT64);
        works[i].expected = compute(&works[i]);
    }
    for (int i = 0; i < CALLERS; i++)
        CHECK(start_thread(&threads[i], call_many_times, &works[i]));
    for (int i = 0; i < CALLERS; i++) {
        CHECK(join_thread(&threads[i]));
        check_context("caller %d", i);
        CHECK(!works[i].wrong);
        end(&works[i]);
    }
}

/* A flag that another thread sets stops a call that would take long. */
static volatile int32_t cancel_flag;

static void set_flag(void *argument)
{
    (void)argument;
    cancel_flag = 1;
}

static void test_cancel_from_another_thread(void)
{
    struct tensor input = make_tensor(ROI_FLOAT32, 1, 64, 100, 100), output = make_tensor(ROI_FLOAT32, 400, 64, 7, 7);
    static float rows[5 * 400];
    struct thread thread;
    roi_align_params params = roi_align_defaults();
    memset(input.block, 0, input.bytes);
    for (int k = 0; k < 400; k++)
        rows[5 * k + 3] = rows[5 * k + 4] = 99;
    const roi_boxes boxes = plain_boxes(rows, 400, 5);
    params.cancel = &cancel_flag;
    check_context("cancel from another thread");
    CHECK(start_thread(&thread, set_flag, NULL));
    roi_status status = ROI_SUCCESS;
    for (int i = 0; i < 10000 && status == ROI_SUCCESS; i++)
        status = roi_align(&params, &input.array, &boxes, &output.array, NULL);
    CHECK(status == ROI_CANCELLED);
    CHECK(join_thread(&thread));
    free_tensor(&input);
    free_tensor(&output);
}

int main(void)
{
    test_threads_are_started();
    test_same_bits(ROI_FLOAT32);
    test_same_bits(ROI_FLOAT64);
    test_same_bits(ROI_FLOAT16);
    test_same_bits(ROI_BFLOAT16);
    test_callers_at_once();
    test_cancel_from_another_thread();
    return check_result();
}
