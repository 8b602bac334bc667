/*
 * join.c - the commands in interpreters that others have made: children, those of threads, those of a program with Tcl
 *
 * The commands are registered as a statically linked package: `load {} Roi` adds them to an interpreter. A new
 * interpreter does not inherit where packages are found. A line that tells this is therefore put in front of Tcl's own
 * start-up script, which every interpreter runs except safe ones: these get the commands only from outside, by
 * `load {} Roi child`, and Python restricts what the commands reach.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "internal.h"

/* The key under which an interpreter that has the commands stores the number of its session plus 1. */
static const char key[] = "roi";

int host_has_commands(struct Tcl_Interp *interp) { return Tcl_GetAssocData(interp, key, NULL) != NULL; }

static int join(Tcl_Interp *interp)
{
    const int status = host_on_join(interp);
    /* The messages of other statuses belong to the thread, which may not have prepared them yet. */
    if (status != HOST_OK && !*Tcl_GetStringResult(interp))
        Tcl_SetObjResult(interp, Tcl_ObjPrintf("the commands of torch:: cannot be added to this interpreter"));
    return host_finish(interp, status);
}

int host_offer(const char *script)
{
    static int is_offered = 0;
    if (is_offered++)
        return 1;
    return host_add_static_library("Roi", join) && host_put_in_front_of_start(script);
}

/* An interpreter of another program may have redefined commands; a new one has not. */
static void note_commands_of_a_fresh_one(void)
{
    Tcl_Interp *fresh = Tcl_CreateInterp();
    host_note_answers(fresh);
    host_note_load(fresh);
    Tcl_DeleteInterp(fresh);
}

int host_join(struct Tcl_Interp *interp, const char *script)
{
    static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
    static int is_prepared = 0;
    if (!Tcl_InitStubs(interp, HOST_OLDEST_TCL, 0))
        return 0;
    pthread_mutex_lock(&guard);
    if (!is_prepared++) {
        note_commands_of_a_fresh_one();
        host_watch_exit();
        host_offer(script);
    }
    pthread_mutex_unlock(&guard);
    return 1;
}

int host_provide(struct Tcl_Interp *interp, const char *name_space, const char *package, const char *version)
{
    if (Tcl_PkgProvide(interp, package, version) != TCL_OK) /* there is another version */
        return 0;
    Tcl_Namespace *made = Tcl_FindNamespace(interp, name_space, NULL, TCL_GLOBAL_ONLY);
    if (!made)
        made = Tcl_CreateNamespace(interp, name_space, NULL, NULL);
    return made && Tcl_Export(interp, made, "*", 0) == TCL_OK;
}

static void on_deleted(ClientData session, Tcl_Interp *interp)
{
    (void)interp;
    host_on_deleted((int)(intptr_t)session - 1);
}

void host_watch_deletion(struct Tcl_Interp *interp, int session)
{
    Tcl_SetAssocData(interp, key, on_deleted, (ClientData)(intptr_t)(session + 1));
}
