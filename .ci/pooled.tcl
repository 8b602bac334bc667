# What a wheel must be able to do: one operator, in a child interpreter too, and Tcl's own scripts, encodings and modules.
proc expect {script wanted} {
    set got [uplevel 1 $script]
    if {![string match $wanted $got]} {
        puts stderr "$script: expected $wanted, got $got"
        exit 1
    }
}
set pooled {torch::tensor_to_list [torch::roi_align [torch::ones {1 1 8 8}] {{0 1 1 5 5}} {1 2}]}
expect $pooled {1.0 1.0}
expect {info library} */tclcmd/tcl/tcl8.6
expect {encoding convertfrom cp1252 \x80} \u20ac
expect {clock format 0 -gmt 1 -format %Y} 1970
foreach package {tcltest http msgcat} {expect {package require $package} *.*}
interp create child
expect {child eval {info library}} */tclcmd/tcl/tcl8.6
child eval {package require roi}
expect {child eval $pooled} {1.0 1.0}
expect {info exists ::env(TCL_LIBRARY)} 0
puts "the shell, with Tcl [info patchlevel] of its own"
