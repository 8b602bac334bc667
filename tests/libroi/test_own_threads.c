/* test_own_threads.c - calls whose work is done by threads of the program: the same bits, and none of the library's. */
#define _DEFAULT_SOURCE
#include <stdlib.h>
#include <string.h>

#include "arrays.h"
#include "check.h"
#include "system.h"

enum { MOST = 8, BOXES = 64, CHANNELS = 320 };

struct seen {
    int asked;       /* times that `run` was called */
    int32_t most;    /* the largest count it was called with */
    int calls[MOST]; /* of each index */
    uintptr_t callers[MOST];
};

struct share {
    roi_body *body;
    void *work;
    int32_t index;
    struct seen *seen;
};

static void start(void *share_of_a_thread)
{
    struct share *share = share_of_a_thread;
    share->seen->calls[share->index]++;
    share->seen->callers[share->index] = thread_number();
    share->body(share->work, share->index);
}

/* A thread for each index. */
static void run_at_once(void *context, int32_t count, roi_body *body, void *work)
{
    struct seen *seen = context;
    struct share shares[MOST];
    struct thread threads[MOST];
    seen->asked++;
    seen->most = count > seen->most ? count : seen->most;
    CHECK(count > 1 && count <= MOST);
    for (int32_t i = 0; i < count; i++) {
        shares[i] = (struct share){body, work, i, seen};
        CHECK(start_thread(&threads[i], start, &shares[i]));
    }
    for (int32_t i = 0; i < count; i++)
        CHECK(join_thread(&threads[i]));
}

/* One index after the other, the last first. */
static void run_in_turn(void *context, int32_t count, roi_body *body, void *work)
{
    struct seen *seen = context;
    seen->asked++;
    for (int32_t i = count; i-- > 0;)
        start(&(struct share){body, work, i, seen});
}

static float rows[5 * BOXES];

static void compute(struct tensor *input, struct tensor *crops, struct tensor *grads)
{
    const roi_boxes boxes = plain_boxes(rows, BOXES, 5);
    const roi_align_params params = roi_align_defaults();
    CHECK(roi_align(&params, &input->array, &boxes, &crops->array, NULL) == ROI_SUCCESS);
    CHECK(roi_align_backward(&params, &crops->array, &boxes, &grads->array, NULL) == ROI_SUCCESS);
}

/* With these threads, against what the thread that calls computes alone. */
static struct seen try(int32_t count, roi_run *run, struct tensor *input, const struct tensor *expected)
{
    struct seen seen = {0};
    struct tensor crops = make_tensor(ROI_FLOAT32, BOXES, CHANNELS, 7, 7);
    struct tensor grads = make_tensor(ROI_FLOAT32, 2, CHANNELS, 40, 36);
    const roi_threads threads = {sizeof threads, count, run, &seen};
    roi_use_threads(&threads);
    compute(input, &crops, &grads);
    roi_use_threads(NULL);
    check_context("%d threads", (int)count);
    CHECK(memcmp(crops.block, expected[0].block, crops.bytes) == 0);
    CHECK(memcmp(grads.block, expected[1].block, grads.bytes) == 0);
    free_tensor(&crops);
    free_tensor(&grads);
    return seen;
}

static void end_at_once(void *nothing) { (void)nothing; }

static void test_bits(void)
{
    struct thread thread;
    CHECK(start_thread(&thread, end_at_once, NULL) && join_thread(&thread));
    const int before = count_threads();
    struct tensor input = make_tensor(ROI_FLOAT32, 2, CHANNELS, 40, 36);
    struct tensor expected[2] = {make_tensor(ROI_FLOAT32, BOXES, CHANNELS, 7, 7),
                                 make_tensor(ROI_FLOAT32, 2, CHANNELS, 40, 36)};
    for (int64_t i = 0; i < tensor_count(&input.array); i++)
        store(ROI_FLOAT32, input.array.data, i, random_real(-1, 1));
    for (int k = 0; k < BOXES; k++) {
        rows[5 * k] = (float)random_int(0, 1);
        for (int i = 1; i < 5; i++)
            rows[5 * k + i] = (float)random_real(i < 3 ? -5 : 25, i < 3 ? 10 : 45);
    }
    roi_set_num_threads(1);
    compute(&input, &expected[0], &expected[1]);
    roi_set_num_threads(4);
    CHECK(try(1, run_at_once, &input, expected).asked == 0);
    CHECK(try(0, NULL, &input, expected).asked == 0);
    CHECK(try(MOST, NULL, &input, expected).asked == 0);
    for (int32_t count = 2; count <= MOST; count++) {
        const struct seen at_once = try(count, run_at_once, &input, expected);
        CHECK(at_once.asked >= 2 && at_once.most == count);
        for (int32_t i = 0; i < count; i++) {
            CHECK(at_once.calls[i] == at_once.asked);
            CHECK(at_once.callers[i] != thread_number());
        }
        CHECK(try(count, run_in_turn, &input, expected).asked == at_once.asked);
    }
    CHECK(count_threads() <= before); /* the library has started none */
    free_tensor(&input);
    free_tensor(&expected[0]);
    free_tensor(&expected[1]);
}

/* A struct of a size that the library does not know is none. */
static void test_size(void)
{
    struct seen seen = {0};
    const roi_threads threads = {sizeof threads + 8, 4, run_at_once, &seen};
    struct tensor input = make_tensor(ROI_FLOAT32, 2, CHANNELS, 40, 36);
    struct tensor crops = make_tensor(ROI_FLOAT32, BOXES, CHANNELS, 7, 7);
    struct tensor grads = make_tensor(ROI_FLOAT32, 2, CHANNELS, 40, 36);
    roi_use_threads(&threads);
    compute(&input, &crops, &grads);
    roi_use_threads(NULL);
    CHECK(seen.asked == 0);
    free_tensor(&input);
    free_tensor(&crops);
    free_tensor(&grads);
}

/* A caller that sets threads for a while can restore the earlier ones. */
static void test_what_was_set(void)
{
    const roi_threads one = {sizeof one, 1, NULL, NULL}, other = {sizeof other, 1, NULL, NULL};
    const roi_threads unknown = {sizeof unknown + 8, 1, NULL, NULL};
    CHECK(roi_use_threads(&one) == NULL);
    CHECK(roi_use_threads(&other) == &one);
    CHECK(roi_use_threads(&unknown) == &other);
    CHECK(roi_use_threads(NULL) == NULL);
}

int main(void)
{
    test_bits();
    test_what_was_set();
    test_size();
    return check_result();
}
