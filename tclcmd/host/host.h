/*
 * host.h - the Tcl interpreter, as Python sees it
 *
 * This header declares the functions that Python calls, and those that it implements (CFFI_CALLBACK). It is plain C, in
 * which Tcl's two structs are opaque, so that cffi parses it without Tcl's headers.
 *
 * Tcl is opened at run time (host_load) and called through its stub table. The module can therefore be imported without
 * an installed Tcl, and the caller can report what is missing. The sources are compiled once with the headers of Tcl
 * 8.6 and once with those of Tcl 9, into one module each. A process uses one of the modules.
 *
 * A `session` is the number that Python assigns to an interpreter; every callback receives it. Lengths are in bytes of
 * UTF-8. A function that reads a value returns 1 on success and 0 otherwise.
 */
#ifndef TCLCMD_HOST_H
#define TCLCMD_HOST_H

#include <stdint.h>

#define CFFI_CALLBACK

struct Tcl_Interp;
struct Tcl_Obj;

/* ---- The interpreter (host.c) ---------------------------------------------------------------------------------- */

/* The outcome of a command. After HOST_ERROR the message is the interpreter's result; the statuses below it are errors
   whose messages host_prepare_fault() has set. */
enum {
    HOST_OK = 0,
    HOST_ERROR = 1,
    HOST_FAULT,     /* an unexpected exception */
    HOST_NO_MEMORY, /* too little memory to make a message */
    HOST_NESTED,    /* more than HOST_MOST_DEPTH nested calls, or too little stack */
    HOST_STATUSES
};

enum {
    HOST_MOST_DEPTH = 32,  /* Python's own limit, of 1000 functions, would come after 90 */
    HOST_PANIC_STATUS = 70 /* the exit status after a panic of Tcl */
};

/* Opens the shared library of Tcl. `program` becomes `info nameofexecutable`. Returns NULL, or the reason for a
   failure. After a success, later calls have no effect. */
const char *host_load(const char *library, const char *program);

/* Returns a new interpreter, or NULL if this host does not support the library's version of Tcl. host_prepare() then
   runs Tcl's own start-up script. */
struct Tcl_Interp *host_create(void);
int host_prepare(struct Tcl_Interp *interp);
void host_delete(struct Tcl_Interp *interp);

/* Makes a command of each of `names`, a list that ends with NULL. The command calls host_on_command() with the session,
   the number at the same index of `commands`, the words that follow the name, and the number of values before the first
   option. If the remaining words alternate between options and values, `options` has the options, each with its closing
   NUL; otherwise `length` is -1. */
void host_add_commands(struct Tcl_Interp *interp, int session, const char *const *names, const int *commands);
CFFI_CALLBACK int host_on_command(int session, int command, int count, struct Tcl_Obj *const *words, int values,
                                  const char *options, int64_t length);

/* Sets the message and the errorCode of commands that end with a status in this thread; both values are kept.
   host_has_faults() returns whether this thread has messages. */
int host_has_faults(void);
void host_prepare_fault(int status, struct Tcl_Obj *message, struct Tcl_Obj *code);

/* Makes the first lines of scripts for the LibTorch binding succeed: `package require torch`, and `load` of files whose
   names begin with libtorchtcl, which has no effect, or adds the commands to the interpreter that it names. For all
   other files `load` is unchanged. A `load` that is not Tcl's own, and packages that are already provided, are not
   changed. */
void host_answer_old_scripts(struct Tcl_Interp *interp);

/* The number of nested calls of commands in this thread. */
int host_depth(void);

/* Called when the process is about to end by Tcl's `exit`, before Tcl flushes its channels. */
CFFI_CALLBACK void host_on_exit(void);

/* Both evaluate at global level, return Tcl's status and leave the result in the interpreter. Meanwhile, Ctrl-C cancels
   the evaluation instead of reaching Python (see interrupt.c). With is_recorded, Tcl's `history` includes the script.
   `encoding` is one of Tcl's `encoding names`. */
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

/* Writes to Tcl's standard output, or standard error with `to_error`, and flushes it. Returns 0, or the system's error
   number. */
int host_write(int to_error, const char *text, int64_t length);

/* If a script that transforms the channel has failed, its error becomes the interpreter's result, and 1 is returned. */
int host_take_channel_error(struct Tcl_Interp *interp, int to_error);

/* ---- Interpreters that others created (join.c) ----------------------------------------------------------------- */

/* Every interpreter that is created later, in any thread, evaluates the script when it starts, and `load {} Roi` calls
   host_on_join(). Returns 0 if this Tcl does not support start-up scripts. Later calls have no effect. */
int host_offer(const char *script);
CFFI_CALLBACK int host_on_join(struct Tcl_Interp *interp);

