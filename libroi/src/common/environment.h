/* environment.h - environment variables that have a value they should not: noted when the library is loaded, for
   roi_environment_problem to tell. */
#ifndef ROI_ENVIRONMENT_H
#define ROI_ENVIRONMENT_H

/* Notes that NAME=value is not what was expected, and what is done instead. */
void roi_note_environment(const char *name, const char *value, const char *rule);

#endif
