/*
 * host.h - the Tcl interpreter, as Python sees it
 *
 * This header is what Python may call, and what it implements (CFFI_CALLBACK). It is plain C with Tcl's two structs
 * left opaque, so that cffi reads it as it stands and needs no Tcl headers itself.
 *
 * Tcl is opened at run time (host_load) and called through its stub table, so the module can be imported where no
 * Tcl is installed: the caller can then say what is missing instead of failing to load. The sources are compiled once with
 * the headers of Tcl 8.6 and once with those of Tcl 9, into a module each, of which a process uses one.
 *
 * A `session` is a number that Python gives an interpreter; it comes back with every callback.
 * Lengths count bytes of UTF-8. A function that reads a value returns 1 where it could and 0 where not.
 */
#ifndef TCLCMD_HOST_H
#define TCLCMD_HOST_H

#include <stdint.h>

#define CFFI_CALLBACK

struct Tcl_Interp;
struct Tcl_Obj;

/* ---- The interpreter (host.c) ---------------------------------------------------------------------------------- */

/* How a command ends: after HOST_ERROR its message is the interpreter's result; after the others, which are errors too,
   it is the one that was prepared. */
enum {
    HOST_OK = 0,
    HOST_ERROR = 1,
    HOST_FAULT,     /* something that nobody foresaw */
    HOST_NO_MEMORY, /* there is too little memory even to say more */
    HOST_NESTED,    /* more than HOST_MOST_DEPTH calls, each in the midst of the one before, or too little stack */
    HOST_STATUSES
};

enum {
    HOST_MOST_DEPTH = 32,  /* Python's own limit, of 1000 functions, would come after 90 */
    HOST_PANIC_STATUS = 70 /* with which the process ends where Tcl cannot go on */
};

/* Opens the shared library of Tcl. `program` becomes `info nameofexecutable`. Returns NULL, or the reason it failed.
   Once it has worked, later calls do nothing. */
const char *host_load(const char *library, const char *program);

/* A new interpreter, NULL if the library's Tcl is none that this host serves. host_prepare() then runs Tcl's own start-up script. */
struct Tcl_Interp *host_create(void);
int host_prepare(struct Tcl_Interp *interp);
void host_delete(struct Tcl_Interp *interp);

/* Makes each of `names`, which NULL ends, a command that calls host_on_command() with the session, the number at the same
   place in `commands`, the words that follow the name, and how many of them are values before the first option. `options`
   are the options from there on, each with its closing NUL, if those words are options and values in turns; else `length`
   is -1. */
void host_add_commands(struct Tcl_Interp *interp, int session, const char *const *names, const int *commands);
CFFI_CALLBACK int host_on_command(int session, int command, int count, struct Tcl_Obj *const *words, int values,
                                  const char *options, int64_t length);

/* The message and the errorCode of a command that ends with such a status in this thread. Kept. host_has_faults() returns
   whether this thread has them. */
int host_has_faults(void);
void host_prepare_fault(int status, struct Tcl_Obj *message, struct Tcl_Obj *code);

/* Satisfies the first lines of scripts for the LibTorch binding: `package require torch`, and `load` of files whose names
   begin with libtorchtcl, which does nothing then, or adds the commands to the interpreter that it names. For all other
   files `load` is what it was; a `load` that is not Tcl's own, and versions of packages that are there, stay. */
void host_answer_old_scripts(struct Tcl_Interp *interp);

/* How many calls of commands are under way in this thread, each in the midst of the one before it. */
int host_depth(void);

/* Called when the process is about to end by Tcl's `exit`, before Tcl flushes its channels. */
CFFI_CALLBACK void host_on_exit(void);

/* Evaluate at global level. Both return Tcl's status and leave the result in the interpreter. While they run, Ctrl-C
   cancels the evaluation instead of reaching Python (see interrupt.c). Tcl's `history` knows a script that is recorded.
   `encoding` is a name that Tcl's `encoding names` has. */
int host_eval(struct Tcl_Interp *interp, const char *script, int64_t length, int is_recorded);
int host_eval_file(struct Tcl_Interp *interp, const char *path, const char *encoding);
int host_error_line(struct Tcl_Interp *interp);
int host_is_complete(const char *script);

struct Tcl_Obj *host_result(struct Tcl_Interp *interp);
void host_set_result(struct Tcl_Interp *interp, struct Tcl_Obj *value);
void host_set_error_code(struct Tcl_Interp *interp, struct Tcl_Obj *list);
struct Tcl_Obj *host_global(struct Tcl_Interp *interp, const char *name); /* NULL if there is none */
void host_set_global(struct Tcl_Interp *interp, const char *name, struct Tcl_Obj *value);

/* The next line of Tcl's own standard input, appended to *line with its end-of-line. Returns 0, the system's error
   number, or -1 at the end of the file. The function waits for a line even if a script has made the channel
   non-blocking; events are served meanwhile if windows are open. */
int host_read_line(struct Tcl_Interp *interp, struct Tcl_Obj *line);

