# What a script does that was written for one interpreter, to be run in every place where there can be one.
package require roi
set boxes [torch::tensor_create {{0 0 2 2} {1 1 4 4} {0 0 2 2.1}}]
set scores [torch::tensor_create {0.9 0.8 0.7}]
set map [torch::tensor_reshape [torch::arange 16] {1 1 4 4}]
set crops [torch::roi_align -input $map -boxes $boxes -outputSize {2 2} -spatialScale 1.0 -aligned 0]
set kept [torch::nms $boxes $scores 0.5]
puts "crops [torch::tensor_shape $crops]: [torch::tensor_to_list $crops]"
puts "kept [torch::tensor_to_list $kept]"
puts "doubled [torch::tensor_to_list [torch::tensorMul $scores 2]]"
puts "[catch {torch::zeros x} message] $message [lrange $errorCode 0 1]"
