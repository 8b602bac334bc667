/*
 * test_fork.c - after a fork the child computes, and does not wait for threads that it does not have
 *
 * qemu-user cannot run a child that starts threads if its parent had some. With ROI_TEST_QEMU set in the environment, only
 * children of a process with one thread are tried.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arrays.h"
#include "check.h"

enum { BOXES = 100, CHANNELS = 64 };

static struct tensor input, output, grad;
static int emulated;
static float rows[5 * BOXES];

static uint64_t compute(void)
{
    const roi_align_params params = roi_align_defaults();
    const roi_boxes boxes = plain_boxes(rows, BOXES, 5);
    uint64_t sum = 0xcbf29ce484222325u;
    if (roi_align(&params, &input.array, &boxes, &output.array, NULL) != ROI_SUCCESS)
        return 0;
    if (roi_align_backward(&params, &output.array, &boxes, &grad.array, NULL) != ROI_SUCCESS)
        return 0;
    for (size_t i = 0; i < output.bytes; i++)
        sum = (sum ^ output.block[i]) * 0x100000001b3u;
    for (size_t i = 0; i < grad.bytes; i++)
        sum = (sum ^ grad.block[i]) * 0x100000001b3u;
    return sum;
}

/* In the child: compute, ask for more threads, compute. Hanging ends it after a minute. */
static int compute_as_child(uint64_t expected)
{
    alarm(60);
    if (compute() != expected)
        return 1;
    roi_set_num_threads(4);
    return compute() == expected ? 0 : 2;
}

/* The same in a child of the child. */
static int compute_as_grandchild(uint64_t expected)
{
    int status = 0;
    const pid_t pid = fork();
    if (pid == 0)
        _exit(compute_as_child(expected));
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 3;
}

static void test_fork(int32_t threads)
{
    pid_t pids[3];
    roi_set_num_threads(threads);
    const uint64_t expected = compute();
    check_context("%d threads", (int)threads);
    CHECK(expected != 0);
    for (int i = 0; i < 3; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            const int failure = compute_as_child(expected);
            _exit(failure || emulated ? failure : compute_as_grandchild(expected));
        }
        CHECK(pids[i] > 0);
    }
    CHECK(compute() == expected); /* the parent goes on */
    for (int i = 0; i < 3; i++) {
        int status = -1;
        CHECK(waitpid(pids[i], &status, 0) == pids[i]);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    CHECK(compute() == expected);
}

int main(void)
{
    input = make_tensor(ROI_FLOAT32, 1, CHANNELS, 40, 40);
    output = make_tensor(ROI_FLOAT32, BOXES, CHANNELS, 7, 7);
    grad = make_tensor(ROI_FLOAT32, 1, CHANNELS, 40, 40);
    for (int64_t i = 0; i < tensor_count(&input.array); i++)
        store(ROI_FLOAT32, input.array.data, i, random_real(-1, 1));
    for (int k = 0; k < BOXES; k++)
        for (int i = 1; i < 5; i++)
            rows[5 * k + i] = (float)random_real(0, 20) + (i > 2 ? 20 : 0);
    static const int32_t numbers[] = {1, 2, 8};
    emulated = getenv("ROI_TEST_QEMU") != NULL;
    for (int i = 0; i < (emulated ? 1 : 3); i++)
        test_fork(numbers[i]);
    free_tensor(&input);
    free_tensor(&output);
    free_tensor(&grad);
    return check_result();
}
