/*
 * check.h - what a test program needs
 *
 * CHECK(condition) counts and reports a condition that does not hold, and goes on. A program ends with
 * `return check_result();`. The function that holds the last check is named, and what check_context says.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdarg.h>
#include <stdio.h>

static int check_failures, check_count;
static char check_where[256];

#define CHECK(condition) check_that((condition) != 0, #condition, __FILE__, __LINE__)

/* What is being tried, for the reports that follow; printf's arguments. */
static inline void check_context(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(check_where, sizeof check_where, format, arguments);
    va_end(arguments);
}

static inline int check_that(int holds, const char *condition, const char *file, int line)
{
    check_count++;
    if (holds)
        return 1;
    if (++check_failures <= 50)
        fprintf(stderr, "%s:%d: not so: %s%s%s\n", file, line, condition, check_where[0] ? " with " : "", check_where);
    return 0;
}

static inline int check_result(void)
{
    printf("%d checks, %d failed\n", check_count, check_failures);
    return check_failures || !check_count;
}

#endif
