/* internal.h - what the files of the host share. */
#ifndef TCLCMD_HOST_INTERNAL_H
#define TCLCMD_HOST_INTERNAL_H

#include <limits.h>
#include <tcl.h>

#include "host.h"

/* The files of the host are compiled once for each major version of Tcl. Lengths and counts of Tcl 8.6 are int, those of
   Tcl 9 are as long as a pointer; the headers of Tcl 8.6 have no name for the type before 8.6.14. */
#ifndef TCL_SIZE_MAX
typedef int Tcl_Size;
#define TCL_SIZE_MAX INT_MAX
#endif

#if TCL_MAJOR_VERSION == 8
#define HOST_OLDEST_TCL "8.6"
#define Tcl_GetChild Tcl_GetSlave
#else
#define HOST_OLDEST_TCL "9.0"
#endif

/* What differs between the versions beyond names and types (version.c). In Tcl 9, these functions are in no table of stubs;
   the header's macros would look for them in the library of the build. Two return 0 if this Tcl has no such function. */
void host_set_panic(Tcl_PanicProc *on_panic);
int host_add_static_library(const char *name, Tcl_PackageInitProc *init);
int host_put_in_front_of_start(const char *script);

/* The interpreter itself, which has become safe, or a safe child of it; NULL on an error. */
Tcl_Interp *host_safe_interpreter(Tcl_Interp *interp);

/* Whether Tcl makes the elements of the value by functions of its type, as those of a series of numbers. */
int host_is_abstract_list(const Tcl_Obj *value);

/* Is it a tensor whose name nobody has asked for? */
int host_is_unnamed_tensor(const Tcl_Obj *value);

/* Is it a list, a series of numbers, or a dict, that exists as such only, without text? */
int host_is_pure_list(const Tcl_Obj *value);

/* The value itself, unless it is a list without text: then its only element if the list's text is that element's text,
   else NULL, for text in braces, or of several words, is no number, no option and no tensor's name. */
Tcl_Obj *host_word(Tcl_Obj *value);

/* As host_tensor(), for a value that is no list without text. */
int64_t host_tensor_of_word(Tcl_Obj *word);

/* How many calls of commands have begun in this thread. */
extern __thread int64_t host_calls;

/* What a command returns to Tcl that ended so, with the message of a status that has one. */
int host_finish(Tcl_Interp *interp, int status);

/* A function that Tcl's library exports; NULL if it has none of that name. */
void *host_find_in_tcl(const char *function);

/* Has host_on_exit() called at the end of the process. */
void host_watch_exit(void);

/* The status with which the process ends where Tcl cannot go on. */
void host_set_panic_status(int status);

/* Is there stack enough to begin something of which nobody knows how much it takes? */
int host_has_stack(void);

/* These return 0 where the value cannot be read so. */
int host_read_real(Tcl_Obj *value, double *real_ret);
int host_read_integer(Tcl_Obj *value, int64_t *integer_ret);
int host_list(Tcl_Obj *value, Tcl_Size *count_ret, Tcl_Obj ***elements_ret);

/* Remembers the functions that host_introspect() calls; of an interpreter in which no script has run yet. */
void host_note_answers(Tcl_Interp *interp);

/* Remembers Tcl's own `load`, which alone is changed for old scripts; of such an interpreter, too. */
void host_note_load(Tcl_Interp *interp);

/* A command of Tcl's as it was before a function of ours took its place; and what that function asks of a call, or NULL:
   TCL_OK, or TCL_ERROR with a message in the interpreter. */
typedef int host_check(Tcl_Interp *interp, int count, Tcl_Obj *const words[]);
struct host_wrapped {
    Tcl_CmdInfo before;
    host_check *check;
};

/* Has a command call `instead`, whose client data is a struct host_wrapped. Returns 0 if there is no such command. */
int host_wrap(Tcl_Interp *interp, const char *name, Tcl_ObjCmdProc *instead, host_check *check);

/* Calls the command as it was before. */
int host_call_wrapped(const struct host_wrapped *wrapped, Tcl_Interp *interp, int count, Tcl_Obj *const words[]);

/* Does the interpreter, or one that it has made, have a window of Tk's? */
int host_has_window(Tcl_Interp *interp);

/* Serves events until the channel has something to read, or its end; or until no window is left. Returns whether Ctrl-C
   has ended the wait. */
int host_serve_until_input(Tcl_Interp *interp, Tcl_Channel input);

/* Has a new interpreter run Tcl's own start-up script. Returns Tcl's status. */
int host_run_startup_script(Tcl_Interp *interp);

/* The names of an interpreter's children, a list that the caller releases; NULL if it cannot be had. */
Tcl_Obj *host_children(Tcl_Interp *interp);

/* Brackets around an evaluation, during which Ctrl-C cancels it. They do not nest. */
void host_begin_interruptible(Tcl_Interp *interp);
void host_end_interruptible(Tcl_Interp *interp);

#endif
