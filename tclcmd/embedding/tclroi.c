/*
 * tclroi.c - what a program with Tcl loads for `package require roi`: starts Python, and has it add the commands
 *
 * The library is not linked with Python's, for two reasons. Python's extension modules look for its functions among those
 * that all libraries of the process see, where Tcl's `load` would not put them. And where Python's library is missing,
 * or is of another version, a message can say so.
 *
 * Python is started in such a way that it changes nothing of the program: neither its locale nor its signals nor its
 * streams. It stays until the process ends. A start that fails gives a message; it does not end the process.
 */
#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <tcl.h>
#include <unistd.h>

#define TEXT_OF(macro) #macro
#define TEXT(macro) TEXT_OF(macro)
#define VERSION TEXT(PY_MAJOR_VERSION) "." TEXT(PY_MINOR_VERSION)

#ifndef ROI_PYTHON_LIBRARY /* that of the Python for which this is built; where it is, and the folder of the program */
#error "the build says which library Python has"
#endif

/* ---- Python's library ------------------------------------------------------------------------------------------ */

#define FUNCTIONS(X)                                                                                                   \
    X(Py_GetVersion)                                                                                                   \
    X(Py_IsInitialized)                                                                                                \
    X(Py_PreInitialize)                                                                                                \
    X(Py_InitializeFromConfig)                                                                                         \
    X(Py_DecRef)                                                                                                       \
    X(PyPreConfig_InitPythonConfig)                                                                                    \
    X(PyConfig_InitPythonConfig)                                                                                       \
    X(PyConfig_SetBytesString)                                                                                         \
    X(PyConfig_Clear)                                                                                                  \
    X(PyStatus_Exception)                                                                                              \
    X(PyEval_SaveThread)                                                                                               \
    X(PyEval_GetBuiltins)                                                                                              \
    X(PyGILState_Ensure)                                                                                               \
    X(PyGILState_Release)                                                                                              \
    X(PyDict_New)                                                                                                      \
    X(PyDict_SetItemString)                                                                                            \
    X(PyDict_GetItemString)                                                                                            \
    X(PyErr_Clear)                                                                                                     \
    X(PyLong_AsLong)                                                                                                   \
    X(PyLong_FromVoidPtr)                                                                                              \
    X(PyRun_StringFlags)                                                                                               \
    X(PyUnicode_AsUTF8)                                                                                                \
    X(PyUnicode_DecodeFSDefault)

static struct {
#define DECLARE(name) __typeof__(&name) name;
    FUNCTIONS(DECLARE)
#undef DECLARE
} python;

static const char variable[] = "ROISH_LIBPYTHON";

/* The last error; empty if there is none. */
static char problem[1024];

static int fail(const char *format, const char *first, const char *second)
{
    snprintf(problem, sizeof problem, format, first, second);
    return 0;
}

/* The dynamic loader's message names the file. */
static int fail_to_open(const char *reason)
{
    return fail("the library of Python " VERSION " cannot be opened: %s. Install it (Debian, Ubuntu: apt install "
                "libpython" VERSION "), or name it in the variable %s",
                reason, variable);
}

/* Whether the library is of the version of Python for which the commands were built. */
static int has_version(void *library)
{
    const char *(*version_of)(void) = NULL;
    *(void **)&version_of = dlsym(library, "Py_GetVersion");
    if (!version_of)
        return fail("what the variable %s names, or the program has loaded, is not a library of Python " VERSION "%s",
                    variable, "");
    char version[32];
    snprintf(version, sizeof version, "%.*s", (int)strcspn(version_of(), " "), version_of());
    const int is_ours = strncmp(version, VERSION ".", sizeof VERSION) == 0;
    return is_ours || fail("the commands are built for Python " VERSION ", and %s is Python %s",
                           library == RTLD_DEFAULT ? "what this program has loaded" : "the library found", version);
}

