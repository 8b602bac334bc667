"""The commands of Tcl in scripts that are not trusted: those named here, and no others.

Tcl's own safe interpreters keep more: `::tcl::clock::getenv` reads the environment, `clock format` reads files that a
script names, `file tail ~name` reads the list of users, and `info` reports facts about the machine.
"""

from __future__ import annotations

#: The global commands, `torch::` apart.
COMMANDS = (
    "after append apply array binary break catch chan close concat continue coroutine dict eof error eval exit expr "
    "fblocked fileevent flush for foreach format gets global if incr info interp join lappend lassign ledit lindex "
    "linsert list llength lmap lpop lrange lremove lrepeat lreplace lreverse lsearch lseq lset lsort namespace package "
    "proc puts read regexp regsub rename return scan set split string subst switch tailcall throw time timerate trace "
    "try unset update uplevel upvar variable vwait while yield yieldto zlib"
)

#: What scripts ask for most that is not among them, to be named in a hint.
REFUSED = ("cd", "encoding", "exec", "fconfigure", "glob", "load", "open", "pwd", "socket", "source")

#: The namespaces in ::tcl -> the commands that are removed from them; * is the namespace itself. All other namespaces
#: are removed as well.
NAMESPACES = {
    "array": "", "binary": "", "dict": "", "mathfunc": "", "mathop": "", "namespace": "", "prefix": "", "string": "",
    "zlib": "",
    "chan": "configure copy create names pipe pop postevent push seek tell truncate",
    "info": "hostname library loaded nameofexecutable sharedlibextension",
}  # fmt: skip

#: The variables.
VARIABLES = "errorInfo errorCode tcl_platform tcl_version tcl_patchLevel tcl_interactive"

#: Hidden commands of safe interpreters that are exposed again -> their new names. The script below moves those of
#: `file`.
EXPOSED = {
    "exit": "exit",
    **{f"tcl:file:{name}": f"tcl_file_{name}" for name in ("dirname", "extension", "rootname", "tail")},
}

#: The script for an interpreter that has been made safe. It refuses a name with a leading tilde that Tcl would expand
#: to the folder of a user.
SCRIPT = (
    r"""
foreach name {dirname extension rootname tail} {
    rename ::tcl::file::$name {}
    rename ::tcl_file_$name ::tcl::file::plain_$name
    proc ::tcl::file::$name {name} [string map [list NAME $name] {
        if {[string index $name 0] eq "~"} {
            error "expected a name without a leading tilde, got \"$name\"" {} {TORCH FORBIDDEN tcl}
        }
        ::tcl::file::plain_NAME $name
    }]
}
foreach command [info commands ::tcl::file::*] {
    if {[namespace tail $command] ni {dirname extension join pathtype rootname separator split tail}
            && ![string match ::tcl::file::plain_* $command]} {rename $command {}}
}
namespace eval ::tcl::file {
    namespace export {[a-z]*}
    namespace ensemble create -command ::file -subcommands {
        dirname extension join pathtype rootname separator split tail
    }
}
foreach command [info commands ::tcl::clock::*] {
    if {[namespace tail $command] ni {clicks microseconds milliseconds seconds}} {rename $command {}}
}
catch {rename ::clock {}}
namespace eval ::tcl::clock {
    namespace ensemble create -command ::clock -subcommands {clicks microseconds milliseconds seconds}
}
apply {{commands namespaces variables} {
    package unknown {}
    foreach space [namespace children ::tcl] {
        if {[namespace tail $space] in {file clock}} continue
        if {![dict exists $namespaces [namespace tail $space]]} {
            namespace delete $space
            continue
        }
        foreach name [dict get $namespaces [namespace tail $space]] {catch {rename ${space}::$name {}}}
    }
    foreach space [namespace children ::] {
        if {$space ni {::tcl ::torch ::oo ::zlib}} {namespace delete $space}
    }
    foreach command [info commands ::tcl::*] {
        if {$command ni {::tcl::prefix ::tcl::Bgerror}} {rename $command {}}
    }
    foreach name [info globals] {
        if {$name ni $variables} {unset -nocomplain ::$name}
    }
    foreach command [info commands ::*] {
        if {[namespace tail $command] ni $commands && $command ne "::rename"} {rename $command {}}
    }
}} """
    + "{" + COMMANDS + " file clock} {"
    + " ".join(f"{space} {{{gone}}}" for space, gone in NAMESPACES.items())
    + "} {" + VARIABLES + "}\n"
)  # fmt: skip
