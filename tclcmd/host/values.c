/*
 * values.c - reading and making Tcl values
 *
 * Two rules apply to all functions of this file.
 *
 * The meaning of a value depends only on its text. Tcl stores the text {1 2} as a string, a list or a dict, and 1 as a
 * string, an integer or a list of one, depending on its last use. A script can neither see nor choose this.
 *
 * The text of a value is nevertheless not requested if that would name a tensor, or cost more than the answer is worth.
 * Tcl makes the text of a list from the texts of its elements. The meaning of a list without text is therefore derived
 * from its elements.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

/* Lists with more levels or more elements are not searched for tensors, and count as containing one. */
enum { MOST_NESTING = 1000, MOST_SEARCHED = 1 << 26 };

/* Texts of at most this number of bytes are made without a check of the available memory. */
enum { SMALL_TEXT = 1 << 16 };

/* An estimate of the bytes of a number in the text of a list. */
enum { NUMBER_TEXT = 26 };

/* The characters that separate the elements of a list. */
#define SPACE " \t\n\r\v\f"

int host_is_pure_list(const Tcl_Obj *value)
{
    static const Tcl_ObjType *list_type = NULL, *dict_type = NULL;
    if (!list_type)
        list_type = Tcl_GetObjType("list");
    if (!dict_type)
        dict_type = Tcl_GetObjType("dict");
    return value->bytes == NULL && value->typePtr &&
           (value->typePtr == list_type || value->typePtr == dict_type || host_is_abstract_list(value));
}

/* The type of arrays of bytes, which Tcl 9 does not register. */
static const Tcl_ObjType *find_bytes_type(void)
{
    Tcl_Obj *sample = Tcl_NewByteArrayObj((const unsigned char *)"", 0);
    const Tcl_ObjType *type = sample->typePtr;
    Tcl_DecrRefCount(sample);
    return type;
}

/* The text of an array of bytes has at most twice its length. */
static int64_t length_of_bytes(Tcl_Obj *value)
{
    static const Tcl_ObjType *bytes_type = NULL;
    Tcl_Size length = 0;
    if (!bytes_type)
        bytes_type = find_bytes_type();
    if (value->bytes == NULL && bytes_type && value->typePtr == bytes_type)
        Tcl_GetByteArrayFromObj(value, &length);
    return 2 * (int64_t)length;
}

/* Adds an estimate of the text's length to *length; returns 0 if making the text would name a tensor. */
static int measure_text(Tcl_Obj *value, int nesting, int *searched, int64_t *length)
{
    Tcl_Size count;
    Tcl_Obj **elements;
    if (host_is_unnamed_tensor(value) || nesting > MOST_NESTING || ++*searched > MOST_SEARCHED)
        return 0;
    *length += value->bytes ? value->length + 3 : NUMBER_TEXT;
    if (!host_is_pure_list(value)) {
        *length += length_of_bytes(value);
        return 1;
    }
    Tcl_ListObjGetElements(NULL, value, &count, &elements);
    for (Tcl_Size i = 0; i < count; i++)
        if (!measure_text(elements[i], nesting + 1, searched, length))
            return 0;
    return 1;
}

int host_has_room(int64_t bytes)
{
    /* Tcl ends the process if it gets no memory. The system's refusal is therefore provoked here first. */
    void *memory = bytes <= SMALL_TEXT ? NULL : malloc((size_t)bytes);
    const int has_room = bytes <= SMALL_TEXT || memory != NULL;
    free(memory);
    return has_room;
}

const char *host_text(struct Tcl_Obj *value, int64_t *length_ret)
{
    int searched = 0;
    int64_t length = 0;
    Tcl_Size made = 0;
    if (value->bytes == NULL) {
        *length_ret = 0;
        if (!measure_text(value, 0, &searched, &length))
            return NULL;
        if (length > TCL_SIZE_MAX || !host_has_room(length)) {
            *length_ret = -1;
            return NULL;
        }
    }
    const char *text = Tcl_GetStringFromObj(value, &made);
    *length_ret = made;
    return text;
}

/* A list of the first elements, and of their first elements, whose text has the same beginning as that of the whole. */
static Tcl_Obj *beginning(Tcl_Obj *value, int nesting, int *budget)
{
    Tcl_Size count;
    Tcl_Obj **elements;
    if (!host_is_pure_list(value) || nesting > MOST_NESTING)
        return value;
    Tcl_ListObjGetElements(NULL, value, &count, &elements);
    Tcl_Obj *list = Tcl_NewListObj(0, NULL);
    for (Tcl_Size i = 0; *budget > 0 && i < count; i++) {
        --*budget;
        Tcl_ListObjAppendElement(NULL, list, beginning(elements[i], nesting + 1, budget));
    }
    return list;
}

