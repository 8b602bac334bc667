/*
 * threads_windows.c - threads of the pool that Windows keeps for each process
 *
 * They start when they are first wanted, and sleep in between. None of them is in code of this library when a call has
 * returned, so that nothing has to be stopped when a program ends or unloads the library: DllMain, which would have to do
 * that, may not wait for threads. roi_run_on_threads waits for calls that have begun and takes back the others.
 */
#include "common/threads.h"

#include <windows.h>

/* Threads that work together. */
struct team {
    roi_thread_body *body;
    void *context;
    int joined; /* counted atomically; the one that calls is number 0 */
};

static VOID CALLBACK take_part(PTP_CALLBACK_INSTANCE instance, PVOID of_team, PTP_WORK work)
{
    struct team *team = of_team;
    team->body(team->context, __atomic_fetch_add(&team->joined, 1, __ATOMIC_RELAXED), NULL);
}

void roi_run_on_threads(int count, roi_thread_body *body, void *context)
{
    struct team team = {body, context, 1};
    PTP_WORK work = CreateThreadpoolWork(take_part, &team, NULL);
    for (int i = 1; i < count && work; i++)
        SubmitThreadpoolWork(work);
    body(context, 0, NULL);
    if (work) {
        WaitForThreadpoolWorkCallbacks(work, TRUE);
        CloseThreadpoolWork(work);
    }
}

/* Windows counts the processor time of a thread by ticks of 15 ms, in which a call may begin and end. */
bool roi_threads_rest(void) { return false; }
