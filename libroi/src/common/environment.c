/* environment.c - environment variables that have a value they should not. Written while the library is loaded, by one
   thread, and only read from then on. */
#include <stdio.h>

#include "common/internal.h"

enum { MOST_NOTES = 2, NOTE_BYTES = 256 };

static char notes[MOST_NOTES][NOTE_BYTES];
static int count;

void roi_note_environment(const char *name, const char *value, const char *rule)
{
    if (count < MOST_NOTES)
        snprintf(notes[count++], NOTE_BYTES, "%s=%.60s: %s", name, value, rule);
}

const char *roi_environment_problem(int32_t index) { return index >= 0 && index < count ? notes[index] : NULL; }
