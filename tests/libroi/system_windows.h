/* system_windows.h - system.h on Windows. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <windows.h>

#include <tlhelp32.h>

/* ---- Threads --------------------------------------------------------------------------------------------------- */

struct thread {
    HANDLE handle;
    thread_body *body;
    void *argument;
};

static inline DWORD WINAPI run_thread(void *of_thread)
{
    const struct thread *thread = of_thread;
    thread->body(thread->argument);
    return 0;
}

/* Whether it could be started. The struct stays where it is until join_thread. */
static inline int start_thread(struct thread *thread, thread_body *body, void *argument)
{
    thread->body = body;
    thread->argument = argument;
    thread->handle = CreateThread(NULL, 0, run_thread, thread, 0, NULL);
    return thread->handle != NULL;
}

static inline int join_thread(const struct thread *thread)
{
    return WaitForSingleObject(thread->handle, INFINITE) == WAIT_OBJECT_0 && CloseHandle(thread->handle);
}

/* A number that no other running thread has. */
static inline uintptr_t thread_number(void) { return GetCurrentThreadId(); }

/* Of this process. */
static inline int count_threads(void)
{
    int count = 0;
    THREADENTRY32 entry = {.dwSize = sizeof entry};
    HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    for (BOOL more = Thread32First(all, &entry); more; more = Thread32Next(all, &entry))
        count += entry.th32OwnerProcessID == GetCurrentProcessId();
    CloseHandle(all);
    return count;
}

static inline void wait_a_moment(void) { Sleep(2); }

/* ---- Pages ----------------------------------------------------------------------------------------------------- */

static inline size_t page_bytes(void)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info.dwPageSize;
}

static inline void *reserve_pages(struct guarded *guarded, size_t length)
{
    guarded->length = length;
    guarded->map = VirtualAlloc(NULL, length, MEM_RESERVE, PAGE_NOACCESS);
    if (!guarded->map)
        abort();
    return guarded->map;
}

static inline void allow_pages(void *start, size_t length)
{
    if (length > 0 && !VirtualAlloc(start, length, MEM_COMMIT, PAGE_READWRITE))
        abort();
}

static inline void unguard(const struct guarded *guarded) { VirtualFree(guarded->map, 0, MEM_RELEASE); }

/* ---- Libraries ------------------------------------------------------------------------------------------------- */

/* NULL where it fails. */
static inline void *load_library(const char *path) { return LoadLibraryA(path); }

/* Why load_library has just failed. */
static inline const char *why_not_loaded(void)
{
    static char reason[32];
    snprintf(reason, sizeof reason, "error %lu", (unsigned long)GetLastError());
    return reason;
}

static inline int unload_library(void *library) { return FreeLibrary(library); }

/* Whether it is there. */
static inline int find_function(void *library, const char *name, void *function_ret)
{
    FARPROC symbol = GetProcAddress(library, name);
    memcpy(function_ret, &symbol, sizeof symbol);
    return symbol != NULL;
}
