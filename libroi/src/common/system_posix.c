/* system_posix.c - the environment, and a value for each thread, of POSIX. */
#include "common/system.h"

#include <stdlib.h>

const char *roi_environment_value(const char *name) { return getenv(name); }

static __thread const void *value_of_thread;

const void *roi_thread_value(void) { return value_of_thread; }

void roi_set_thread_value(const void *value) { value_of_thread = value; }