/* Writes and flushes Tcl's standard output, or error where `to_error` is set. Returns 0, or the system's error number. */
int host_write(int to_error, const char *text, int64_t length);

/* If it was a script that failed, through which the channel writes, makes the script's error the interpreter's result and
   returns 1. */
int host_take_channel_error(struct Tcl_Interp *interp, int to_error);

/* ---- Interpreters that others created (join.c) - --------------------------------------------------------------- */

/* Makes every interpreter that is created later, in any thread, evaluate the script when it starts, and makes
   `load {} Roi` call host_on_join(). Returns 0 if this Tcl does not support the former. Later calls do nothing. */
int host_offer(const char *script);
CFFI_CALLBACK int host_on_join(struct Tcl_Interp *interp);

/* Prepares an interpreter that others have created; returns 0 if its Tcl is none that this host serves. The first call also calls
   host_offer(). */
int host_join(struct Tcl_Interp *interp, const char *script);

/* Whether an interpreter that is prepared has the commands already. */
int host_has_commands(struct Tcl_Interp *interp);

/* Provides the package, creates the namespace, and exports all commands that it will have. Returns 0 on an error, such as
   another version of the package, which leaves the interpreter without the namespace. */
int host_provide(struct Tcl_Interp *interp, const char *name_space, const char *package, const char *version);

/* host_on_deleted() will be called when the interpreter is deleted. Tensor values of the session may live longer. */
void host_watch_deletion(struct Tcl_Interp *interp, int session);
CFFI_CALLBACK void host_on_deleted(int session);

/* ---- Scripts that are not trusted (safe.c) -------------------------------------------------------------------- */

enum {
    HOST_LAST_STATUS = 119,  /* the largest status that `exit` has in a safe interpreter */
    HOST_MEMORY_STATUS = 121 /* with which its process ends where Tcl gets no memory */
};

int host_is_safe(struct Tcl_Interp *interp);

/* Makes an interpreter safe, as Tcl understands it, except for the standard channels, `exit`, and the hidden commands in
   `exposed`: pairs of a hidden name and a new one, with NULL at the end. Returns the interpreter, or NULL. Tcl 9 makes only
   new interpreters safe: with it, a child without the commands is returned, which ends with the interpreter. */
struct Tcl_Interp *host_make_safe(struct Tcl_Interp *interp, const char *const *exposed);

/* The interpreter may run so many commands more. Beyond them nothing runs, and host_is_at_limit() returns 1. */
void host_limit_commands(struct Tcl_Interp *interp, int count);
int host_is_at_limit(struct Tcl_Interp *interp);

/* ---- Events (events.c) ----------------------------------------------------------------------------------------- */

/* Serves events until no window of Tk's is left, or Ctrl-C. Returns at once if there is none. */
void host_serve_windows(struct Tcl_Interp *interp);

/* Serves events until there is something to read from a file, or Ctrl-C. */
void host_serve_until_readable(struct Tcl_Interp *interp, int file);

/* Events are served from now on while Python's readline waits for keys. Returns 0 if this Python does not support it. */
int host_serve_at_readline(struct Tcl_Interp *interp);

/* ---- The system's texts (host.c) ------------------------------------------------------------------------------- */

/* What Tcl makes of bytes that come from the system, such as a word of the command line: they are in the encoding that
   `encoding system` tells; those that are not become the characters of the same numbers. */
struct Tcl_Obj *host_from_system(const char *raw, int64_t length);

/* The name by which the system knows the file that Tcl's own commands take the value for, in that encoding, a tilde in
   front expanded; NULL if there can be none. It stands until the next call. */
const char *host_file_name(struct Tcl_Obj *value);

/* ---- Introspection (introspect.c) ------------------------------------------------------------------------------ */

typedef enum host_question {
    HOST_COMMANDS,  /* names of commands that match the pattern `about` */
    HOST_PROCS,     /* names of procedures that match */
    HOST_VARIABLES, /* names of variables that match, as at global level */
    HOST_FRAME,     /* the call at level `about`, as a dict: "0" is the command that runs now */
    HOST_TRACES     /* the traces on the global variable `about` */
} host_question;

/* Answers without running anything that a script could have put in the way, and leaves the interpreter's result as it
   was. The caller gives the answer back by host_drop(). NULL if there is no answer. */
struct Tcl_Obj *host_introspect(struct Tcl_Interp *interp, host_question question, const char *about);

/* ---- Interruption (interrupt.c) -------------------------------------------------------------------------------- */

/* Set by Ctrl-C during an evaluation, cleared when the next one begins. Long-running code may poll it. */
int32_t *host_interrupt_flag(void);

/* Does somebody work at a prompt? Then an evaluation that ignores a Ctrl-C waits for a second one before it
   ends the process; elsewhere it is ended after a moment. */
void host_set_at_prompt(int is_prompt);

/* For tests: how long a Ctrl-C takes from the signal to the cancellation, as on a machine that has no time to spare. */
void host_set_hesitation(int milliseconds);

/* ---- Reading values (values.c) --------------------------------------------------------------------------------- */

