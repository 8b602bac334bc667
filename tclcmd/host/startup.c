/*
 * startup.c - Tcl's own start-up script, in the interpreters of the shell
 *
 * Tcl_Init() compiles a procedure that searches for Tcl's script library, and reads init.tcl there. This takes a third
 * of the time of a new interpreter. A process has one library, so only the first interpreter searches, and later ones
 * evaluate the text that it found.
 */
#include <pthread.h>
#include <string.h>

#include "internal.h"

/* The procedure that Tcl_Init() calls, and defines unless there is such a command. */
static const char SEARCH[] = "tclInit";

/* The folder of init.tcl, and its text. They stay NULL if the file cannot be read, and every interpreter then searches.
   */
static char *folder = NULL, *script = NULL;

static char *copied(const char *text)
{
    char *copy = Tcl_Alloc((unsigned)strlen(text) + 1);
    return strcpy(copy, text);
}

/* Reads a text as Tcl's `source` does. */
static int read_script(Tcl_Interp *interp, const char *path, Tcl_Obj *text)
{
    Tcl_Channel file = Tcl_OpenFileChannel(interp, path, "r", 0);
    if (!file)
        return 0;
    Tcl_SetChannelOption(interp, file, "-eofchar", "\x1a");
    const int is_read = Tcl_ReadChars(file, text, -1, 0) > 0;
    return Tcl_Close(interp, file) == TCL_OK && is_read;
}

/* Stores what the first interpreter has found. */
static void remember(Tcl_Interp *interp)
{
    const char *found = Tcl_GetVar2(interp, "tcl_library", NULL, TCL_GLOBAL_ONLY);
    Tcl_Obj *text = Tcl_NewObj();
    Tcl_DString path;
    Tcl_IncrRefCount(text);
    Tcl_DStringInit(&path);
    if (found) {
        Tcl_DStringAppend(&path, found, -1);
        Tcl_DStringAppend(&path, "/init.tcl", -1);
        if (read_script(interp, Tcl_DStringValue(&path), text)) {
            folder = copied(found);
            script = copied(Tcl_GetString(text));
        }
    }
    Tcl_DStringFree(&path);
    Tcl_DecrRefCount(text);
    Tcl_ResetResult(interp);
}

/* Replaces Tcl's own search, and deletes the command as that does. */
static int evaluate(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const words[])
{
    (void)data, (void)count, (void)words;
    Tcl_DeleteCommand(interp, SEARCH);
    Tcl_SetVar2(interp, "tcl_library", NULL, folder, TCL_GLOBAL_ONLY);
    const int status = Tcl_EvalEx(interp, script, -1, TCL_EVAL_GLOBAL);
    if (status == TCL_OK)
        Tcl_ResetResult(interp);
    return status;
}

static int init_first(Tcl_Interp *interp)
{
    const int status = Tcl_Init(interp);
    if (status == TCL_OK)
        remember(interp);
    return status;
}

int host_run_startup_script(struct Tcl_Interp *interp)
{
    static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
    static int is_first = 1;
    pthread_mutex_lock(&guard);
    const int status = is_first ? init_first(interp) : TCL_OK, was_first = is_first;
    is_first = 0;
    pthread_mutex_unlock(&guard);
    if (was_first)
        return status;
    if (script)
        Tcl_CreateObjCommand(interp, SEARCH, evaluate, NULL, NULL);
    return Tcl_Init(interp);
}
