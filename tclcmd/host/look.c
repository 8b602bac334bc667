/*
 * look.c - looking into an interpreter without running anything of the script's
 *
 * Completion and error reports ask what Tcl's `info` answers. A script may have redefined `info`, traced it, or traced
 * a variable; so the functions behind Tcl's own commands are noted before any script runs, and called directly.
 */
#include "internal.h"

static const char *const behind[] = {
    [HOST_COMMANDS] = "::tcl::info::commands", [HOST_PROCS] = "::tcl::info::procs",
    [HOST_VARIABLES] = "::tcl::info::vars",   [HOST_FRAME] = "::tcl::info::frame",
    [HOST_TRACES] = "::trace",
};
enum { QUESTIONS = sizeof behind / sizeof behind[0], MOST_WORDS = 4 };

static Tcl_CmdInfo answers[QUESTIONS];

void host_note_answers(Tcl_Interp *interp)
{
    for (int question = 0; question < QUESTIONS; question++)
        if (!Tcl_GetCommandInfo(interp, behind[question], &answers[question]))
            answers[question].objProc = NULL;
}

struct Tcl_Obj *host_look(struct Tcl_Interp *interp, host_question question, const char *about)
{
    Tcl_Obj *words[MOST_WORDS], *answer = NULL;
    int count = 0;
    if (!answers[question].objProc)
        return NULL;
    words[count++] = Tcl_NewStringObj("look", -1);
    if (question == HOST_TRACES) {
        words[count++] = Tcl_NewStringObj("info", -1);
        words[count++] = Tcl_NewStringObj("variable", -1);
    }
    words[count++] = Tcl_NewStringObj(about, -1);
    for (int i = 0; i < count; i++)
        Tcl_IncrRefCount(words[i]);
    Tcl_InterpState state = Tcl_SaveInterpState(interp, TCL_OK);
    if (answers[question].objProc(answers[question].objClientData, interp, count, words) == TCL_OK) {
        answer = Tcl_GetObjResult(interp);
        Tcl_IncrRefCount(answer);
    }
    Tcl_RestoreInterpState(interp, state);
    for (int i = 0; i < count; i++)
        Tcl_DecrRefCount(words[i]);
    return answer;
}
