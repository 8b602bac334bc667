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
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tcl.h>
#include <unistd.h>

#define TEXT_OF(macro) #macro
#define TEXT(macro) TEXT_OF(macro)
#define BUILT_FOR TEXT(PY_MAJOR_VERSION) "." TEXT(PY_MINOR_VERSION)

#ifndef ROI_PYTHON_LIBRARY /* that of the Python for which this is built; where it is, and the folder of the program */
#error "the build says which library Python has"
#endif

/* ---- Python's library ------------------------------------------------------------------------------------------ */

#define FUNCTIONS(X)                                                                                                   \
    X(Py_GetVersion)                                                                                                   \
    X(Py_IsInitialized)                                                                                                \
    X(Py_DecRef)                                                                                                       \
    X(PyEval_SaveThread)                                                                                               \
    X(PyEval_GetBuiltins)                                                                                              \
    X(PyGILState_Ensure)                                                                                               \
    X(PyGILState_Release)                                                                                              \
    X(PyDict_New)                                                                                                      \
    X(PyDict_SetItemString)                                                                                            \
    X(PyDict_GetItemString)                                                                                            \
    X(PyErr_Clear)                                                                                                     \
    X(PyLong_AsLong)                                                                                                   \
    X(PyLong_FromLong)                                                                                                 \
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

/* The version of Python that the commands are installed for, "3.13". One build serves several, unless it is for a Python
   without the limited API. */
static char version[8] = BUILT_FOR;

/* The last error; empty if there is none. */
static char problem[1024];

static int fail(const char *format, ...)
{
    va_list facts;
    va_start(facts, format);
    vsnprintf(problem, sizeof problem, format, facts);
    va_end(facts);
    return 0;
}

/* The dynamic loader's message names the file. */
static int fail_to_open(const char *reason)
{
    return fail(
        "the library of Python %s cannot be opened: %s. Install it (Debian, Ubuntu: apt install libpython%s), or "
        "name it in the variable %s",
        version, reason, version, variable);
}

/* Whether the library is of the version of Python for which the commands are installed. */
static int has_version(void *library)
{
    const char *(*version_of)(void) = NULL;
    *(void **)&version_of = dlsym(library, "Py_GetVersion");
    if (!version_of)
        return fail("what the variable %s names, or the program has loaded, is not a library of Python %s", variable,
                    version);
    const size_t length = strlen(version);
    const int is_right = strncmp(version_of(), version, length) == 0 && version_of()[length] == '.';
    return is_right || fail("the commands are installed for Python %s, and %s is Python %.*s", version,
                            library == RTLD_DEFAULT ? "what this program has loaded" : "the library found",
                            (int)strcspn(version_of(), " "), version_of());
}

