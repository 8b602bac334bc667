/* system_posix.h - system.h on POSIX. A test defines _DEFAULT_SOURCE first, for anonymous memory. */
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* ---- Threads --------------------------------------------------------------------------------------------------- */

struct thread {
    pthread_t handle;
    thread_body *body;
    void *argument;
};

static inline void *run_thread(void *of_thread)
{
    const struct thread *thread = of_thread;
    thread->body(thread->argument);
    return NULL;
}

/* Whether it could be started. The struct stays where it is until join_thread. */
static inline int start_thread(struct thread *thread, thread_body *body, void *argument)
{
    thread->body = body;
    thread->argument = argument;
    return pthread_create(&thread->handle, NULL, run_thread, thread) == 0;
}

static inline int join_thread(const struct thread *thread) { return pthread_join(thread->handle, NULL) == 0; }

/* A number that no other running thread has. */
static inline uintptr_t thread_number(void) { return (uintptr_t)pthread_self(); }

/* Of this process, with those of an emulator that runs it; 0 where the system does not tell. */
static inline int count_threads(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/task");
    for (const struct dirent *entry; folder && (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    if (folder)
        closedir(folder);
    return count;
}

static inline void wait_a_moment(void)
{
    const struct timespec moment = {0, 2000000};
    nanosleep(&moment, NULL);
}

/* ---- Pages ----------------------------------------------------------------------------------------------------- */

static inline size_t page_bytes(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static inline void *reserve_pages(struct guarded *guarded, size_t length)
{
    guarded->length = length;
    guarded->map = mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guarded->map == MAP_FAILED)
        abort();
    return guarded->map;
}

static inline void allow_pages(void *start, size_t length)
{
    if (mprotect(start, length, PROT_READ | PROT_WRITE))
        abort();
}

static inline void unguard(const struct guarded *guarded) { munmap(guarded->map, guarded->length); }

/* ---- Libraries ------------------------------------------------------------------------------------------------- */

/* NULL where it fails. */
static inline void *load_library(const char *path) { return dlopen(path, RTLD_NOW | RTLD_LOCAL); }

/* Why load_library has just failed. */
static inline const char *why_not_loaded(void)
{
    const char *reason = dlerror();
    return reason ? reason : "no reason";
}

static inline int unload_library(void *library) { return dlclose(library) == 0; }

/* Whether it is there. As POSIX wants it: there is no conversion from a pointer to data to one to a function. */
static inline int find_function(void *library, const char *name, void *function_ret)
{
    void *symbol = dlsym(library, name);
    memcpy(function_ret, &symbol, sizeof symbol);
    return symbol != NULL;
}
