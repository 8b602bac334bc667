/*
 * interrupt.c - Ctrl-C during an evaluation
 *
 * While Tcl runs, this file handles SIGINT. The handler sets a flag, which long-running operators poll, and the
 * evaluation is cancelled in such a way that a script cannot `catch` the cancellation. At all other times, Python
 * handles SIGINT.
 *
 * A signal handler may call only a few functions; Tcl_AsyncMark() and Tcl_CancelEval() take locks that the interrupted
 * code may hold. The handler therefore only writes to a pipe. A thread reads from the pipe and calls Tcl_CancelEval(),
 * which may be called from any thread. By the time that this thread wakes up, the evaluation may have ended and another
 * one, which the user did not mean, may have begun. The handler therefore writes the number of the evaluation.
 *
 * Some calls cannot be cancelled (a `gets stdin` that waits for a line, a running array function). If a script
 * continues for longer than PATIENCE_MS, the thread ends the process; with a prompt, only a second Ctrl-C ends it.
 *
 * After a fork the child process does not have the thread, and shares the pipe with the parent. It creates its own, so
 * that a Ctrl-C in the child cancels the child's evaluation and not the parent's.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "internal.h"

enum { PATIENCE_MS = 1000, LOOK_EVERY_MS = 10, INTERRUPTED_STATUS = 128 + SIGINT };

static volatile int32_t interrupted = 0;
static volatile int at_prompt = 0;
static int hesitation_ms = 0;
static int wake[2] = {-1, -1}; /* the pipe from the handler to the thread */
static struct sigaction before;

/* The interpreter that evaluates and the number of its evaluation; NULL and 0 between evaluations. The handler reads
   the number. */
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static Tcl_Interp *evaluating = NULL;
static volatile sig_atomic_t current = 0;
static sig_atomic_t last = 0;
static int cancelled = 0; /* whether the current evaluation has been cancelled */

int32_t *host_interrupt_flag(void) { return (int32_t *)&interrupted; }
void host_set_at_prompt(int is_prompt) { at_prompt = is_prompt; }
void host_set_hesitation(int milliseconds) { hesitation_ms = milliseconds; }

static void on_signal(int signal_number)
{
    const int saved = errno;
    const sig_atomic_t pressed = current;
    (void)signal_number;
    interrupted = 1;
    if (write(wake[1], &pressed, sizeof pressed) < 0) { /* a write of so few bytes is atomic */
        /* The pipe is full, so that the thread will wake up in any case. */
    }
    errno = saved;
}

static void set_evaluating(Tcl_Interp *interp)
{
    pthread_mutex_lock(&guard);
    evaluating = interp;
    if (interp) {
        last = last < SIG_ATOMIC_MAX ? last + 1 : 1;
        cancelled = 0;
    }
    current = interp ? last : 0;
    pthread_mutex_unlock(&guard);
}

/* Cancels an evaluation; returns 0 if it has ended. */
static int cancel(sig_atomic_t evaluation)
{
    pthread_mutex_lock(&guard);
    const int goes_on = evaluating && current == evaluation;
    cancelled |= goes_on;
    if (goes_on)
        Tcl_CancelEval(evaluating, NULL, NULL, TCL_CANCEL_UNWIND);
    pthread_mutex_unlock(&guard);
    return goes_on;
}

static int goes_on(sig_atomic_t evaluation)
{
    pthread_mutex_lock(&guard);
    const int same = evaluating && current == evaluation;
    pthread_mutex_unlock(&guard);
    return same;
}

static int outlasts_patience(sig_atomic_t evaluation)
{
    for (int waited = 0; waited < PATIENCE_MS && goes_on(evaluation); waited += LOOK_EVERY_MS)
        poll(NULL, 0, LOOK_EVERY_MS);
    return goes_on(evaluation);
}

/* Waits for Ctrl-C, and returns the number of the evaluation during which it was pressed. */
static sig_atomic_t wait_for_press(void)
{
    sig_atomic_t evaluation;
    while (read(wake[0], &evaluation, sizeof evaluation) != sizeof evaluation) {}
    return evaluation;
}

/* Discards repeated presses, so that they do not count as a second Ctrl-C. */
static void forget_presses(void)
{
    struct pollfd readable = {.fd = wake[0], .events = POLLIN};
    while (poll(&readable, 1, 0) > 0)
        wait_for_press();
}