static int find_functions(void *library)
{
#define FIND(name)                                                                                                     \
    *(void **)&python.name = dlsym(library, #name);                                                                    \
    if (!python.name)                                                                                                  \
        return fail("the library of Python has no function %s", #name);
    FUNCTIONS(FIND)
#undef FIND
    return 1;
}

/* ---- Where Python is ------------------------------------------------------------------------------------------- */

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
        return fail("this library cannot be found among those of the process");
    snprintf(given, sizeof given, "%s", info.dli_fname);
    return realpath(given, path) || fail("the file of this library cannot be found");
}

static int is_of_the_build(void) { return strcmp(version, BUILT_FOR) == 0; }

/* Reads the version from the folder of the packages, as in lib/python3.13/site-packages. Where its name has none, as in
   Debian's python3/dist-packages, it is that of the build. */
static void find_version(void)
{
    char path[PATH_MAX];
    int minor;
    if (!own_path(path))
        return;
    for (const char *at = path; (at = strstr(at, "/python3.")); at++)
        if (sscanf(at, "/python3.%2d", &minor) == 1)
            snprintf(version, sizeof version, "3.%d", minor);
}

/* Reads a line "name = path" from a file of such lines; returns 0 if there is none. */
static int read_setting(const char *file, const char *name, char path[PATH_MAX])
{
    char line[PATH_MAX + 16];
    const size_t length = strlen(name);
    int is_found = 0;
    FILE *settings = fopen(file, "r");
    while (settings && !is_found && fgets(line, sizeof line, settings)) {
        line[strcspn(line, "\n")] = '\0';
        is_found = strncmp(line, name, length) == 0 && strncmp(line + length, " = ", 3) == 0;
    }
    if (settings)
        fclose(settings);
    return is_found && snprintf(path, PATH_MAX, "%s", line + length + 3) < PATH_MAX;
}

/* Finds the installation that these packages are in, or whose virtual environment they are in, and in its folder of that
   name a file; stores the path, or nothing if there is none. */
static void find_in_installation(char path[PATH_MAX], const char *folder, const char *file)
{
    char place[PATH_MAX], home[PATH_MAX];
    const char *packages = NULL;
    path[0] = '\0';
    if (!own_path(place))
        return;
    packages = strstr(place, "/lib/python3.");
    const int length = packages ? (int)(packages - place) : 0;
    if (packages)
        snprintf(path, PATH_MAX, "%.*s/%s/%s", length, place, folder, file);
    /* of the Python that a virtual environment is made from */
    const int is_virtual = find_above(place, PATH_MAX, "pyvenv.cfg") && read_setting(place, "home", home);
    const int is_cut = is_virtual && snprintf(path, PATH_MAX, "%s/../%s/%s", home, folder, file) >= PATH_MAX;
    if (is_cut || access(path, R_OK) != 0)
        path[0] = '\0';
}

/* ---- Opening its library --------------------------------------------------------------------------------------- */

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
    char plain[sizeof version + 32], beside[PATH_MAX];
    const char *named = getenv(variable);
    const int is_named = named && *named;
    snprintf(plain, sizeof plain, "libpython%s" ROI_SUFFIX, version);
    find_in_installation(beside, "lib", plain);
    const char *const names[] = {is_named ? named : is_of_the_build() ? ROI_PYTHON_LIBRARY : beside, beside, plain};
    const size_t count = is_named ? 1 : sizeof names / sizeof names[0];
    for (size_t i = 0; i < count; i++) {
        void *library = *names[i] ? dlopen(names[i], RTLD_NOW | RTLD_LOCAL) : NULL;
        if (library)
            return use_library(library, names[i]);
        if (i == 0)
            fail_to_open(*names[i] ? dlerror() : "it is not beside the packages");
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

/* Finds the Python program that an editable installation is for: this file is in the build folder then. */
static int find_program_of_build(char path[PATH_MAX])
{
    static const char name[] = "/python.cfg";
    char file[PATH_MAX + sizeof name];
    if (!own_path(file))
        return 0;
    strcpy(strrchr(file, '/'), name);
    return read_setting(file, "program", path) && access(path, X_OK) == 0;
}

/* Finds the Python program of the virtual environment around this file, or else that of the installation. */
static void find_program(char path[PATH_MAX])
{
    char name[sizeof version + 16];
    if (find_program_of_build(path))
        return;
    if (own_path(path) && find_above(path, PATH_MAX, "pyvenv.cfg")) {
        strcpy(strrchr(path, '/'), "/bin/python3");
        if (access(path, X_OK) == 0)
            return;
    }
    snprintf(name, sizeof name, "python%s", version);
    if (!is_of_the_build()) {
        find_in_installation(path, "bin", name);
        return;
    }
    snprintf(path, PATH_MAX, "%s/%s", ROI_PYTHON_PROGRAMS, name);
    if (access(path, X_OK) != 0)
        path[0] = '\0';
}

static int fail_to_start(const char *reason)
{
    return fail(
        "Python %s cannot be started: %s. PYTHONHOME and PYTHONPATH in the environment may be meant for another "
        "Python",
        version, reason ? reason : "it gives no reason");
}

static void *function_of_python(const char *name) { return dlsym(RTLD_DEFAULT, name); }

/* From 3.14 on, settings have names. What is not set is as for an isolated Python, which reads no environment. */
static int start_by_names(const char *program)
{
    static const struct {
        const char *name;
        int64_t value;
    } settings[] = {
        {"isolated", 0},          {"use_environment", 1},        {"user_site_directory", 1}, {"safe_path", 0},
        {"configure_locale", 0},  {"coerce_c_locale", 0},        {"utf8_mode", 1},           {"parse_argv", 0},
        {"configure_c_stdio", 0}, {"install_signal_handlers", 0}};
    void *(*create)(void);
    void (*release)(void *);
    int (*set_int)(void *, const char *, int64_t), (*set_str)(void *, const char *, const char *);
    int (*initialize)(void *), (*get_error)(void *, const char **);
    *(void **)&create = function_of_python("PyInitConfig_Create");
    *(void **)&release = function_of_python("PyInitConfig_Free");
    *(void **)&set_int = function_of_python("PyInitConfig_SetInt");
    *(void **)&set_str = function_of_python("PyInitConfig_SetStr");
    *(void **)&initialize = function_of_python("Py_InitializeFromInitConfig");
    *(void **)&get_error = function_of_python("PyInitConfig_GetError");
    void *config = create ? create() : NULL;
    int status = config ? 0 : -1;
    for (size_t i = 0; i < sizeof settings / sizeof settings[0] && status == 0; i++)
        status = set_int(config, settings[i].name, settings[i].value);
    if (status == 0 && *program)
        status = set_str(config, "executable", program);
    if (status == 0)
        status = initialize(config);
    const char *reason = NULL;
    if (config && status != 0)
        get_error(config, &reason);
    if (status != 0)
        fail_to_start(reason);
    if (config)
        release(config);
    return status == 0;
}

/* Before 3.14, settings are fields of PyConfig. Where they are depends on the version, and is final for each of these. */
struct layout {
    int minor;
    size_t install_signal_handlers, parse_argv, configure_c_stdio, executable;
};

static const struct layout *find_layout(void)
{
    static const struct layout layouts[] = {
        {PY_MINOR_VERSION, offsetof(PyConfig, install_signal_handlers), offsetof(PyConfig, parse_argv),
         offsetof(PyConfig, configure_c_stdio), offsetof(PyConfig, executable)},
#if UINTPTR_MAX > UINT32_MAX
        {10, 16, 80, 196, 296},
        {11, 16, 96, 212, 328},
        {12, 16, 104, 220, 336},
        {13, 16, 104, 220, 344},
#endif
    };
    const int minor = atoi(strchr(version, '.') + 1);
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
        if (layouts[i].minor == minor)
            return &layouts[i];
    fail_to_start("its settings are not known");
    return NULL;
}

static int start_by_fields(const char *program)
{
    union {
        PyConfig of_the_build;
        char bytes[1024];
    } config;
    PyPreConfig before;
    const struct layout *layout = find_layout();
    void (*prepare_before)(PyPreConfig *), (*prepare)(PyConfig *), (*clear)(PyConfig *);
    PyStatus (*initialize_before)(const PyPreConfig *), (*initialize)(const PyConfig *);
    PyStatus (*set)(PyConfig *, wchar_t **, const char *);
    int (*is_failure)(PyStatus);
    *(void **)&prepare_before = function_of_python("PyPreConfig_InitPythonConfig");
    *(void **)&initialize_before = function_of_python("Py_PreInitialize");
    *(void **)&prepare = function_of_python("PyConfig_InitPythonConfig");
    *(void **)&set = function_of_python("PyConfig_SetBytesString");
    *(void **)&initialize = function_of_python("Py_InitializeFromConfig");
    *(void **)&clear = function_of_python("PyConfig_Clear");
    *(void **)&is_failure = function_of_python("PyStatus_Exception");
    if (!layout)
        return 0;
    prepare_before(&before);
    before.configure_locale = 0;
    before.coerce_c_locale = 0;
    before.utf8_mode = 1;
    PyStatus status = initialize_before(&before);
    if (is_failure(status))
        return fail_to_start(status.err_msg);
    prepare(&config.of_the_build);
    *(int *)(config.bytes + layout->install_signal_handlers) = 0;
    *(int *)(config.bytes + layout->configure_c_stdio) = 0;
    *(int *)(config.bytes + layout->parse_argv) = 0;
    if (*program)
        status = set(&config.of_the_build, (wchar_t **)(void *)(config.bytes + layout->executable), program);
    if (!is_failure(status))
        status = initialize(&config.of_the_build);
    clear(&config.of_the_build);
    return !is_failure(status) || fail_to_start(status.err_msg);
}

static int start_python(void)
{
    char program[PATH_MAX];
    find_program(program);
    const int is_started = function_of_python("PyInitConfig_Create") ? start_by_names(program)
                                                                     : start_by_fields(program);
    if (is_started)
        python.PyEval_SaveThread();
    return is_started;
}

/* Python is started once: a second attempt after a failed one may end the process. */
static int has_python(void)
{
    static enum { NEW, STARTED, FAILED } state = NEW;
    find_version();
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
                           "    from tclcmd import libtcl\n"
                           "    libtcl.serve(major, minor)\n"
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
    int status = -1, major, minor;
    Tcl_GetVersion(&major, &minor, NULL, NULL);
    PyObject *names = python.PyDict_New();
    python.PyDict_SetItemString(names, "__builtins__", python.PyEval_GetBuiltins());
    set(names, "folder", python.PyUnicode_DecodeFSDefault(folder));
    set(names, "address", python.PyLong_FromVoidPtr(interp));
    set(names, "major", python.PyLong_FromLong(major));
    set(names, "minor", python.PyLong_FromLong(minor));
    python.Py_DecRef(python.PyRun_StringFlags(code, Py_file_input, names, names, NULL));
    PyObject *told = python.PyDict_GetItemString(names, "status");
    PyObject *reason = python.PyDict_GetItemString(names, "problem");
    if (told)
        status = (int)python.PyLong_AsLong(told);
    else
        fail("Python %s cannot load the commands: %s", version,
             reason ? python.PyUnicode_AsUTF8(reason) : "it gives no reason");
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
        return fail("the package tclcmd cannot be found above %s", file) - 1;
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
    if (!Tcl_InitStubs(interp, TCL_MAJOR_VERSION == 8 ? "8.6" : "9.0", 0))
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
