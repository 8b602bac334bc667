/* processors.h - how many processors this process may use. */
#ifndef ROI_PROCESSORS_H
#define ROI_PROCESSORS_H

/* Those that the calling thread may run on, by its affinity mask, but no more than the CPU quota of the process's control
   group allows (rounded up); at least 1. The mask is read again in each call, the quota once. */
int roi_available_processors(void);

#endif