static int find_functions(void *library)
{
#define FIND(name)                                                                                                     \
    *(void **)&python.name = dlsym(library, #name);                                                                    \
    if (!python.name)                                                                                                  \
        return fail("the library of Python has no function %s%s", #name, "");
    FUNCTIONS(FIND)
#undef FIND
    return 1;
}

/* A library is global, where Python's extension modules find its functions, only once it is the right one. A refused one
   is closed, and another can be named. */
static int use_library(void *library, const char *name)
{
    const int is_right = has_version(library) && find_functions(library);
    const int is_global = is_right && dlopen(name, RTLD_NOW | RTLD_GLOBAL);
    if (is_right && !is_global)
        fail_to_open(dlerror());
    dlclose(library);
    return is_global;
}

/* Without the variable, several places are tried; the message is about the first. */
static int open_library(void)
{
    const char *named = getenv(variable);
    const char *const names[] = {named && *named ? named : ROI_PYTHON_LIBRARY, "libpython" VERSION ".so.1.0",
                                 "libpython" VERSION ".dylib"};
    const size_t count = named && *named ? 1 : sizeof names / sizeof names[0];
    for (size_t i = 0; i < count; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        if (library)
            return use_library(library, names[i]);
        if (i == 0)
            fail_to_open(dlerror());
    }
    return 0;
}

static int load_python(void)
{
    const int is_there = dlsym(RTLD_DEFAULT, "Py_GetVersion") != NULL; /* the program may have loaded Python */
    problem[0] = '\0';
    return is_there ? has_version(RTLD_DEFAULT) && find_functions(RTLD_DEFAULT) : open_library();
}

/* ---- Starting it ----------------------------------------------------------------------------------------------- */

/* Finds the entry of this name in the nearest folder above a file, and stores its path; returns 0 if there is none. */
static int find_above(char *path, size_t size, const char *entry)
{
    char *slash;
    while ((slash = strrchr(path, '/'))) {
        *slash = '\0';
        const size_t length = strlen(path);
        if (snprintf(slash, size - length, "/%s", entry) < (int)(size - length) && access(path, R_OK) == 0)
            return 1;
        path[length] = '\0';
    }
    return 0;
}

static int own_path(char path[PATH_MAX])
{
    Dl_info info;
    char given[PATH_MAX];
    if (!dladdr((void *)variable, &info) || !info.dli_fname)
        return fail("this library cannot be found among those of the process%s%s", "", "");
    snprintf(given, sizeof given, "%s", info.dli_fname);
    return realpath(given, path) || fail("the file of this library cannot be found%s%s", "", "");
}

/* Finds the Python program of the virtual environment around this file, or else that of the build. */
static void find_program(char path[PATH_MAX])
{
    if (own_path(path) && find_above(path, PATH_MAX, "pyvenv.cfg")) {
        strcpy(strrchr(path, '/'), "/bin/python3");
        if (access(path, X_OK) == 0)
            return;
    }
    snprintf(path, PATH_MAX, "%s/python" VERSION, ROI_PYTHON_PROGRAMS);
    if (access(path, X_OK) != 0)
        path[0] = '\0';
}

static int fail_to_start(PyStatus status)
{
    return fail("Python " VERSION " cannot be started: %s%s. PYTHONHOME and PYTHONPATH in the environment may be meant "
                "for another Python",
                status.err_msg ? status.err_msg : "it gives no reason", "");
}

static int start_python(void)
{
    PyPreConfig before;
    PyConfig config;
    char program[PATH_MAX];
    python.PyPreConfig_InitPythonConfig(&before);
    before.configure_locale = 0;
    before.coerce_c_locale = 0;
    before.utf8_mode = 1;
    PyStatus status = python.Py_PreInitialize(&before);
    if (python.PyStatus_Exception(status))
        return fail_to_start(status);
    python.PyConfig_InitPythonConfig(&config);
    config.install_signal_handlers = 0;
    config.configure_c_stdio = 0;
    config.parse_argv = 0;
    find_program(program);
    status = program[0] ? python.PyConfig_SetBytesString(&config, &config.executable, program) : status;
    if (!python.PyStatus_Exception(status))
        status = python.Py_InitializeFromConfig(&config);
    python.PyConfig_Clear(&config);
    if (python.PyStatus_Exception(status))
        return fail_to_start(status);
    python.PyEval_SaveThread();
    return 1;
}

/* Python is started once: a second attempt after a failed one may end the process. */
static int has_python(void)
{
    static enum { NEW, STARTED, FAILED } state = NEW;
    if (state == NEW && load_python()) /* the library can be named later */
        state = python.Py_IsInitialized() || start_python() ? STARTED : FAILED;
    return state == STARTED;
}

/* ---- Adding the commands --------------------------------------------------------------------------------------- */

/* The folder of packages around this library is appended if sys.path lacks it. */
static const char code[] = "import sys\n"
                           "try:\n"
                           "    if folder not in sys.path:\n"
                           "        sys.path.append(folder)\n"
                           "    from tclcmd.interpreter import join\n"
                           "    status = join(address)\n"
                           "except BaseException as error:\n"
                           "    problem = f'{type(error).__name__}: {error}'\n";

static void set(PyObject *names, const char *name, PyObject *value)
{
    if (value)
        python.PyDict_SetItemString(names, name, value);
    python.Py_DecRef(value);
}

/* Runs the code; returns its status, or -1 with the problem told. */
static int run(Tcl_Interp *interp, const char *folder)
{
    int status = -1;
    PyObject *names = python.PyDict_New();
    python.PyDict_SetItemString(names, "__builtins__", python.PyEval_GetBuiltins());
    set(names, "folder", python.PyUnicode_DecodeFSDefault(folder));
    set(names, "address", python.PyLong_FromVoidPtr(interp));
    python.Py_DecRef(python.PyRun_StringFlags(code, Py_file_input, names, names, NULL));
    PyObject *told = python.PyDict_GetItemString(names, "status");
    PyObject *reason = python.PyDict_GetItemString(names, "problem");
    if (told)
        status = (int)python.PyLong_AsLong(told);
    else
        fail("Python " VERSION " cannot load the commands: %s%s",
             reason ? python.PyUnicode_AsUTF8(reason) : "it gives no reason", "");
    python.PyErr_Clear();
    python.Py_DecRef(names);
    return status;
}

static int add_commands(Tcl_Interp *interp)
{
    char file[PATH_MAX], folder[PATH_MAX];
    if (!own_path(file))
        return -1;
    strcpy(folder, file);
    if (!find_above(folder, sizeof folder, "tclcmd/embedding"))
        return fail("the package tclcmd cannot be found above %s%s", file, "") - 1;
    folder[strlen(folder) - strlen("/tclcmd/embedding")] = '\0';
    const PyGILState_STATE state = python.PyGILState_Ensure();
    const int status = run(interp, folder);
    python.PyGILState_Release(state);
    return status;
}

/* The name is derived from that of the package, by Tcl's convention. */
DLLEXPORT int Roi_Init(Tcl_Interp *interp);

int Roi_Init(Tcl_Interp *interp)
{
    static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
    if (!Tcl_InitStubs(interp, "8.6", 0))
        return TCL_ERROR;
    struct sigaction before;
    pthread_mutex_lock(&guard);
    sigaction(SIGINT, NULL, &before);
    const int status = has_python() ? add_commands(interp) : -1;
    sigaction(SIGINT, &before, NULL); /* Python's module signal, once imported, takes Ctrl-C over whatever was set */
    if (status < 0)
        Tcl_SetObjResult(interp, Tcl_ObjPrintf("cannot load the package roi: %s", problem));
    pthread_mutex_unlock(&guard);
    return status == TCL_OK ? TCL_OK : TCL_ERROR;
}
