/* old_scripts.c - the first lines of scripts for the LibTorch binding: its packages, and `load` of its library. */
#include <string.h>

#include "internal.h"

/* The version of the binding whose commands these are. */
static const char VERSION[] = "2.0.0";
static const char *const PACKAGES[] = {"torch", "Torch", "libtorchtcl"};

/* The beginning of the names of the library's files. */
static const char LIBRARY[] = "libtorchtcl";

/* The command `load` before. */
struct loader {
    Tcl_ObjCmdProc *load;
    ClientData data;
    Tcl_CmdDeleteProc *forget;
    ClientData forgotten;
};

static int is_here(Tcl_Obj *path)
{
    const char *text = Tcl_GetString(path), *slash = strrchr(text, '/');
    return strncmp(slash ? slash + 1 : text, LIBRARY, strlen(LIBRARY)) == 0;
}

static int load(ClientData data, Tcl_Interp *interp, int count, Tcl_Obj *const words[])
{
    const struct loader *loader = (const struct loader *)data;
    for (int i = 1; i < count && i <= 3; i++) { /* -global and -lazy may come first */
        if (Tcl_GetString(words[i])[0] == '-')
            continue;
        if (is_here(words[i]))
            return TCL_OK;
        break;
    }
    return loader->load(loader->data, interp, count, words);
}

static void forget(ClientData data)
{
    struct loader *loader = (struct loader *)data;
    if (loader->forget)
        loader->forget(loader->forgotten);
    Tcl_Free(data);
}

static void answer_loads(Tcl_Interp *interp)
{
    Tcl_CmdInfo known;
    if (!Tcl_GetCommandInfo(interp, "::load", &known) || !known.isNativeObjectProc)
        return; /* hidden, as in safe interpreters, or not Tcl's own */
    struct loader *loader = (struct loader *)Tcl_Alloc(sizeof *loader);
    *loader = (struct loader){known.objProc, known.objClientData, known.deleteProc, known.deleteData};
    known.objProc = load;
    known.objClientData = loader;
    known.deleteProc = forget;
    known.deleteData = loader;
    Tcl_SetCommandInfo(interp, "::load", &known);
}

void host_answer_old_scripts(struct Tcl_Interp *interp)
{
    for (size_t i = 0; i < sizeof PACKAGES / sizeof *PACKAGES; i++)
        Tcl_PkgProvideEx(interp, PACKAGES[i], VERSION, NULL);
    answer_loads(interp);
}
