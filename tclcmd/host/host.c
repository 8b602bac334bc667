/* host.c - opening Tcl, commands that Python implements, evaluation, standard channels, the system's texts. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

/* The library of Tcl, and the function that creates the first interpreter, before there is a table of stubs. */
static void *tcl_library = NULL;
static Tcl_Interp *(*create_interp)(void) = NULL;

static const char *find_entry_points(void *library, const char *program)
{
    void (*find_executable)(const char *) = NULL;
    /* dlsym() returns an object pointer; POSIX recommends this conversion to a function pointer. */
    *(void **)&find_executable = dlsym(library, "Tcl_FindExecutable");
    *(void **)&create_interp = dlsym(library, "Tcl_CreateInterp");
    if (!find_executable || !create_interp)
        return "it is not a Tcl library";
    find_executable(program);
    return NULL;
}

const char *host_load(const char *library, const char *program)
{
    if (tcl_library)
        return NULL;
    /* RTLD_GLOBAL, because extensions that scripts load refer to Tcl's symbols. */
    void *opened = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
    if (!opened)
        return dlerror();
    const char *reason = find_entry_points(opened, program);
    if (!reason)
        tcl_library = opened;
    return reason;
}

/* In another program, Tcl's symbols may not be global. Its library is then found as the file of a function of the table
   of stubs. */
static void *find_library(void)
{
    Dl_info info;
    void *function = NULL;
    *(void **)&function = *(void **)&tclStubsPtr->tcl_CreateInterp;
    return dladdr(function, &info) && info.dli_fname ? dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD) : NULL;
}

void *host_find_in_tcl(const char *function)
{
    void *found = tcl_library ? tcl_library : find_library();
    return dlsym(found ? found : RTLD_DEFAULT, function);
}

static void on_exit_of_process(ClientData unused)
{
    (void)unused;
    host_on_exit();
}

void host_watch_exit(void)
{
    static int is_watched = 0;
    if (!is_watched++)
        Tcl_CreateExitHandler(on_exit_of_process, NULL);
}

static int panic_status = HOST_PANIC_STATUS;

/* Tcl ends the process if it gets no memory; it cannot report an error instead. Foreseeable cases are refused
   beforehand (see host_has_room). For the others, this function prints the reason and uses an exit status of its own.
   */
static void on_panic(const char *format, ...)
{
    static char line[512];
    va_list facts;
    int length = snprintf(line, sizeof line, "roish: Tcl cannot go on, most likely for lack of memory: ");
    va_start(facts, format);
    vsnprintf(line + length, sizeof line - (size_t)length - 1, format, facts);
    va_end(facts);
    length = (int)strlen(line);
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, (size_t)length) < 0) {
        /* A failure to write cannot be reported. */
    }
    _exit(panic_status);
}

void host_set_panic_status(int status) { panic_status = status; }

/* Scripts, file names and the standard channels are in UTF-8 in every locale. Tcl 9 has already created the channels.
   */
static void set_encodings(void)
{
    static const int standard[] = {TCL_STDIN, TCL_STDOUT, TCL_STDERR};
    Tcl_SetSystemEncoding(NULL, "utf-8");
    for (size_t i = 0; i < sizeof standard / sizeof *standard; i++) {
        Tcl_Channel channel = Tcl_GetStdChannel(standard[i]);
        if (channel)
            Tcl_SetChannelOption(NULL, channel, "-encoding", "utf-8");
    }
}

struct Tcl_Interp *host_create(void)
{
    static int is_prepared = 0;
    Tcl_Interp *interp = create_interp();
    if (!Tcl_InitStubs(interp, HOST_OLDEST_TCL, 0))
        return NULL;
    if (!is_prepared++) {
        host_set_panic(on_panic);
        set_encodings();
        host_watch_exit();
    }
    return interp;
}

int host_prepare(struct Tcl_Interp *interp)
{
    host_note_answers(interp);
    host_note_load(interp);
    const int status = host_run_startup_script(interp);
    if (TCL_MAJOR_VERSION > 8) /* there, Tcl_Init() sets the encoding of the locale each time */
        Tcl_SetSystemEncoding(NULL, "utf-8");
    return status;
}

void host_delete(struct Tcl_Interp *interp) { Tcl_DeleteInterp(interp); }

/* ---- Commands -------------------------------------------------------------------------------------------------- */

struct target {
    int session, command;
    struct targets *all;
};

/* The targets of an interpreter's commands, in one block, because separate allocations slow down a new interpreter. The
   block is freed with the last command. */
struct targets {
    int users;
    struct target each[];
};

/* Collects the options of words that alternate between options and values; returns 0 for other words. */
static int collect_options(int count, Tcl_Obj *const words[], Tcl_DString *options)
{
    for (int i = 0; i < count; i += 2) {
        const char *option = host_option(words[i]);
        if (!option || i + 1 == count || host_option(words[i + 1]))
            return 0;
        Tcl_DStringAppend(options, option, (Tcl_Size)strlen(option) + 1);
    }
    return 1;
}

