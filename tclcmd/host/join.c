/*
 * join.c - the commands in interpreters that others have created: children, those of threads, those of another program
 *
 * The commands are registered as a statically linked package: `load {} Roi` adds them to an interpreter. A new
 * interpreter does not inherit the paths of packages. A line that sets them is therefore put in front of Tcl's own
 * start-up script. All interpreters run this script except safe ones, which get the commands only from their parent, by
 * `load {} Roi child`; Python restricts what the commands can reach.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "internal.h"

/* The key for the number of the session, plus 1, in an interpreter with the commands. */
static const char key[] = "roi";

int host_has_commands(struct Tcl_Interp *interp) { return Tcl_GetAssocData(interp, key, NULL) != NULL; }

static int join(Tcl_Interp *interp)
{
    const int status = host_on_join(interp);
    /* The thread may not have prepared the messages of other statuses yet. */
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

/* A new interpreter is asked, because the other program may have redefined commands in its own. */
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
