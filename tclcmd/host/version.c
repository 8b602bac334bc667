/* version.c - the differences between Tcl 8.6 and Tcl 9, other than those of names and types */
#include <stddef.h>

#include "internal.h"

int host_put_in_front_of_start(const char *script)
{
    static Tcl_DString both; /* Tcl stores the pointer */
    const char *(*set_script)(const char *) = NULL;
    *(void **)&set_script = host_find_in_tcl(TCL_MAJOR_VERSION == 8 ? "TclSetPreInitScript" : "Tcl_SetPreInitScript");
    if (!set_script)
        return 0;
    const char *other = set_script(NULL); /* the script that another package has set before */
    Tcl_DStringInit(&both);
    Tcl_DStringAppend(&both, script, -1);
    if (other) {
        Tcl_DStringAppend(&both, "\n", 1);
        Tcl_DStringAppend(&both, other, -1);
    }
    set_script(Tcl_DStringValue(&both));
    return 1;
}

#if TCL_MAJOR_VERSION == 8

void host_set_panic(Tcl_PanicProc *on_panic) { Tcl_SetPanicProc(on_panic); }

int host_add_static_library(const char *name, Tcl_PackageInitProc *init)
{
    tclStubsPtr->tcl_StaticPackage(NULL, name, init, init); /* the header undefines its macro for extensions */
    return 1;
}

Tcl_Interp *host_safe_interpreter(Tcl_Interp *interp) { return Tcl_MakeSafe(interp) == TCL_OK ? interp : NULL; }

int host_is_abstract_list(const Tcl_Obj *value)
{
    (void)value;
    return 0;
}

#else

void host_set_panic(Tcl_PanicProc *on_panic)
{
    const char *(*set)(Tcl_PanicProc *) = NULL;
    *(void **)&set = host_find_in_tcl("Tcl_SetPanicProc");
    if (set)
        set(on_panic);
}

int host_add_static_library(const char *name, Tcl_PackageInitProc *init)
{
    void (*add)(Tcl_Interp *, const char *, Tcl_PackageInitProc *, Tcl_PackageInitProc *) = NULL;
    *(void **)&add = host_find_in_tcl("Tcl_StaticLibrary");
    if (add)
        add(NULL, name, init, init);
    return add != NULL;
}

Tcl_Interp *host_safe_interpreter(Tcl_Interp *interp) { return Tcl_CreateChild(interp, "safe", 1); }

/* The version of a type is the size of its part of the struct. Types of numbers have a length as well, which is 1. */
int host_is_abstract_list(const Tcl_Obj *value)
{
    const Tcl_ObjType *type = value->typePtr;
    return type->version > offsetof(Tcl_ObjType, getElementsProc) && type->getElementsProc != NULL;
}

#endif
