/* internal.h - what the files of the host share. */
#ifndef TCLCMD_HOST_INTERNAL_H
#define TCLCMD_HOST_INTERNAL_H

#include <limits.h>
#include <tcl.h>

#include "host.h"

/* The files of the host are compiled once for each major version of Tcl. Lengths and counts are int in Tcl 8.6, and as
   wide as a pointer in Tcl 9. The headers of Tcl 8.6 have a name for the type only since 8.6.14. */
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

/* Functions that differ between the versions by more than names and types (version.c). In Tcl 9, their counterparts are
   in no table of stubs, and the header's macros would link to the library of the build. The functions that return an
   int return 0 if this Tcl has no counterpart. */
void host_set_panic(Tcl_PanicProc *on_panic);
int host_add_static_library(const char *name, Tcl_PackageInitProc *init);
int host_put_in_front_of_start(const char *script);

/* Makes the interpreter safe and returns it, or returns a safe child of it; NULL on an error. */
Tcl_Interp *host_safe_interpreter(Tcl_Interp *interp);

/* Whether Tcl makes the elements of the value by functions of its type, as those of a series of numbers. */
int host_is_abstract_list(const Tcl_Obj *value);

/* Whether a value is a tensor whose name has not been requested. */
int host_is_unnamed_tensor(const Tcl_Obj *value);

/* Whether a value is a list, a series of numbers, or a dict, without a text. */
int host_is_pure_list(const Tcl_Obj *value);

/* The value itself, unless it is a list without text. For such a list, the only element if the list's text would be
   that element's text, and otherwise NULL: a text in braces, or of several words, is neither a number nor an option nor
   the name of a tensor. */
Tcl_Obj *host_word(Tcl_Obj *value);

/* As host_tensor(), for a value that is not a list without text. */
int64_t host_tensor_of_word(Tcl_Obj *word);

/* The number of calls of commands that have begun in this thread. */
extern __thread int64_t host_calls;

/* Tcl's status for the outcome of a command; sets the message of the statuses that have one. */
int host_finish(Tcl_Interp *interp, int status);

/* A function that Tcl's library exports; NULL if there is no function of that name. */
void *host_find_in_tcl(const char *function);

/* Registers host_on_exit() for the end of the process. */
void host_watch_exit(void);

/* Sets the exit status after a panic of Tcl. */
void host_set_panic_status(int status);

/* Whether enough of the stack is left for a call whose need is unknown. */
int host_has_stack(void);

/* These return 0 if the value cannot be read as this type. */
int host_read_real(Tcl_Obj *value, double *real_ret);
int host_read_integer(Tcl_Obj *value, int64_t *integer_ret);
int host_list(Tcl_Obj *value, Tcl_Size *count_ret, Tcl_Obj ***elements_ret);

/* Stores the functions that host_introspect() calls, from an interpreter in which no script has run yet. */
void host_note_answers(Tcl_Interp *interp);

/* Stores Tcl's own `load`, the only one that is changed for old scripts, also from such an interpreter. */
void host_note_load(Tcl_Interp *interp);

/* One of Tcl's commands as it was before one of our functions replaced it; and NULL, or the check that this function
   makes, which returns TCL_OK, or TCL_ERROR with a message in the interpreter. */
typedef int host_check(Tcl_Interp *interp, int count, Tcl_Obj *const words[]);
struct host_wrapped {
    Tcl_CmdInfo before;
    host_check *check;
};

/* Makes a command call `instead`, whose client data is a struct host_wrapped. Returns 0 if there is no such command. */
int host_wrap(Tcl_Interp *interp, const char *name, Tcl_ObjCmdProc *instead, host_check *check);

/* Calls the command as it was before. */
int host_call_wrapped(const struct host_wrapped *wrapped, Tcl_Interp *interp, int count, Tcl_Obj *const words[]);

/* Whether the interpreter or one of its children has a window of Tk. */
int host_has_window(Tcl_Interp *interp);

/* Serves events until the channel is readable or at its end, or until the last window is closed. Returns whether Ctrl-C
   ended the wait. */
int host_serve_until_input(Tcl_Interp *interp, Tcl_Channel input);

/* Runs Tcl's own start-up script in a new interpreter. Returns Tcl's status. */
int host_run_startup_script(Tcl_Interp *interp);

/* The names of an interpreter's children, as a list that the caller releases; NULL on an error. */
Tcl_Obj *host_children(Tcl_Interp *interp);

/* Begin and end an evaluation that Ctrl-C cancels. Calls do not nest. */
void host_begin_interruptible(Tcl_Interp *interp);
void host_end_interruptible(Tcl_Interp *interp);

#endif