__thread int64_t host_calls = 0;

static __thread int depth = 0; /* of nested calls of commands in this thread */

int host_depth(void) { return depth; }

/* The messages of calls that fail before Python can make one. They are made in advance, because memory may be what is
   missing, and for each thread, because threads may not share Tcl's values. */
static __thread struct {
    Tcl_Obj *message, *code;
} faults[HOST_STATUSES];

static void forget_faults(ClientData unused)
{
    (void)unused;
    for (int status = 0; status < HOST_STATUSES; status++) {
        if (faults[status].message) {
            Tcl_DecrRefCount(faults[status].message);
            Tcl_DecrRefCount(faults[status].code);
        }
        faults[status].message = faults[status].code = NULL;
    }
}

int host_has_faults(void) { return faults[HOST_FAULT].message != NULL; }

void host_prepare_fault(int status, struct Tcl_Obj *message, struct Tcl_Obj *code)
{
    static __thread int is_end_watched = 0;
    if (!is_end_watched++)
        Tcl_CreateThreadExitHandler(forget_faults, NULL);
    Tcl_IncrRefCount(message);
    Tcl_IncrRefCount(code);
    if (faults[status].message) {
        Tcl_DecrRefCount(faults[status].message);
        Tcl_DecrRefCount(faults[status].code);
    }
    faults[status].message = message;
    faults[status].code = code;
}

int host_finish(Tcl_Interp *interp, int status)
{
    if (status <= HOST_ERROR || status >= HOST_STATUSES || !faults[status].message)
        return status == HOST_OK ? TCL_OK : TCL_ERROR;
    Tcl_SetObjResult(interp, faults[status].message);
    Tcl_SetObjErrorCode(interp, faults[status].code);
    return TCL_ERROR;
}

static int call_python(const struct target *target, int given, Tcl_Obj *const words[])
{
    Tcl_DString options;
    int values = 0;
    while (values < given && !host_option(words[values]))
        values++;
    Tcl_DStringInit(&options);
    const int is_paired = collect_options(given - values, words + values, &options);
    const int64_t length = is_paired ? Tcl_DStringLength(&options) : -1;
    const int status = host_on_command(target->session, target->command, given, words, values,
                                       Tcl_DStringValue(&options), length);
    Tcl_DStringFree(&options);
    return status;
}

static int call(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const words[])
{
    host_calls++;
    if (depth >= HOST_MOST_DEPTH || !host_has_stack())
        return host_finish(interp, HOST_NESTED);
    depth++;
    const int status = call_python(data, count - 1, words + 1); /* the first word is the command's name */
    depth--;
    return host_finish(interp, status);
}

static void leave_target(ClientData data)
{
    struct targets *all = ((struct target *)data)->all;
    if (!--all->users)
        Tcl_Free((char *)all);
}

void host_add_commands(struct Tcl_Interp *interp, int session, const char *const *names, const int *commands)
{
    int count = 0;
    while (names[count])
        count++;
    if (!count)
        return;
    struct targets *all = (struct targets *)Tcl_Alloc((unsigned)(sizeof *all + (size_t)count * sizeof all->each[0]));
    all->users = count;
    for (int i = 0; i < count; i++) {
        all->each[i] = (struct target){session, commands[i], all};
        Tcl_CreateObjCommand(interp, names[i], call, &all->each[i], leave_target);
    }
}

/* ---- Evaluation ------------------------------------------------------------------------------------------------ */

int host_eval(struct Tcl_Interp *interp, const char *script, int64_t length, int is_recorded)
{
    Tcl_Obj *value = Tcl_NewStringObj(script, (Tcl_Size)length);
    Tcl_IncrRefCount(value);
    host_begin_interruptible(interp);
    /* Unlike Tcl_EvalEx(), these report a `break` outside of a loop as an error. */
    const int flags = TCL_EVAL_GLOBAL | TCL_EVAL_DIRECT;
    const int status = is_recorded ? Tcl_RecordAndEvalObj(interp, value, flags) : Tcl_EvalObjEx(interp, value, flags);
    host_end_interruptible(interp);
    Tcl_DecrRefCount(value);
    return status;
}

int host_eval_file(struct Tcl_Interp *interp, const char *path, const char *encoding)
{
    Tcl_Obj *name = Tcl_NewStringObj(path, -1);
    Tcl_IncrRefCount(name);
    host_begin_interruptible(interp);
    const int status = Tcl_FSEvalFileEx(interp, name, encoding);
    host_end_interruptible(interp);
    Tcl_DecrRefCount(name);
    return status;
}

