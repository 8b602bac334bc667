/* test_unload.c - a program may load the library, use several threads, and unload it: no thread runs code that is gone. */
#define _DEFAULT_SOURCE
#include "arrays.h"
#include "check.h"
#include "system.h"

enum { BOXES = 50, CHANNELS = 64, ROUNDS = 20 };

static struct tensor input, output;
static float rows[4 * BOXES];

/* What the program calls, by its name. */
struct library {
    void *handle;
    roi_status (*align)(const roi_align_params *, const roi_array *, const roi_boxes *, const roi_array *, roi_error *);
    void (*set_num_threads)(int32_t);
};

static struct library open_library(void)
{
    struct library library = {.handle = load_library(LIBRARY)};
    check_context("library %s%s%s", LIBRARY, library.handle ? "" : ": ", library.handle ? "" : why_not_loaded());
    if (CHECK(library.handle != NULL)) {
        CHECK(find_function(library.handle, "roi_align", &library.align));
        CHECK(find_function(library.handle, "roi_set_num_threads", &library.set_num_threads));
    }
    return library;
}

static uint64_t compute(const struct library *library)
{
    const roi_align_params params = roi_align_defaults();
    const roi_boxes boxes = plain_boxes(rows, BOXES, 4);
    uint64_t sum = 0xcbf29ce484222325u;
    CHECK(library->align(&params, &input.array, &boxes, &output.array, NULL) == ROI_SUCCESS);
    for (size_t i = 0; i < output.bytes; i++)
        sum = (sum ^ output.block[i]) * 0x100000001b3u;
    return sum;
}

int main(void)
{
    input = make_tensor(ROI_FLOAT32, 1, CHANNELS, 60, 60);
    output = make_tensor(ROI_FLOAT32, BOXES, CHANNELS, 7, 7);
    for (int64_t i = 0; i < tensor_count(&input.array); i++)
        store(ROI_FLOAT32, input.array.data, i, random_real(-1, 1));
    for (int k = 0; k < BOXES; k++)
        for (int i = 0; i < 4; i++)
            rows[4 * k + i] = (float)random_real(0, 30) + (i > 1 ? 30 : 0);
    uint64_t expected = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct library library = open_library();
        if (!library.handle)
            break;
        library.set_num_threads(round % 5 + 1);
        const uint64_t sum = compute(&library);
        expected = round == 0 ? sum : expected;
        CHECK(sum == expected);
        CHECK(unload_library(library.handle));
        wait_a_moment(); /* in which threads that had not ended would run on */
    }
    free_tensor(&input);
    free_tensor(&output);
    return check_result();
}
