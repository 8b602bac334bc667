/* system.h - what differs between operating systems: system_posix.c or system_windows.c, processors_*.c. */
#ifndef ROI_SYSTEM_H
#define ROI_SYSTEM_H

/* The value of an environment variable, valid until the next call; NULL: not set. Called while the library is loaded. */
const char *roi_environment_value(const char *name);

/* A pointer of the calling thread; NULL until it is set. */
const void *roi_thread_value(void);
void roi_set_thread_value(const void *value);

/* Processors that the calling thread may run on, by its affinity mask, but no more than the CPU quota of the process's control
   group allows (rounded up); at least 1. The mask is read again in each call, the quota once. */
int roi_available_processors(void);

#endif
