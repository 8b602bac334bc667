/*
 * numbers.c - nested lists of numbers
 *
 * Tcl's values have no types: {5} and 5 are the same text, and so are {{1} {2}} and {1 2}. Within a list, a word is
 * therefore read as a number if possible, and otherwise as a list. A second pair of braces makes a difference: {{{5}}}
 * is {{5}}, a list of one list of one number. The whole value is always a list: 5 is a list of one number.
 *
 * The shape is inferred from the first elements, and every other list is then compared with it. The memory for the
 * numbers can therefore be allocated before they are read, and an error names the list that has another length.
 */
#include <math.h>
#include <string.h>

#include "internal.h"

struct reader {
    int rank;
    const int64_t *shape;
    host_number kind;
    void *next; /* the place of the next number */
    host_place *place;
};

static int fail(host_place *place, host_fault fault, int depth, Tcl_Obj *value)
{
    place->fault = fault;
    place->depth = depth;
    place->value = value;
    return 0;
}

static int elements_of(Tcl_Obj *value, Tcl_Size *count_ret, Tcl_Obj ***elements_ret)
{
    return Tcl_ListObjGetElements(NULL, value, count_ret, elements_ret) == TCL_OK;
}

/* Whether a value is a word: a number, or a list of one element that has the same text as the list. */
static int is_word(Tcl_Obj *value)
{
    Tcl_Size count;
    Tcl_Obj **elements;
    double real;
    if (host_is_unnamed_tensor(value))
        return 1; /* not a number, which reading it will report */
    if (host_is_pure_list(value))
        return host_word(value) != NULL;
    if (host_read_real(value, &real) || !elements_of(value, &count, &elements))
        return 1;
    return count == 1 && strcmp(Tcl_GetString(elements[0]), Tcl_GetString(value)) == 0;
}

int host_numbers_shape(struct Tcl_Obj *value, int64_t *shape_ret, host_place *place_ret)
{
    int rank = 0;
    for (; !is_word(value); rank++) {
        Tcl_Size count;
        Tcl_Obj **elements;
        if (rank == HOST_MAX_RANK) {
            fail(place_ret, HOST_TOO_DEEP, 0, value);
            return -1;
        }
        elements_of(value, &count, &elements);
        shape_ret[rank] = count;
        place_ret->index[rank] = 0;
        if (count == 0)
            return rank + 1;
        value = elements[0];
    }
    if (rank == 0)
        shape_ret[rank++] = 1;
    return rank;
}

static int read_real(struct reader *reader, Tcl_Obj *value, int depth)
{
    double *next = reader->next;
    if (!host_read_real(value, next))
        return fail(reader->place, HOST_NOT_A_NUMBER, depth, value);
    reader->next = next + 1;
    return 1;
}

static int read_integer(struct reader *reader, Tcl_Obj *value, int depth)
{
    int64_t *next = reader->next;
    double real;
    reader->next = next + 1;
    if (host_read_integer(value, next))
        return 1;
    if (!host_read_real(value, &real))
        return fail(reader->place, HOST_NOT_A_NUMBER, depth, value);
    if (!(fabs(real) < 9223372036854775808.0)) /* NaN too */
        return fail(reader->place, HOST_OUT_OF_RANGE, depth, value);
    if (real != floor(real))
        return fail(reader->place, HOST_NOT_WHOLE, depth, value);
    *next = (int64_t)real;
    return 1;
}

/* Any number is a truth value, as in Tcl's own conditions. */
static int read_boolean(struct reader *reader, Tcl_Obj *value, int depth)
{
    unsigned char *next = reader->next;
    const int boolean = host_boolean(value);
    reader->next = next + 1;
    if (boolean < 0)
        return fail(reader->place, HOST_NOT_A_NUMBER, depth, value);
    *next = (unsigned char)boolean;
    return 1;
}

static int read_number(struct reader *reader, Tcl_Obj *value, int depth)
{
    switch (reader->kind) {
    case HOST_INTEGER: return read_integer(reader, value, depth);
    case HOST_BOOLEAN: return read_boolean(reader, value, depth);
    case HOST_REAL: break;
    }
    return read_real(reader, value, depth);
}

static int read_nested(struct reader *reader, Tcl_Obj *value, int depth)
{
    Tcl_Size count;
    Tcl_Obj **elements;
    const int is_number = depth == reader->rank || (depth == 0 && is_word(value));
    if (is_number)
        return read_number(reader, value, depth);
    if (!host_list(value, &count, &elements))
        return fail(reader->place, HOST_NOT_A_LIST, depth, value);
    if (count != reader->shape[depth]) {
        reader->place->length = count;
        reader->place->expected = reader->shape[depth];
        return fail(reader->place, HOST_RAGGED, depth, value);
    }
    for (Tcl_Size i = 0; i < count; i++) {
        reader->place->index[depth] = i;
        if (!read_nested(reader, elements[i], depth + 1))
            return 0;
    }
    return 1;
}

int host_numbers(struct Tcl_Obj *value, int rank, const int64_t *shape, host_number kind, void *numbers_ret,
                 host_place *place_ret)
{
    struct reader reader = {rank, shape, kind, numbers_ret, place_ret};
    place_ret->fault = HOST_NO_FAULT;
    return read_nested(&reader, value, 0);
}
