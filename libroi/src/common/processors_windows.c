/* processors_windows.c - how many processors this process may use: the affinity mask of a process on Windows. */
#include "common/system.h"

#include <windows.h>

#include "common/internal.h"

/* The mask is that of one group of processors, so that at most 64 are counted, although the threads of a process may run on all
   groups from Windows 11 and Server 2022 on. It is 0 if the program has put threads into several groups. */
int roi_available_processors(void)
{
    DWORD_PTR of_process = 0, of_system = 0;
    GetProcessAffinityMask(GetCurrentProcess(), &of_process, &of_system);
    const int masked = __builtin_popcountll(of_process);
    return masked > 0 ? masked : (int)max_i64(1, GetActiveProcessorCount(ALL_PROCESSOR_GROUPS));
}
