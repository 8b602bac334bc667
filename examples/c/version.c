/*
 * version.c - whether the library that is loaded is new enough for this program
 *
 *     new enough
 */
#include <roi.h>
#include <stdio.h>

int main(void)
{
    int major = 0, minor = 0;
    sscanf(roi_version(), "%d.%d", &major, &minor);
    puts(major == ROI_VERSION_MAJOR && minor >= ROI_VERSION_MINOR ? "new enough" : "too old");
    return 0;
}
