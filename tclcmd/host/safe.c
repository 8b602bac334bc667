/*
 * safe.c - interpreters for scripts that are not trusted
 *
 * Tcl itself hides the commands that reach outside of the interpreter. Two of the others are restricted here: `exit`
 * cannot use the statuses that report limits, and `interp` cannot create interpreters, each of which would have limits
 * of its own. Python decides which other commands a script keeps.
 */
#include <string.h>

#include "internal.h"

int host_is_safe(struct Tcl_Interp *interp) { return Tcl_IsSafe(interp); }

static int call(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const words[])
{
    const struct host_wrapped *command = (const struct host_wrapped *)data;
    if (command->check(interp, count, words) != TCL_OK)
        return TCL_ERROR;
    return host_call_wrapped(command, interp, count, words);
}

static int refuse(Tcl_Interp *interp, Tcl_Obj *message)
{
    Tcl_SetObjResult(interp, message);
    Tcl_SetErrorCode(interp, "TORCH", "FORBIDDEN", "tcl", NULL);
    return TCL_ERROR;
}

static int check_exit(Tcl_Interp *interp, int count, Tcl_Obj *const words[])
{
    int status = 0;
    if (count == 2 && Tcl_GetIntFromObj(interp, words[1], &status) != TCL_OK)
        return TCL_ERROR;
    if (status >= 0 && status <= HOST_LAST_STATUS)
        return TCL_OK;
    return refuse(interp,
                  Tcl_ObjPrintf("Not allowed here: exit has a status from 0 to %d, got %d", HOST_LAST_STATUS, status));
}

/* An abbreviated name of a subcommand is refused like an unknown one. */
static int check_interp(Tcl_Interp *interp, int count, Tcl_Obj *const words[])
{
    static const char *const allowed[] = {"alias", "aliases", "eval", "exists", "issafe", "target"};
    if (count < 2)
        return TCL_OK; /* Tcl's own message */
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (!strcmp(Tcl_GetString(words[1]), allowed[i]))
            return TCL_OK;
    return refuse(interp, Tcl_NewStringObj("Not allowed here: of interp there are alias, aliases, eval, exists, issafe "
                                           "and target",
                                           -1));
}

/* Registers the standard channels with an interpreter. With NULL, this adds a reference that keeps them open. */
static void share_channels(Tcl_Interp *interp)
{
    static const int standard[] = {TCL_STDIN, TCL_STDOUT, TCL_STDERR};
    for (size_t i = 0; i < sizeof standard / sizeof *standard; i++) {
        Tcl_Channel channel = Tcl_GetStdChannel(standard[i]);
        if (channel)
            Tcl_RegisterChannel(interp, channel);
    }
}

struct Tcl_Interp *host_make_safe(struct Tcl_Interp *interp, const char *const *exposed)
{
    share_channels(NULL); /* Tcl unregisters them from a safe interpreter, and would close them */
    Tcl_Interp *safe = host_safe_interpreter(interp);
    if (!safe)
        return NULL;
    share_channels(safe);
    host_set_panic_status(HOST_MEMORY_STATUS);
    for (; *exposed; exposed += 2)
        if (Tcl_ExposeCommand(safe, exposed[0], exposed[1]) != TCL_OK)
            return NULL;
    return host_wrap(safe, "::exit", call, check_exit) && host_wrap(safe, "::interp", call, check_interp) ? safe : NULL;
}

void host_limit_commands(struct Tcl_Interp *interp, int count)
{
    Tcl_CmdInfo known;
    int now = 0;
    if (Tcl_GetCommandInfo(interp, "::tcl::info::cmdcount", &known)) {
        Tcl_Obj *word = Tcl_NewStringObj("cmdcount", -1);
        Tcl_IncrRefCount(word);
        if (known.objProc(known.objClientData, interp, 1, &word) == TCL_OK)
            Tcl_GetIntFromObj(NULL, Tcl_GetObjResult(interp), &now);
        Tcl_DecrRefCount(word);
        Tcl_ResetResult(interp);
    }
    Tcl_LimitSetCommands(interp, count > INT32_MAX - now ? INT32_MAX : now + count);
    Tcl_LimitSetGranularity(interp, TCL_LIMIT_COMMANDS, 1);
    Tcl_LimitTypeSet(interp, TCL_LIMIT_COMMANDS);
}

int host_is_at_limit(struct Tcl_Interp *interp) { return Tcl_LimitExceeded(interp); }