/* The text of a value as an option name, `-` and a letter, without spaces; NULL if it is none. -inf and -nan are
   numbers. */
const char *host_option(struct Tcl_Obj *value);

/* NULL where asking for the text would give a tensor a name that the script never asked for; then the length is 0. NULL
   and a length of -1 where there is no room for the text. */
const char *host_text(struct Tcl_Obj *value, int64_t *length_ret);

/* A value whose text begins as that of `value`: of a list without text, so many elements and elements of elements. */
struct Tcl_Obj *host_beginning(struct Tcl_Obj *value, int elements);

/* The text in any case: for what the script, or the person at the prompt, is about to see. */
const char *host_name(struct Tcl_Obj *value);

/* These three return what they read, for memory to leave it in costs more than the reading. NaN stands for what is no
   number, INT64_MIN for what is no integer of 64 bits, and -1 for what is no boolean. The first two are values, too:
   host_is_real() and host_is_integer() tell. */
double host_real(struct Tcl_Obj *value);
int64_t host_integer(struct Tcl_Obj *value);
int host_boolean(struct Tcl_Obj *value);
int host_is_real(struct Tcl_Obj *value);
int host_is_integer(struct Tcl_Obj *value);

/* The number of the tensor that a value or its text stands for, whichever interpreter's it is; -1 if the value has not
   the form of one. */
int64_t host_tensor(struct Tcl_Obj *value);

/* How many elements a list has; -1 for a tensor, and for text that is no list. */
int64_t host_length(struct Tcl_Obj *value);

/* The elements of a value that has a length. host_integers() writes as many integers, if that is what they are. */
struct Tcl_Obj *const *host_elements(struct Tcl_Obj *value);
int host_integers(struct Tcl_Obj *value, int64_t *integers_ret);

/* ---- Lists of numbers (numbers.c) ------------------------------------------------------------------------------ */

enum { HOST_MAX_RANK = 32 };

typedef enum host_fault {
    HOST_NO_FAULT = 0,
    HOST_NOT_A_LIST,   /* a value that is no well-formed list */
    HOST_TOO_DEEP,     /* nested deeper than HOST_MAX_RANK */
    HOST_RAGGED,       /* `length` elements where `expected` are needed */
    HOST_NOT_A_NUMBER, /* a list, or a word, where a number is needed */
    HOST_NOT_WHOLE,    /* a fraction where a whole number is needed */
    HOST_OUT_OF_RANGE  /* a whole number beyond 64 bits */
} host_fault;

/* Where reading stopped, and why: `index` holds `depth` list indices. */
typedef struct host_place {
    host_fault fault;
    int depth;
    int64_t index[HOST_MAX_RANK];
    int64_t length, expected;
    struct Tcl_Obj *value;
} host_place;

typedef enum host_number { HOST_REAL, HOST_INTEGER, HOST_BOOLEAN } host_number;

/* The shape that the first elements of nested lists promise. Returns the number of dimensions, 1 or more, for a lone
   number is a list of one; or -1 with *place_ret filled. */
int host_numbers_shape(struct Tcl_Obj *value, int64_t *shape_ret, host_place *place_ret);

/* Reads nested lists of exactly that shape in row-major order: doubles, 64-bit integers, or bytes 0 and 1. */
int host_numbers(struct Tcl_Obj *value, int rank, const int64_t *shape, host_number kind, void *numbers_ret,
                 host_place *place_ret);

/* ---- Making values --------------------------------------------------------------------------------------------- */

/* Would the system give so many bytes? Tcl ends the process where it does not. */
int host_has_room(int64_t bytes);

/* How many bytes a text, and how many elements a list can have. */
int64_t host_longest_text(void);
int64_t host_longest_list(void);

struct Tcl_Obj *host_new_text(const char *text, int64_t length); /* NULL if there is no room for it */
struct Tcl_Obj *host_new_integer(int64_t number);
struct Tcl_Obj *host_new_real(double number);
struct Tcl_Obj *host_new_list(void);
void host_append(struct Tcl_Obj *list, struct Tcl_Obj *element);

/* Nested lists of numbers in row-major order: of `reals`, or else of `integers`. NULL if there is no room to begin. The
   caller has asked whether there is room for the lists. */
struct Tcl_Obj *host_new_nested(int rank, const int64_t *shape, const double *reals, const int64_t *integers);
void host_keep(struct Tcl_Obj *value); /* counts a reference that host_drop() gives back */
void host_drop(struct Tcl_Obj *value);

/* ---- Tensors (tensor.c) ---------------------------------------------------------------------------------------- */

/* A value that stands for the tensor `number` of a session. Python's store starts with one reference for it. */
struct Tcl_Obj *host_new_tensor(int session, int64_t number);

CFFI_CALLBACK void host_on_retain(int session, int64_t number);  /* one more value stands for the tensor */
CFFI_CALLBACK void host_on_release(int session, int64_t number); /* one less */
CFFI_CALLBACK void host_on_named(int session, int64_t number);   /* the script has seen its name */

#endif