struct Tcl_Obj *host_beginning(struct Tcl_Obj *value, int elements) { return beginning(value, 0, &elements); }

const char *host_name(struct Tcl_Obj *value) { return Tcl_GetString(value); }

static int is_same_text(Tcl_Obj *one, Tcl_Obj *other)
{
    Tcl_Size length, other_length;
    const char *text = Tcl_GetStringFromObj(one, &length), *other_text = Tcl_GetStringFromObj(other, &other_length);
    return length == other_length && memcmp(text, other_text, (size_t)length) == 0;
}

Tcl_Obj *host_word(Tcl_Obj *value)
{
    Tcl_Obj *list = NULL, **elements;
    Tcl_Size count;
    while (host_is_pure_list(value)) {
        Tcl_ListObjGetElements(NULL, value, &count, &elements);
        if (count != 1)
            return NULL;
        list = value;
        value = elements[0];
    }
    if (!list || host_is_unnamed_tensor(value))
        return value;
    /* In the text of a list most words are unchanged, and the others, such as { 5 }, are in braces. */
    return is_same_text(list, value) ? value : NULL;
}

/* ---- Numbers --------------------------------------------------------------------------------------------------- */

/* Tcl parses NaN, also with its bits in parentheses, but does not return it. */
static int is_nan(const char *text)
{
    text += strspn(text, SPACE);
    text += *text == '-' || *text == '+';
    if (strncasecmp(text, "nan", 3) != 0)
        return 0;
    text += 3;
    if (*text == '(') {
        const size_t digits = strspn(text + 1, "0123456789abcdefABCDEF");
        if (text[digits + 1] != ')')
            return 0;
        text += digits + 2;
    }
    return text[strspn(text, SPACE)] == '\0';
}

/* If a script sets tcl_precision, the text of a number may have fewer digits than the number; the text then counts.
   This check takes longer than reading a number, so it is made once in a call of a command. */
static int is_text_exact(void)
{
    static __thread int64_t asked_in = -1;
    static __thread int is_exact;
    if (asked_in != host_calls) {
        char third[TCL_DOUBLE_SPACE];
        Tcl_PrintDouble(NULL, 1.0 / 3, third);
        is_exact = strlen(third) >= sizeof "0.3333333333333333" - 1;
        asked_in = host_calls;
    }
    return is_exact;
}

static int read_double(Tcl_Obj *value, double *real_ret)
{
    static const Tcl_ObjType *double_type = NULL;
    if (!double_type)
        double_type = Tcl_GetObjType("double");
    if (double_type && value->typePtr == double_type && !is_text_exact())
        return Tcl_GetDouble(NULL, Tcl_GetString(value), real_ret) == TCL_OK;
    return Tcl_GetDoubleFromObj(NULL, value, real_ret) == TCL_OK;
}

int host_read_real(Tcl_Obj *value, double *real_ret)
{
    value = host_word(value);
    if (!value || host_is_unnamed_tensor(value))
        return 0;
    if (read_double(value, real_ret))
        return 1;
    *real_ret = (double)NAN;
    return is_nan(Tcl_GetString(value));
}

int host_read_integer(Tcl_Obj *value, int64_t *integer_ret)
{
    Tcl_WideInt wide;
    double real;
    value = host_word(value);
    if (!value || host_is_unnamed_tensor(value) || Tcl_GetWideIntFromObj(NULL, value, &wide) != TCL_OK)
        return 0;
    /* Tcl 8.6 returns 2^63 to 2^64 - 1 as negative numbers, so the sign is compared. */
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
    value = host_word(value);
    if (!value || host_is_unnamed_tensor(value) || Tcl_GetBooleanFromObj(NULL, value, &boolean) != TCL_OK)
        return -1;
    return boolean != 0;
}

/* ---- Options --------------------------------------------------------------------------------------------------- */

static int is_number_word(const char *text)
{
    return strcasecmp(text, "inf") == 0 || strcasecmp(text, "infinity") == 0 || is_nan(text);
}

const char *host_option(struct Tcl_Obj *value)
{
    value = host_word(value);
    if (!value || host_is_unnamed_tensor(value))
        return NULL;
    const char *text = Tcl_GetString(value);
    const int is_letter = (text[0] == '-') &&
                          ((text[1] >= 'a' && text[1] <= 'z') || (text[1] >= 'A' && text[1] <= 'Z'));
    /* A text with a space is a list or a sentence that happens to begin with a dash. */
    return is_letter && !strpbrk(text, SPACE) && !is_number_word(text + 1) ? text : NULL;
}