int host_error_line(struct Tcl_Interp *interp) { return Tcl_GetErrorLine(interp); }
int host_is_complete(const char *script) { return Tcl_CommandComplete(script); }
struct Tcl_Obj *host_result(struct Tcl_Interp *interp) { return Tcl_GetObjResult(interp); }
void host_set_result(struct Tcl_Interp *interp, struct Tcl_Obj *value) { Tcl_SetObjResult(interp, value); }
void host_set_error_code(struct Tcl_Interp *interp, struct Tcl_Obj *list) { Tcl_SetObjErrorCode(interp, list); }

struct Tcl_Obj *host_global(struct Tcl_Interp *interp, const char *name)
{
    return Tcl_GetVar2Ex(interp, name, NULL, TCL_GLOBAL_ONLY);
}

void host_set_global(struct Tcl_Interp *interp, const char *name, struct Tcl_Obj *value)
{
    Tcl_SetVar2Ex(interp, name, NULL, value, TCL_GLOBAL_ONLY);
}

/* ---- Standard channels ----------------------------------------------------------------------------------------- */

/* Waits until a non-blocking channel has input. Returns 0, or the system's error number. */
static int wait_for_more(Tcl_Channel input)
{
    enum { LOOK_EVERY_MS = 10 }; /* for a channel that a script implements, which has no descriptor */
    ClientData handle;
    struct pollfd readable = {.events = POLLIN};
    const int is_known = Tcl_GetChannelHandle(input, TCL_READABLE, &handle) == TCL_OK;
    readable.fd = is_known ? (int)(intptr_t)handle : -1;
    return poll(&readable, 1, is_known ? -1 : LOOK_EVERY_MS) < 0 ? errno : 0;
}

int host_read_line(struct Tcl_Interp *interp, struct Tcl_Obj *line)
{
    Tcl_Channel input;
    while ((input = Tcl_GetStdChannel(TCL_STDIN))) { /* NULL: the script has closed it */
        int problem = 0;
        if (host_has_window(interp) && host_serve_until_input(interp, input))
            return EINTR;
        if (Tcl_GetsObj(input, line) >= 0) {
            Tcl_AppendToObj(line, "\n", 1);
            return 0;
        }
        if (Tcl_Eof(input))
            return -1;
        if (!Tcl_InputBlocked(input))
            return Tcl_GetErrno();
        if (!host_has_window(interp))
            problem = wait_for_more(input);
        if (problem)
            return problem;
    }
    return -1;
}

int host_write(int to_error, const char *text, int64_t length)
{
    Tcl_Channel output = Tcl_GetStdChannel(to_error ? TCL_STDERR : TCL_STDOUT);
    if (!output)
        return 0; /* the script has closed it */
    const int is_written = Tcl_WriteChars(output, text, (Tcl_Size)length) >= 0 && Tcl_Flush(output) == TCL_OK;
    return is_written ? 0 : Tcl_GetErrno();
}

int host_take_channel_error(struct Tcl_Interp *interp, int to_error)
{
    Tcl_Channel output = Tcl_GetStdChannel(to_error ? TCL_STDERR : TCL_STDOUT);
    Tcl_Obj *said = NULL, **words;
    Tcl_Size count;
    if (output)
        Tcl_GetChannelError(output, &said);
    if (!said)
        return 0;
    /* Options of `return` in pairs, and then the message. */
    const int is_told = Tcl_ListObjGetElements(NULL, said, &count, &words) == TCL_OK && count % 2 == 1;
    if (is_told) {
        Tcl_SetObjResult(interp, words[count - 1]);
        Tcl_SetReturnOptions(interp, Tcl_NewListObj(count - 1, words));
    }
    Tcl_DecrRefCount(said);
    return is_told;
}

/* ---- The system's texts ---------------------------------------------------------------------------------------- */

struct Tcl_Obj *host_from_system(const char *raw, int64_t length)
{
    Tcl_DString text;
    Tcl_ExternalToUtfDString(NULL, raw, (Tcl_Size)length, &text);
    Tcl_Obj *value = Tcl_NewStringObj(Tcl_DStringValue(&text), Tcl_DStringLength(&text));
    Tcl_DStringFree(&text);
    return value;
}

static __thread Tcl_DString file_name;

static void forget_file_name(ClientData unused)
{
    (void)unused;
    Tcl_DStringFree(&file_name);
}

const char *host_file_name(struct Tcl_Obj *value)
{
    static __thread int is_used = 0;
    if (is_used++)
        Tcl_DStringFree(&file_name);
    else
        Tcl_CreateThreadExitHandler(forget_file_name, NULL);
    Tcl_DStringInit(&file_name);
    Tcl_Obj *path = Tcl_FSGetTranslatedPath(NULL, value);
    if (!path)
        return NULL;
    Tcl_UtfToExternalDString(NULL, Tcl_GetString(path), -1, &file_name);
    Tcl_DecrRefCount(path);
    return Tcl_DStringValue(&file_name);
}
