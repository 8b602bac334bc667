/*
 * events.c - the event loop: at the end of a script that has opened windows, and while a prompt waits
 *
 * A script that opens windows of Tk runs until they are closed, as under tclsh. Tcl does not export whether Tk has set
 * a main loop. Windows are therefore found by the command `.`, which an interpreter has while it has a main window.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>

#include "internal.h"

static int has_window_itself(Tcl_Interp *interp)
{
    Tcl_CmdInfo unused;
    return Tcl_GetCommandInfo(interp, ".", &unused) && Tcl_PkgPresent(interp, "Tk", NULL, 0);
}

int host_has_window(Tcl_Interp *interp)
{
    int found = 0;
    Tcl_Size count = 0;
    Tcl_Obj **names = NULL;
    Tcl_InterpState state = Tcl_SaveInterpState(interp, TCL_OK); /* Tcl_PkgPresent() leaves a message */
    found = has_window_itself(interp);
    Tcl_RestoreInterpState(interp, state);
    Tcl_Obj *children = found ? NULL : host_children(interp);
    if (children)
        Tcl_ListObjGetElements(NULL, children, &count, &names);
    for (Tcl_Size i = 0; i < count && !found; i++) {
        Tcl_Interp *child = Tcl_GetChild(interp, Tcl_GetString(names[i]));
        found = child && host_has_window(child);
    }
    if (children)
        Tcl_DecrRefCount(children);
    return found;
}

/* Whether Ctrl-C was pressed, which cancels the script of an event and ends the wait. */
static int is_interrupted(void) { return *host_interrupt_flag() != 0; }

/* Ends the evaluation, and then passes Ctrl-C on to the prompt, whose handler is set again. Returns whether Ctrl-C was
   pressed. */
static int end_interruptible(Tcl_Interp *interp)
{
    const int is_passed_on = is_interrupted();
    host_end_interruptible(interp);
    if (is_passed_on)
        raise(SIGINT);
    return is_passed_on;
}

void host_serve_windows(struct Tcl_Interp *interp)
{
    if (!host_has_window(interp))
        return;
    host_begin_interruptible(interp);
    while (!is_interrupted() && host_has_window(interp))
        Tcl_DoOneEvent(TCL_ALL_EVENTS);
    host_end_interruptible(interp);
}

static void note_readable(ClientData is_readable, int mask)
{
    (void)mask;
    *(int *)is_readable = 1;
}

int host_serve_until_input(Tcl_Interp *interp, Tcl_Channel input)
{
    int is_readable = 0;
    host_begin_interruptible(interp);
    Tcl_CreateChannelHandler(input, TCL_READABLE, note_readable, &is_readable);
    /* A script may close the channel and open a file in its place, which is then another object. */
    while (!is_readable && !is_interrupted() && Tcl_GetStdChannel(TCL_STDIN) == input && host_has_window(interp))
        Tcl_DoOneEvent(TCL_ALL_EVENTS);
    if (Tcl_GetStdChannel(TCL_STDIN) == input)
        Tcl_DeleteChannelHandler(input, note_readable, &is_readable);
    return end_interruptible(interp);
}

void host_serve_until_readable(struct Tcl_Interp *interp, int file)
{
    int is_readable = 0;
    const int own = dup(file); /* Tcl has one handler per descriptor, which a script may have set */
    if (own < 0)
        return;
    host_begin_interruptible(interp);
    Tcl_CreateFileHandler(own, TCL_READABLE, note_readable, &is_readable);
    while (!is_readable && !is_interrupted())
        Tcl_DoOneEvent(TCL_ALL_EVENTS);
    Tcl_DeleteFileHandler(own);
    end_interruptible(interp);
    close(own);
}

static Tcl_Interp *at_readline = NULL;

/* readline calls this function ten times a second. The limit is for scripts whose events create further events. */
static int serve_what_is_due(void)
{
    enum { MOST_EVENTS = 1000 };
    host_begin_interruptible(at_readline);
    for (int i = 0; i < MOST_EVENTS && !is_interrupted(); i++)
        if (!Tcl_DoOneEvent(TCL_ALL_EVENTS | TCL_DONT_WAIT))
            break;
    end_interruptible(at_readline);
    return 0;
}

int host_serve_at_readline(struct Tcl_Interp *interp)
{
    int (**hook)(void) = NULL;
    *(void **)&hook = dlsym(RTLD_DEFAULT, "PyOS_InputHook");
    if (!hook)
        return 0;
    at_readline = interp;
    *hook = serve_what_is_due;
    return 1;
}
