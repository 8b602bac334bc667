/*
 * threads.c - the number of threads, and a call on threads of the program; what depends on the machine goes to stderr
 *
 *     the library has 1 thread
 *     the program has run the call
 */
#include <roi.h>
#include <stdio.h>

/* Calls the bodies one after the other. A thread pool would call them in parallel. */
static void run(void *context, int32_t count, roi_body *body, void *work)
{
    *(int *)context = 1;
    for (int32_t index = 0; index < count; index++)
        body(work, index);
}

static float map[64 * 100 * 100], crops[300 * 64 * 49], rows[300 * 4];

int main(void)
{
    for (int32_t i = 0; roi_environment_problem(i); i++)
        fprintf(stderr, "%s\n", roi_environment_problem(i));
    fprintf(stderr, "kernels for %s, of up to %s\n", roi_cpu_tier_name(roi_get_cpu_tier()),
            roi_cpu_tier_name(roi_best_cpu_tier()));
    roi_set_num_threads(1);
    printf("the library has %d thread\n", (int)roi_get_num_threads());

    for (int k = 0; k < 300; k++)
        rows[4 * k + 2] = rows[4 * k + 3] = 90;
    const roi_array input = {map, ROI_FLOAT32, {1, 64, 100, 100}, {640000, 10000, 100, 1}};
    const roi_array output = {crops, ROI_FLOAT32, {300, 64, 7, 7}, {64 * 49, 49, 7, 1}};
    const roi_boxes boxes = {rows, ROI_FLOAT32, 300, 4, {4, 1}, NULL};
    const roi_align_params params = roi_align_defaults();
    int has_run = 0;
    const roi_threads threads = {sizeof threads, 3, run, &has_run};
    const roi_threads *before = roi_use_threads(&threads);
    const roi_status status = roi_align(&params, &input, &boxes, &output, NULL);
    roi_use_threads(before);
    puts(status == ROI_SUCCESS && has_run ? "the program has run the call" : "the library has run the call");
    return status != ROI_SUCCESS;
}
