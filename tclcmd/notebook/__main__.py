"""``python -m tclcmd.notebook`` is the kernel, which Jupyter starts with a connection file."""

from ipykernel.kernelapp import IPKernelApp

from tclcmd.notebook.kernel import RoishKernel

IPKernelApp.launch_instance(kernel_class=RoishKernel)