static void *cancel_when_woken(void *unused)
{
    sig_atomic_t deaf = 0; /* an evaluation that was cancelled and did not stop */
    (void)unused;
    for (;;) {
        const sig_atomic_t evaluation = wait_for_press();
        if (hesitation_ms)
            poll(NULL, 0, hesitation_ms);
        if (!cancel(evaluation))
            continue;
        if (evaluation == deaf)
            _exit(INTERRUPTED_STATUS);
        if (!outlasts_patience(evaluation))
            continue;
        if (!at_prompt)
            _exit(INTERRUPTED_STATUS);
        forget_presses();
        deaf = evaluation;
    }
    return NULL;
}

/* The thread blocks all signals, because SIGINT must end a blocking call of the main thread. */
static void make_thread(void)
{
    pthread_t thread;
    sigset_t all, saved;
    if (pipe(wake) != 0) {
        wake[0] = wake[1] = -1;
        return;
    }
    for (int end = 0; end < 2; end++)
        fcntl(wake[end], F_SETFD, FD_CLOEXEC);
    fcntl(wake[1], F_SETFL, O_NONBLOCK);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &saved);
    if (pthread_create(&thread, NULL, cancel_when_woken, NULL) == 0)
        pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
}

/* During a fork SIGINT is blocked, because the handler would write to the parent's pipe until the child has its own.
   The thread cancels no evaluation meanwhile, because a lock of Tcl that it holds would never be released in the child.
   */
static sigset_t mask_before_fork;

static void before_fork(void)
{
    sigset_t interrupt, saved;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupt, &saved);
    pthread_mutex_lock(&guard);
    mask_before_fork = saved;
}

static void in_parent(void)
{
    const sigset_t saved = mask_before_fork;
    pthread_mutex_unlock(&guard);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
}

static void in_child(void)
{
    const sig_atomic_t evaluation = current;
    for (int end = 0; end < 2; end++)
        if (wake[end] >= 0)
            close(wake[end]);
    make_thread();
    /* A press before the fork is meant for both processes; the parent's pipe has only the parent's copy. */
    if (interrupted && wake[1] >= 0 && write(wake[1], &evaluation, sizeof evaluation) < 0) {
        /* An empty pipe has room. */
    }
    in_parent();
}

static void start(void)
{
    make_thread();
    pthread_atfork(before_fork, in_parent, in_child);
}

void host_begin_interruptible(Tcl_Interp *interp)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct sigaction ours = {.sa_handler = on_signal}; /* no SA_RESTART, so that a blocking call ends */
    pthread_once(&once, start);
    interrupted = 0;
    set_evaluating(interp);
    sigaction(SIGINT, NULL, &before);
    if (before.sa_handler != SIG_IGN) /* a background job ignores SIGINT */
        sigaction(SIGINT, &ours, NULL);
}

/* Tcl resets a cancellation when the substitution of a bracketed command returns to the outermost level. There is no
   public function for this, so an empty one is substituted. */
static void forget_cancellation(Tcl_Interp *interp)
{
    Tcl_InterpState state = Tcl_SaveInterpState(interp, TCL_OK);
    Tcl_Parse parse;
    if (Tcl_ParseCommand(interp, "[]", 2, 0, &parse) == TCL_OK) {
        Tcl_EvalTokensStandard(interp, parse.tokenPtr + 1, 1); /* the token inside the word */
        Tcl_FreeParse(&parse);
    }
    Tcl_RestoreInterpState(interp, state);
}

/* Tcl cancels all descendants of an interpreter as well. They would stay cancelled until they next evaluate a script.
   */
static void forget_everywhere(Tcl_Interp *interp)
{
    Tcl_Size count = 0;
    Tcl_Obj **names = NULL, *children = host_children(interp);
    if (children)
        Tcl_ListObjGetElements(NULL, children, &count, &names);
    for (Tcl_Size i = 0; i < count; i++) {
        Tcl_Interp *child = Tcl_GetChild(interp, Tcl_GetString(names[i]));
        if (child)
            forget_everywhere(child);
    }
    if (children)
        Tcl_DecrRefCount(children);
    if (Tcl_Canceled(interp, 0) != TCL_OK)
        forget_cancellation(interp);
}

void host_end_interruptible(Tcl_Interp *interp)
{
    sigaction(SIGINT, &before, NULL);
    set_evaluating(NULL);
    /* A late Ctrl-C must not cancel the next evaluation. */
    if (Tcl_AsyncReady())
        Tcl_AsyncInvoke(interp, TCL_OK);
    if (cancelled)
        forget_everywhere(interp);
}
