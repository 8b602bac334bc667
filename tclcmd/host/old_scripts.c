/* old_scripts.c - the first lines of scripts for the LibTorch binding: its packages, and `load` of its library. */
#include <string.h>

#include "internal.h"

/* The version of the binding whose commands these are. */
static const char VERSION[] = "2.0.0";
static const char *const PACKAGES[] = {"torch", "Torch", "libtorchtcl"};

/* The beginning of the names of the library's files. */
static const char LIBRARY[] = "libtorchtcl";

/* The function of Tcl's own `load`. */
static Tcl_ObjCmdProc *own_load = NULL;

static int is_here(Tcl_Obj *path)
{
    const char *text = Tcl_GetString(path), *slash = strrchr(text, '/');
    return strncmp(slash ? slash + 1 : text, LIBRARY, strlen(LIBRARY)) == 0;
}

/* Calls the loader as `load {} Roi INTERPRETER` does. */
static int load_into(const struct host_wrapped *loader, Tcl_Interp *interp, Tcl_Obj *name, Tcl_Obj *other)
{
    Tcl_Obj *words[] = {name, Tcl_NewObj(), Tcl_NewStringObj("Roi", -1), other};
    enum { COUNT = sizeof words / sizeof *words };
    for (int i = 0; i < COUNT; i++)
        Tcl_IncrRefCount(words[i]);
    const int status = host_call_wrapped(loader, interp, COUNT, words);
    for (int i = 0; i < COUNT; i++)
        Tcl_DecrRefCount(words[i]);
    return status;
}

static int load(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const words[])
{
    const struct host_wrapped *loader = (const struct host_wrapped *)data;
    for (int i = 1; i < count && i <= 3; i++) { /* -global and -lazy may come first */
        if (Tcl_GetString(words[i])[0] == '-')
            continue;
        if (is_here(words[i])) /* the package's name and an interpreter may follow */
            return count == i + 3 ? load_into(loader, interp, words[0], words[i + 2]) : TCL_OK;
        break;
    }
    return host_call_wrapped(loader, interp, count, words);
}

/* Returns 0 if the command of this name is not Tcl's own `load`. */
static int answer(Tcl_Interp *interp, const char *name)
{
    Tcl_CmdInfo known;
    if (!Tcl_GetCommandInfo(interp, name, &known) || !own_load || known.objProc != own_load)
        return 0;
    return host_wrap(interp, name, load, NULL);
}

/* A program or a script may have renamed Tcl's `load` and replaced it by a command of its own, which calls the original
   for other files; magic does so. The original is therefore found under any name. */
static void answer_loads(Tcl_Interp *interp)
{
    int is_found = answer(interp, "::load");
    Tcl_Size count = 0;
    Tcl_Obj **names = NULL, *commands = is_found ? NULL : host_introspect(interp, HOST_COMMANDS, "::*");
    if (commands)
        Tcl_ListObjGetElements(NULL, commands, &count, &names);
    for (Tcl_Size i = 0; i < count && !is_found; i++)
        is_found = answer(interp, Tcl_GetString(names[i]));
    if (commands)
        host_drop(commands);
}

void host_note_load(Tcl_Interp *interp)
{
    Tcl_CmdInfo known;
    own_load = Tcl_GetCommandInfo(interp, "::load", &known) && known.isNativeObjectProc ? known.objProc : NULL;
}

void host_answer_old_scripts(struct Tcl_Interp *interp)
{
    Tcl_InterpState state = Tcl_SaveInterpState(interp, TCL_OK); /* Tcl_PkgPresent() leaves a message */
    for (size_t i = 0; i < sizeof PACKAGES / sizeof *PACKAGES; i++)
        if (!Tcl_PkgPresent(interp, PACKAGES[i], NULL, 0))
            Tcl_PkgProvide(interp, PACKAGES[i], VERSION);
    Tcl_RestoreInterpState(interp, state);
    answer_loads(interp);
}
