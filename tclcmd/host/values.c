/*
 * values.c - reading and making Tcl values
 *
 * One rule runs through this file: never ask for the text of a value where that would name a tensor. Tcl makes the
 * text of a list from the texts of its elements, so a list of tensors is handled with the same care as a tensor.
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

enum { MAX_NESTING = HOST_MAX_RANK };

int host_is_pure_list(const Tcl_Obj *value)
{
    static const Tcl_ObjType *list_type = NULL;
    if (!list_type)
        list_type = Tcl_GetObjType("list");
    return value->bytes == NULL && value->typePtr == list_type;
}

static int is_pure_dict(const Tcl_Obj *value)
{
    static const Tcl_ObjType *dict_type = NULL;
    if (!dict_type)
        dict_type = Tcl_GetObjType("dict");
    return value->bytes == NULL && value->typePtr == dict_type;
}

static int would_name_a_tensor(Tcl_Obj *value, int nesting)
{
    int count;
    Tcl_Obj **elements;
    if (host_is_unnamed_tensor(value) || nesting > MAX_NESTING)
        return 1;
    if (!host_is_pure_list(value) && !is_pure_dict(value))
        return 0;
    Tcl_ListObjGetElements(NULL, value, &count, &elements);
    for (int i = 0; i < count; i++)
        if (would_name_a_tensor(elements[i], nesting + 1))
            return 1;
    return 0;
}

const char *host_text(struct Tcl_Obj *value, int *length_ret)
{
    return would_name_a_tensor(value, 0) ? NULL : Tcl_GetStringFromObj(value, length_ret);
}

const char *host_name(struct Tcl_Obj *value) { return Tcl_GetString(value); }

static int is_number_word(const char *text)
{
    return strcasecmp(text, "inf") == 0 || strcasecmp(text, "infinity") == 0 || strcasecmp(text, "nan") == 0;
}

const char *host_option(struct Tcl_Obj *value)
{
    /* A list is a value even if its text would begin with a dash; and a long one has a text that costs. */
    if (host_is_unnamed_tensor(value) || host_is_pure_list(value) || is_pure_dict(value))
        return NULL;
    const char *text = Tcl_GetString(value);
    const int is_letter = (text[0] == '-') && ((text[1] >= 'a' && text[1] <= 'z') || (text[1] >= 'A' && text[1] <= 'Z'));
    return is_letter && !is_number_word(text + 1) ? text : NULL;
}

int host_read_real(Tcl_Obj *value, double *real_ret)
{
    if (would_name_a_tensor(value, 0))
        return 0;
    if (Tcl_GetDoubleFromObj(NULL, value, real_ret) == TCL_OK)
        return 1;
    /* Tcl parses NaN but does not hand it out. */
    const char *text = Tcl_GetString(value);
    text += *text == '-' || *text == '+';
    if (strcasecmp(text, "nan") != 0)
        return 0;
    *real_ret = (double)NAN;
    return 1;
}

int host_read_integer(Tcl_Obj *value, int64_t *integer_ret)
{
    Tcl_WideInt wide;
    double real;
    if (would_name_a_tensor(value, 0) || Tcl_GetWideIntFromObj(NULL, value, &wide) != TCL_OK)
        return 0;
    /* Tcl 8.6 hands out 2^63 to 2^64 - 1 as negative numbers: the sign tells. */
    if (Tcl_GetDoubleFromObj(NULL, value, &real) != TCL_OK || (real < 0) != (wide < 0))
        return 0;
    *integer_ret = wide;
    return 1;
}

double host_real(struct Tcl_Obj *value)
{
    double real;
    return host_read_real(value, &real) ? real : (double)NAN;
}

int host_is_real(struct Tcl_Obj *value)
{
    double real;
    return host_read_real(value, &real);
}

int64_t host_integer(struct Tcl_Obj *value)
{
    int64_t integer;
    return host_read_integer(value, &integer) ? integer : INT64_MIN;
}

int host_is_integer(struct Tcl_Obj *value)
{
    int64_t integer;
    return host_read_integer(value, &integer);
}

int host_boolean(struct Tcl_Obj *value)
{
    int boolean;
    if (would_name_a_tensor(value, 0) || Tcl_GetBooleanFromObj(NULL, value, &boolean) != TCL_OK)
        return -1;
    return boolean != 0;
}

int host_list(Tcl_Obj *value, int *count_ret, Tcl_Obj ***elements_ret)
{
    return !host_is_unnamed_tensor(value) && Tcl_ListObjGetElements(NULL, value, count_ret, elements_ret) == TCL_OK;
}

int host_length(struct Tcl_Obj *value)
{
    int count;
    Tcl_Obj **elements;
    return host_list(value, &count, &elements) ? count : -1;
}

struct Tcl_Obj *const *host_elements(struct Tcl_Obj *value)
{
    int count;
    Tcl_Obj **elements;
    return host_list(value, &count, &elements) ? elements : NULL;
}

int host_integers(struct Tcl_Obj *value, int64_t *integers_ret)
{
    int count;
    Tcl_Obj **elements;
    if (!host_list(value, &count, &elements))
        return 0;
    for (int i = 0; i < count; i++)
        if (!host_read_integer(elements[i], &integers_ret[i]))
            return 0;
    return 1;
}

/* ---- Making values --------------------------------------------------------------------------------------------- */

struct Tcl_Obj *host_new_text(const char *text, int length) { return Tcl_NewStringObj(text, length); }
struct Tcl_Obj *host_new_integer(int64_t number) { return Tcl_NewWideIntObj(number); }
struct Tcl_Obj *host_new_real(double number) { return Tcl_NewDoubleObj(number); }
struct Tcl_Obj *host_new_list(void) { return Tcl_NewListObj(0, NULL); }
void host_append(struct Tcl_Obj *list, struct Tcl_Obj *element) { Tcl_ListObjAppendElement(NULL, list, element); }

struct Tcl_Obj *host_new_reals(const double *numbers, int64_t count)
{
    Tcl_Obj *list = Tcl_NewListObj(0, NULL);
    for (int64_t i = 0; i < count; i++)
        Tcl_ListObjAppendElement(NULL, list, Tcl_NewDoubleObj(numbers[i]));
    return list;
}

struct Tcl_Obj *host_new_integers(const int64_t *numbers, int64_t count)
{
    Tcl_Obj *list = Tcl_NewListObj(0, NULL);
    for (int64_t i = 0; i < count; i++)
        Tcl_ListObjAppendElement(NULL, list, Tcl_NewWideIntObj(numbers[i]));
    return list;
}

void host_keep(struct Tcl_Obj *value) { Tcl_IncrRefCount(value); }
void host_drop(struct Tcl_Obj *value) { Tcl_DecrRefCount(value); }
