/*
 * tensor.c - tensors as Tcl values
 *
 * A tensor value holds two numbers, its session's and its own. Tcl counts references to the value, and Python's store
 * counts values per tensor. The text "tensor7" is made only on request, and the store is notified, because a name that
 * the script has seen may come back as text, from a string or an array key, after the value has been freed.
 *
 * When Tcl converts the value to another type, such as a list, it has made the text before, so that the tensor is kept
 * for its name. The functions below therefore need not distinguish a conversion from the end of the value.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static void release(Tcl_Obj *value);
static void duplicate(Tcl_Obj *from, Tcl_Obj *to);
static void make_text(Tcl_Obj *value);

static const char prefix[] = "tensor";

/* There is no setFromAnyProc: a text is looked up each time, so that a name always denotes the store's current tensor.
   */
static const Tcl_ObjType tensor_type = {
    .name = "tensor", .freeIntRepProc = release, .dupIntRepProc = duplicate, .updateStringProc = make_text};

static int session_of(const Tcl_Obj *value) { return (int)(intptr_t)value->internalRep.twoPtrValue.ptr1; }
static int64_t number_of(const Tcl_Obj *value) { return (int64_t)(intptr_t)value->internalRep.twoPtrValue.ptr2; }

static void release(Tcl_Obj *value) { host_on_release(session_of(value), number_of(value)); }

static void duplicate(Tcl_Obj *from, Tcl_Obj *to)
{
    to->internalRep = from->internalRep;
    to->typePtr = from->typePtr;
    host_on_retain(session_of(from), number_of(from));
}

static void make_text(Tcl_Obj *value)
{
    char name[sizeof prefix + 20];
    const int length = snprintf(name, sizeof name, "%s%lld", prefix, (long long)number_of(value));
    value->bytes = Tcl_Alloc((unsigned)length + 1);
    memcpy(value->bytes, name, (size_t)length + 1);
    value->length = length;
    host_on_named(session_of(value), number_of(value));
}

struct Tcl_Obj *host_new_tensor(int session, int64_t number)
{
    Tcl_Obj *value = Tcl_NewObj();
    Tcl_InvalidateStringRep(value);
    value->internalRep.twoPtrValue.ptr1 = (void *)(intptr_t)session;
    value->internalRep.twoPtrValue.ptr2 = (void *)(intptr_t)number;
    value->typePtr = &tensor_type;
    return value;
}

int host_is_unnamed_tensor(const Tcl_Obj *value) { return value->typePtr == &tensor_type && value->bytes == NULL; }

/* Only a text that make_text() can write is a name: without a sign, a leading zero, or further characters. */
static int64_t number_in_name(const char *text)
{
    const char *digits = text + sizeof prefix - 1;
    char *end;
    if (strncmp(text, prefix, sizeof prefix - 1) != 0 || *digits < '0' || *digits > '9')
        return -1;
    if ((*digits == '0' && digits[1] != '\0') || strlen(digits) > 18)
        return -1;
    const long long number = strtoll(digits, &end, 10);
    return *end == '\0' ? number : -1;
}

int64_t host_tensor_of_word(Tcl_Obj *word)
{
    return word->typePtr == &tensor_type ? number_of(word) : number_in_name(Tcl_GetString(word));
}
