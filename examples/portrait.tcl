# Cuts the parts of a portrait out of a photograph, as a detector's second stage does with the boxes of its first.
#
#     roish portrait.tcl PHOTO FOLDER
#
# The boxes are those of Grace Hopper's portrait (512 x 600), a photograph in the public domain which matplotlib
# includes as grace_hopper.jpg. Into FOLDER go two contact sheets, the crops in the order of the table: crops.png, all from
# the photograph itself, and pyramid.png, each from the level of an image pyramid that suits its box.

# What to cut out: left, top, right and bottom edge, in pixels of the photograph.
set parts {
    everything {0 44 512 556}
    portrait   {100 10 430 340}
    face       {155 130 375 350}
    "cap badge" {200 22 312 134}
    medals     {318 434 460 576}
    ribbons    {362 480 414 532}
    "name tag" {72 448 174 550}
    button     {226 560 266 600}
    star       {42 62 98 118}
}
set side 160    ;# of a crop, in pixels
set levels 3    ;# of the pyramid

# Half the size: the mean of each 2 x 2 pixels. An odd last row or column is left out.
proc halve {map} {
    lassign [torch::tensor_shape $map] n c h w
    set rows [expr {$h / 2}]
    set columns [expr {$w / 2}]
    set even [torch::tensor_slice [torch::tensor_slice $map 2 0 [expr {2 * $rows}]] 3 0 [expr {2 * $columns}]]
    set cells [torch::tensor_reshape $even [list $n $c $rows 2 $columns 2]]
    return [torch::tensor_mean [torch::tensor_mean $cells 5] 3]
}

# The level from which torch::multiscale_roi_align pools a box: the first whose pixels are not much finer than the crop's.
proc level_of {box} {
    lassign $box x1 y1 x2 y2
    set size [expr {sqrt(($x2 - $x1) * ($y2 - $y1))}]
    set level [expr {int(floor(log($size / $::side) / log(2) + 1e-6))}]
    return [expr {max(0, min($level, $::levels - 1))}]
}

proc mean_of {crops index} {
    return [torch::tensor_item [torch::tensor_mean [torch::tensor_slice $crops 0 $index [expr {$index + 1}]]] -precision 3]
}

if {$argc != 2} {
    puts stderr "usage: roish $argv0 PHOTO FOLDER"
    exit 2
}
lassign $argv photo folder
file mkdir $folder

set image [torch::image_read $photo]
set pyramid [list $image]
set scales 1.0
while {[llength $pyramid] < $levels} {
    lappend pyramid [halve [lindex $pyramid end]]
    lappend scales [expr {[lindex $scales end] / 2}]
}

set boxes [torch::tensor_create [dict values $parts]]
set size [list $side $side]
set crops [torch::roi_align -input $image -boxes $boxes -outputSize $size]
set pooled [torch::multiscale_roi_align -features $pyramid -boxes $boxes -outputSize $size -spatialScales $scales \
    -canonicalLevel 0 -canonicalScale $side]

puts "$photo: [lrange [torch::tensor_shape $image] 1 end], pyramid of $levels levels"
set row "%-11s %-18s %5s  %-9s %8s %8s"
puts [format $row part box level crop mean "by level"]
set index 0
dict for {part box} $parts {
    set shape [lrange [torch::tensor_shape $crops] 1 end]
    puts [format $row $part $box [level_of $box] [join $shape x] [mean_of $crops $index] [mean_of $pooled $index]]
    incr index
}
puts "written: [torch::image_write $crops [file join $folder crops.png]]"
puts "written: [torch::image_write $pooled [file join $folder pyramid.png]]"
