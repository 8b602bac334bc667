/* names.h - the names that templates make: R(name) is name_float where REAL is float. */
#ifndef ROI_NAMES_H
#define ROI_NAMES_H

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define R(name) PASTE(name, REAL)

#endif