/* Prepares an interpreter that others have created. Returns 0 if this host does not support its version of Tcl. The
   first call also calls host_offer(). */
int host_join(struct Tcl_Interp *interp, const char *script);

/* Whether a prepared interpreter already has the commands. */
int host_has_commands(struct Tcl_Interp *interp);

/* Provides the package, creates the namespace, and exports all of its future commands. Returns 0 on an error, such as
   another version of the package; the namespace is then not created. */
int host_provide(struct Tcl_Interp *interp, const char *name_space, const char *package, const char *version);

/* host_on_deleted() will be called when the interpreter is deleted. Tensor values of the session may live longer. */
void host_watch_deletion(struct Tcl_Interp *interp, int session);
CFFI_CALLBACK void host_on_deleted(int session);

/* ---- Scripts that are not trusted (safe.c) -------------------------------------------------------------------- */

enum {
    HOST_LAST_STATUS = 119,  /* the largest status of `exit` in a safe interpreter */
    HOST_MEMORY_STATUS = 121 /* the exit status of its process if Tcl gets no memory */
};

int host_is_safe(struct Tcl_Interp *interp);

/* Makes an interpreter safe in Tcl's sense. It keeps the standard channels, `exit`, and the hidden commands in
   `exposed`: pairs of a hidden name and a new name, with NULL at the end. Returns the interpreter, or NULL. Tcl 9 makes
   only new interpreters safe; the result is then a child without the commands, which is deleted with the interpreter.
   */
struct Tcl_Interp *host_make_safe(struct Tcl_Interp *interp, const char *const *exposed);

/* Limits the number of further commands. At the limit, no command runs, and host_is_at_limit() returns 1. */
void host_limit_commands(struct Tcl_Interp *interp, int count);
int host_is_at_limit(struct Tcl_Interp *interp);

/* ---- Events (events.c) ----------------------------------------------------------------------------------------- */

/* Serves events until the last window of Tk is closed, or Ctrl-C. Returns at once if there is no window. */
void host_serve_windows(struct Tcl_Interp *interp);

/* Serves events until a file is readable, or Ctrl-C. */
void host_serve_until_readable(struct Tcl_Interp *interp, int file);

/* From now on, events are served while Python's readline waits for keys. Returns 0 if this Python does not support it.
   */
int host_serve_at_readline(struct Tcl_Interp *interp);

/* ---- The system's texts (host.c) ------------------------------------------------------------------------------- */

/* Decodes bytes from the system, such as a word of the command line, by `encoding system`. An invalid byte becomes the
   character of the same number. */
struct Tcl_Obj *host_from_system(const char *raw, int64_t length);

/* The system's name, in that encoding, for the file that Tcl's own commands open for a value, with a leading tilde
   expanded; NULL if there is none. It is valid until the next call. */
const char *host_file_name(struct Tcl_Obj *value);

/* ---- Introspection (introspect.c) ------------------------------------------------------------------------------ */

typedef enum host_question {
    HOST_COMMANDS,  /* names of commands that match the pattern `about` */
    HOST_PROCS,     /* names of procedures that match */
    HOST_VARIABLES, /* names of variables that match, as at global level */
    HOST_FRAME,     /* the call at level `about`, as a dict: "0" is the current command */
    HOST_TRACES     /* the traces on the global variable `about` */
} host_question;

/* Answers without running code that a script may have installed, and does not change the interpreter's result. The
   caller releases the answer by host_drop(). NULL means that there is no answer. */
struct Tcl_Obj *host_introspect(struct Tcl_Interp *interp, host_question question, const char *about);

/* ---- Interruption (interrupt.c) -------------------------------------------------------------------------------- */

/* The flag that Ctrl-C sets during an evaluation; the next evaluation clears it. Long-running code may poll it. */
int32_t *host_interrupt_flag(void);

/* If an evaluation ignores Ctrl-C, a process with a prompt ends at the second Ctrl-C, and any other process shortly
   after the first one. */
void host_set_at_prompt(int is_prompt);

/* For tests: the time from the signal of Ctrl-C to the cancellation, as on a busy machine. */
void host_set_hesitation(int milliseconds);

/* ---- Reading values (values.c) --------------------------------------------------------------------------------- */

/* The text of a value if it is the name of an option, which begins with `-` and a letter and has no spaces; otherwise
   NULL. -inf and -nan are numbers. */
const char *host_option(struct Tcl_Obj *value);

/* The text of a value. NULL with a length of 0 means that making the text would name a tensor whose name the script has
   not requested. NULL with a length of -1 means that there is no room for the text. */
const char *host_text(struct Tcl_Obj *value, int64_t *length_ret);

