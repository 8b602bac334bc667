/* wrap.c - functions of ours in front of Tcl's own commands */
#include "internal.h"

static void forget(ClientData data)
{
    const struct host_wrapped *wrapped = (const struct host_wrapped *)data;
    if (wrapped->before.deleteProc)
        wrapped->before.deleteProc(wrapped->before.deleteData);
    Tcl_Free(data);
}

int host_wrap(Tcl_Interp *interp, const char *name, Tcl_ObjCmdProc *instead, host_check *check)
{
    Tcl_CmdInfo now;
    if (!Tcl_GetCommandInfo(interp, name, &now))
        return 0;
    struct host_wrapped *wrapped = (struct host_wrapped *)Tcl_Alloc(sizeof *wrapped);
    *wrapped = (struct host_wrapped){now, check};
    now.objProc = instead;
    now.objClientData = wrapped;
    now.deleteProc = forget;
    now.deleteData = wrapped;
    return Tcl_SetCommandInfo(interp, name, &now);
}

int host_call_wrapped(const struct host_wrapped *wrapped, Tcl_Interp *interp, int count, Tcl_Obj *const words[])
{
    return wrapped->before.objProc(wrapped->before.objClientData, interp, count, words);
}
