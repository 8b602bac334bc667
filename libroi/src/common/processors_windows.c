/* processors_windows.c - how many processors this process may use: the affinity mask of a process on Windows. */
#include "common/system.h"

#include <windows.h>

#include "common/internal.h"

/* The mask is that of a group of at most 64 processors, in which Windows also starts the threads of a process; it is 0 if
   the program has put threads into other groups. */
int roi_available_processors(void)
{
    DWORD_PTR of_process = 0, of_system = 0;
    GetProcessAffinityMask(GetCurrentProcess(), &of_process, &of_system);
    const int masked = __builtin_popcountll(of_process);
    return masked > 0 ? masked : (int)max_i64(1, GetActiveProcessorCount(ALL_PROCESSOR_GROUPS));
}