/* A value whose text has the same beginning as that of `value`: of a list without text, the given number of elements,
   those of nested lists included. */
struct Tcl_Obj *host_beginning(struct Tcl_Obj *value, int elements);

/* The text of a value, which names tensors: for output to the script or to the user. */
const char *host_name(struct Tcl_Obj *value);

/* These three return the value that they read, because an output argument would cost more than the reading. For other
   values, host_real() returns NaN, host_integer() INT64_MIN and host_boolean() -1. NaN and INT64_MIN may also be the
   value itself; host_is_real() and host_is_integer() distinguish the two cases. */
double host_real(struct Tcl_Obj *value);
int64_t host_integer(struct Tcl_Obj *value);
int host_boolean(struct Tcl_Obj *value);
int host_is_real(struct Tcl_Obj *value);
int host_is_integer(struct Tcl_Obj *value);

/* The number of the tensor that a value or its text denotes, in any interpreter; -1 if the value does not have the form
   of a tensor's name. */
int64_t host_tensor(struct Tcl_Obj *value);

/* The number of elements of a list; -1 for a tensor, and for text that is not a list. */
int64_t host_length(struct Tcl_Obj *value);

/* The elements of a value that has a length. host_integers() writes them to an array if all are integers. */
struct Tcl_Obj *const *host_elements(struct Tcl_Obj *value);
int host_integers(struct Tcl_Obj *value, int64_t *integers_ret);

/* ---- Lists of numbers (numbers.c) ------------------------------------------------------------------------------ */

enum { HOST_MAX_RANK = 32 };

typedef enum host_fault {
    HOST_NO_FAULT = 0,
    HOST_NOT_A_LIST,   /* a value that is not a well-formed list */
    HOST_TOO_DEEP,     /* more than HOST_MAX_RANK levels */
    HOST_RAGGED,       /* `length` elements instead of `expected` */
    HOST_NOT_A_NUMBER, /* a list or a word instead of a number */
    HOST_NOT_WHOLE,    /* a fraction instead of an integer */
    HOST_OUT_OF_RANGE  /* an integer of more than 64 bits */
} host_fault;

/* The position and reason of an error: `index` holds `depth` list indices. */
typedef struct host_place {
    host_fault fault;
    int depth;
    int64_t index[HOST_MAX_RANK];
    int64_t length, expected;
    struct Tcl_Obj *value;
} host_place;

typedef enum host_number { HOST_REAL, HOST_INTEGER, HOST_BOOLEAN } host_number;

/* Infers a shape from the first elements of nested lists. Returns the number of dimensions, which is at least 1, since
   a single number counts as a list of one; or -1 after filling *place_ret. */
int host_numbers_shape(struct Tcl_Obj *value, int64_t *shape_ret, host_place *place_ret);

/* Reads nested lists of exactly that shape in row-major order: doubles, 64-bit integers, or bytes 0 and 1. */
int host_numbers(struct Tcl_Obj *value, int rank, const int64_t *shape, host_number kind, void *numbers_ret,
                 host_place *place_ret);

/* ---- Making values --------------------------------------------------------------------------------------------- */

/* Whether the system can allocate this number of bytes. If it cannot, Tcl ends the process. */
int host_has_room(int64_t bytes);

/* The largest number of bytes of a text, and of elements of a list. */
int64_t host_longest_text(void);
int64_t host_longest_list(void);

struct Tcl_Obj *host_new_text(const char *text, int64_t length); /* NULL if there is no room for it */
struct Tcl_Obj *host_new_integer(int64_t number);
struct Tcl_Obj *host_new_real(double number);
struct Tcl_Obj *host_new_list(void);
void host_append(struct Tcl_Obj *list, struct Tcl_Obj *element);

/* Nested lists of numbers in row-major order, from `reals`, or from `integers` if `reals` is NULL. NULL means that
   there is no memory. The caller checks first whether there is room for the lists. */
struct Tcl_Obj *host_new_nested(int rank, const int64_t *shape, const double *reals, const int64_t *integers);
void host_keep(struct Tcl_Obj *value); /* adds a reference, which host_drop() removes */
void host_drop(struct Tcl_Obj *value);

/* ---- Tensors (tensor.c) ---------------------------------------------------------------------------------------- */

/* A value that stands for the tensor `number` of a session. Python's store starts with one reference for it. */
struct Tcl_Obj *host_new_tensor(int session, int64_t number);

CFFI_CALLBACK void host_on_retain(int session, int64_t number);  /* the tensor has one value more */
CFFI_CALLBACK void host_on_release(int session, int64_t number); /* the tensor has one value less */
CFFI_CALLBACK void host_on_named(int session, int64_t number);   /* the script has seen the tensor's name */

#endif
