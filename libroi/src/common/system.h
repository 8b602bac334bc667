/* system.h - what differs between operating systems: system_posix.c or system_windows.c, processors_*.c. */
#ifndef ROI_SYSTEM_H
#define ROI_SYSTEM_H

/* The value of an environment variable, valid until the next call; NULL: not set. Called while the library is loaded. */
const char *roi_environment_value(const char *name);

/* A pointer of the calling thread; NULL until it is set. */
const void *roi_thread_value(void);
void roi_set_thread_value(const void *value);

/* The processors that a call may use; at least 1. */
int roi_available_processors(void);

#endif
