# A script in the style of the LibTorch binding's, to be run in every place where there can be an interpreter.
package require roi
package require torch
load ../../build/libtorchtcl.so
set device [expr {[torch::cuda_is_available] ? "cuda" : "cpu"}]
set boxes [torch::tensor_create {{0 0 2 2} {1 1 4 4} {0 0 2 2.1}} float32 $device false]
set scores [torch::tensor_create {0.9 0.8 0.7} float32 $device]
set map [torch::tensor_reshape [torch::arange 16] {1 1 4 4}]
set crops [torch::roi_align -input $map -boxes $boxes -outputSize {2 2} -spatialScale 1.0 -aligned 0]
set kept [torch::nms $boxes $scores 0.5]
puts "crops [torch::tensor_shape $crops]: [torch::tensor_to_list $crops]"
puts "kept [torch::tensor_to_list $kept]"
puts "doubled [torch::tensor_to_list [torch::tensorMul $scores 2]]"
set vectors [torch::tensor_reshape [torch::tensor_index_select $crops 0 $kept] {2 -1}]
puts "alike [torch::tensor_to_list [torch::tensor_matmul $vectors [torch::tensor_transpose $vectors 0 1]]]"
puts [torch::tensor_print $scores]
puts "[catch {torch::zeros x} message] $message [lrange $errorCode 0 1]"
