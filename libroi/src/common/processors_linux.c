/* processors_linux.c - how many processors this process may use: affinity, and the CPU quotas of Linux's control groups. */
#define _GNU_SOURCE /* for sched_getaffinity */
#include "common/system.h"

#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/internal.h"

enum { PATH_BYTES = 1024, LINE_BYTES = 2048, MOST_PROCESSORS = 1 << 16 };

/* ---- Affinity -------------------------------------------------------------------------------------------------- */

/* The number of processors in the affinity mask; 0: unknown. The system refuses a mask that is too small for the machine. */
static int in_mask(void)
{
    for (int size = CPU_SETSIZE; size <= MOST_PROCESSORS; size *= 4) {
        cpu_set_t *set = CPU_ALLOC((size_t)size);
        const size_t bytes = CPU_ALLOC_SIZE((size_t)size);
        const int count = set && sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
        if (set)
            CPU_FREE(set);
        if (count > 0)
            return count;
    }
    return 0;
}

/* ---- Quotas ---------------------------------------------------------------------------------------------------- */

/* Reads the first line of a file; returns false if there is none. */
static bool read_line(const char *path, char line[LINE_BYTES])
{
    FILE *file = fopen(path, "re");
    const bool read = file && fgets(line, LINE_BYTES, file);
    if (file)
        fclose(file);
    return read;
}

/* Version 2 has quota and period in one file ("max" is no quota), version 1 in two (-1 is no quota). */
static double quota_in(const char *folder, bool second)
{
    char path[PATH_BYTES + 32], line[LINE_BYTES];
    double quota = 0, period = 0;
    snprintf(path, sizeof path, "%s/%s", folder, second ? "cpu.max" : "cpu.cfs_quota_us");
    if (!read_line(path, line) || sscanf(line, "%lf %lf", &quota, &period) < (second ? 2 : 1))
        return INFINITY;
    if (!second) {
        snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
        if (!read_line(path, line) || sscanf(line, "%lf", &period) < 1)
            return INFINITY;
    }
    return quota > 0 && period > 0 ? quota / period : INFINITY;
}

/* The smallest quota of a group and its ancestors. In a container, where the group can lie outside of the visible hierarchy,
   the root counts as the group. */
static double least_quota(const char *root, const char *group, bool second)
{
    char folder[PATH_BYTES];
    const size_t shortest = strlen(root);
    double least = INFINITY;
    const int length = snprintf(folder, sizeof folder, "%s%s", root, group);
    if (length < 0 || (size_t)length >= sizeof folder)
        return INFINITY;
    for (;;) {
        least = fmin(least, quota_in(folder, second));
        char *end = strrchr(folder, '/');
        if (!end || end < folder + shortest)
            return least;
        *end = '\0';
    }
}

/* Whether a list of controllers, "cpu,cpuacct", has one of this name. */
static bool has_controller(const char *list, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

/* A line of /proc/self/cgroup is NUMBER:CONTROLLERS:GROUP; that of version 2 has number 0 and no controllers. */
static double quota_of_line(char *line)
{
    char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL,
         folder[PATH_BYTES];
    if (!group)
        return INFINITY;
    *controllers++ = *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (strcmp(group, "/") == 0)
        group = "";
    if (controllers[0] == '\0')
        return fmin(least_quota("/sys/fs/cgroup", group, true), least_quota("/sys/fs/cgroup/unified", group, true));
    if (!has_controller(controllers, "cpu") || snprintf(folder, sizeof folder, "/sys/fs/cgroup/%s", controllers) < 0)
        return INFINITY;
    return fmin(least_quota(folder, group, false), least_quota("/sys/fs/cgroup/cpu", group, false));
}

/* In processors; infinite where there is none. */
static double find_quota(void)
{
    char line[LINE_BYTES];
    double least = INFINITY;
    FILE *groups = fopen("/proc/self/cgroup", "re");
    while (groups && fgets(line, sizeof line, groups))
        least = fmin(least, quota_of_line(line));
    if (groups)
        fclose(groups);
    return least;
}

/* Several threads may read it at once: they get the same value. */
static int in_quota(void)
{
    static int known = 0;
    int quota = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (quota == 0) {
        const double found = ceil(find_quota());
        quota = found < MOST_PROCESSORS ? (int)found : MOST_PROCESSORS;
        __atomic_store_n(&known, quota, __ATOMIC_RELAXED);
    }
    return quota;
}

/* Those of the calling thread's affinity mask, but no more than the CPU quota of the process's control group allows
   (rounded up). The mask is read again in each call, the quota once. */
int roi_available_processors(void)
{
    const int masked = in_mask(), quota = in_quota();
    const long online = masked > 0 ? masked : sysconf(_SC_NPROCESSORS_ONLN);
    return (int)max_i64(1, min_i64(online, quota));
}
