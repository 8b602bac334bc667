/*
 * stack.c - how much of the C stack is left
 *
 * A command may cause a script to run (its output may go through a channel that a script transforms), the script may
 * call a command, and so on. Tcl limits its own levels, but each round trip through Python needs far more of the C
 * stack than a level of Tcl, and an overflow of the stack ends the process.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>

#include "internal.h"

/* The need of a command that computes, draws or reads a picture. Of a small stack, a quarter is reserved. */
enum { RESERVE = 512 * 1024 };

static __thread char *lowest = NULL; /* the end of the stack, which grows downwards */
static __thread size_t size = 0;     /* 0: not determined yet; 1: unknown */

static void find_stack(void)
{
    size = 1;
#ifdef __APPLE__
    size = pthread_get_stacksize_np(pthread_self());
    lowest = (char *)pthread_get_stackaddr_np(pthread_self()) - size;
#else
    pthread_attr_t attributes;
    void *address;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return;
    if (pthread_attr_getstack(&attributes, &address, &size) == 0)
        lowest = address;
    else
        size = 1;
    pthread_attr_destroy(&attributes);
#endif
}

int host_has_stack(void)
{
    char here;
    if (size == 0)
        find_stack();
    /* The stack of a coroutine in C is unknown. */
    if (size == 1 || &here < lowest || &here >= lowest + size)
        return 1;
    return (size_t)(&here - lowest) >= (size / 4 < RESERVE ? size / 4 : RESERVE);
}
