/* processors_posix.c - how many processors this process may use: all that are online, on systems other than Linux. */
#define _DARWIN_C_SOURCE /* for _SC_NPROCESSORS_ONLN on macOS, */
#define __BSD_VISIBLE 1  /* on FreeBSD, */
#define _NETBSD_SOURCE   /* and on NetBSD */
#include "common/system.h"

#include <unistd.h>

#include "common/internal.h"

int roi_available_processors(void) { return (int)max_i64(1, sysconf(_SC_NPROCESSORS_ONLN)); }
