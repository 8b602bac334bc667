/* system_windows.c - the environment, and a value for each thread, of Windows. */
#include "common/system.h"

#include <stddef.h>
#include <windows.h>

/* Not by getenv: each C library of a process has its own copy of the environment, made when that library was loaded. */
const char *roi_environment_value(const char *name)
{
    static char value[1 << 15]; /* the most that Windows allows */
    const DWORD length = GetEnvironmentVariableA(name, value, sizeof value);
    return length > 0 && length < sizeof value ? value : NULL;
}

/* Not by __thread, for which GCC uses functions of a threads library that would have to be there, too. */
static DWORD slot = TLS_OUT_OF_INDEXES;

__attribute__((constructor)) static void take_slot(void) { slot = TlsAlloc(); }
__attribute__((destructor)) static void leave_slot(void) { TlsFree(slot); }

const void *roi_thread_value(void) { return TlsGetValue(slot); }

void roi_set_thread_value(const void *value) { TlsSetValue(slot, (void *)(UINT_PTR)value); }