/* ---- Tensors --------------------------------------------------------------------------------------------------- */

int64_t host_tensor(struct Tcl_Obj *value)
{
    Tcl_Obj *word = host_word(value);
    return word ? host_tensor_of_word(word) : -1;
}

/* ---- Lists ----------------------------------------------------------------------------------------------------- */

int host_list(Tcl_Obj *value, Tcl_Size *count_ret, Tcl_Obj ***elements_ret)
{
    return !host_is_unnamed_tensor(value) && Tcl_ListObjGetElements(NULL, value, count_ret, elements_ret) == TCL_OK;
}

int64_t host_length(struct Tcl_Obj *value)
{
    Tcl_Size count;
    Tcl_Obj **elements;
    return host_list(value, &count, &elements) ? count : -1;
}

struct Tcl_Obj *const *host_elements(struct Tcl_Obj *value)
{
    Tcl_Size count;
    Tcl_Obj **elements;
    return host_list(value, &count, &elements) ? elements : NULL;
}

int host_integers(struct Tcl_Obj *value, int64_t *integers_ret)
{
    Tcl_Size count;
    Tcl_Obj **elements;
    if (!host_list(value, &count, &elements))
        return 0;
    for (Tcl_Size i = 0; i < count; i++)
        if (!host_read_integer(elements[i], &integers_ret[i]))
            return 0;
    return 1;
}

/* ---- Making values --------------------------------------------------------------------------------------------- */

/* Tcl appends a NUL to a text. The limit of a list is on its bytes, with its header: an unsigned int in Tcl 8.6. */
int64_t host_longest_text(void) { return TCL_SIZE_MAX - 1; }
int64_t host_longest_list(void)
{
    const int64_t bytes = TCL_MAJOR_VERSION == 8 ? UINT32_MAX : TCL_SIZE_MAX;
    return bytes / (int64_t)sizeof(Tcl_Obj *) - 16;
}

struct Tcl_Obj *host_new_text(const char *text, int64_t length)
{
    return host_has_room(length) ? Tcl_NewStringObj(text, (Tcl_Size)length) : NULL;
}

struct Tcl_Obj *host_new_integer(int64_t number) { return Tcl_NewWideIntObj(number); }
struct Tcl_Obj *host_new_real(double number) { return Tcl_NewDoubleObj(number); }
struct Tcl_Obj *host_new_list(void) { return Tcl_NewListObj(0, NULL); }
void host_append(struct Tcl_Obj *list, struct Tcl_Obj *element) { Tcl_ListObjAppendElement(NULL, list, element); }

/* Nested lists that are made from an array of numbers: reals or integers, whichever is not NULL. */
struct maker {
    int rank;
    const int64_t *shape;
    const double *reals;
    const int64_t *integers;
    int64_t next;
    Tcl_Obj **elements; /* room for the elements of one list of each depth */
};

static Tcl_Obj *make_number(struct maker *maker)
{
    const int64_t i = maker->next++;
    return maker->reals ? Tcl_NewDoubleObj(maker->reals[i]) : Tcl_NewWideIntObj(maker->integers[i]);
}

static Tcl_Obj *make_nested(struct maker *maker, int depth, Tcl_Obj **elements)
{
    if (depth == maker->rank)
        return make_number(maker);
    const Tcl_Size count = (Tcl_Size)maker->shape[depth];
    for (Tcl_Size i = 0; i < count; i++)
        elements[i] = make_nested(maker, depth + 1, elements + count);
    return Tcl_NewListObj(count, elements);
}

struct Tcl_Obj *host_new_nested(int rank, const int64_t *shape, const double *reals, const int64_t *integers)
{
    int64_t most = 1;
    for (int axis = 0; axis < rank; axis++)
        most += shape[axis];
    Tcl_Obj **elements = malloc((size_t)most * sizeof(Tcl_Obj *));
    if (!elements)
        return NULL;
    struct maker maker = {rank, shape, reals, integers, 0, elements};
    Tcl_Obj *made = make_nested(&maker, 0, elements);
    free(elements);
    return made;
}

void host_keep(struct Tcl_Obj *value) { Tcl_IncrRefCount(value); }
void host_drop(struct Tcl_Obj *value) { Tcl_DecrRefCount(value); }
