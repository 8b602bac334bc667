/*
 * introspect.c - introspection: the answers of Tcl's `info`, without running code of the script
 *
 * Completion and error reports need the answers of Tcl's `info`. A script may have redefined or traced `info`, or
 * traced a variable. The functions that implement Tcl's own commands are therefore stored before any script runs, and
 * called directly.
 */
#include "internal.h"

static const char *const behind[] = {
    [HOST_COMMANDS] = "::tcl::info::commands",
    [HOST_PROCS] = "::tcl::info::procs",
    [HOST_VARIABLES] = "::tcl::info::vars",
    [HOST_FRAME] = "::tcl::info::frame",
    [HOST_TRACES] = "::trace",
};
enum { QUESTIONS = sizeof behind / sizeof behind[0], MOST_WORDS = 4 };

static Tcl_CmdInfo answers[QUESTIONS], interp_command;

static void note(Tcl_Interp *interp, const char *name, Tcl_CmdInfo *info_ret)
{
    if (!Tcl_GetCommandInfo(interp, name, info_ret))
        info_ret->objProc = NULL;
}

void host_note_answers(Tcl_Interp *interp)
{
    for (int question = 0; question < QUESTIONS; question++)
        note(interp, behind[question], &answers[question]);
    note(interp, "::interp", &interp_command);
}

/* Calls the function of a command; returns its result, with a reference for the caller, or NULL. */
static Tcl_Obj *ask(Tcl_Interp *interp, const Tcl_CmdInfo *behind_it, int count, Tcl_Obj *words[])
{
    Tcl_Obj *answer = NULL;
    Tcl_InterpState state = Tcl_SaveInterpState(interp, TCL_OK);
    for (int i = 0; i < count; i++)
        Tcl_IncrRefCount(words[i]);
    if (behind_it->objProc && behind_it->objProc(behind_it->objClientData, interp, count, words) == TCL_OK) {
        answer = Tcl_GetObjResult(interp);
        Tcl_IncrRefCount(answer);
    }
    for (int i = 0; i < count; i++)
        Tcl_DecrRefCount(words[i]);
    Tcl_RestoreInterpState(interp, state);
    return answer;
}

Tcl_Obj *host_children(Tcl_Interp *interp)
{
    const char *question = TCL_MAJOR_VERSION == 8 ? "slaves" : "children";
    Tcl_Obj *words[] = {Tcl_NewStringObj("interp", -1), Tcl_NewStringObj(question, -1)};
    return ask(interp, &interp_command, 2, words);
}

struct Tcl_Obj *host_introspect(struct Tcl_Interp *interp, host_question question, const char *about)
{
    Tcl_Obj *words[MOST_WORDS];
    int count = 0;
    words[count++] = Tcl_NewStringObj("introspect", -1);
    if (question == HOST_TRACES) {
        words[count++] = Tcl_NewStringObj("info", -1);
        words[count++] = Tcl_NewStringObj("variable", -1);
    }
    words[count++] = Tcl_NewStringObj(about, -1);
    return ask(interp, &answers[question], count, words);
}
