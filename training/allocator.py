"""Memory allocation that suits training on a CPU.

By default glibc gives every large tensor back to the kernel and asks for it again, zeroed, in each step. Keeping the
memory, in huge pages, made a step of batch 32 take 0.61 s instead of 0.95 s (SSD MobileNetV1, width 0.5, two cores).
glibc reads these settings when a process starts, so the program starts itself again with them.
"""

import os
import sys

SETTINGS = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


def ensure():
    """Replaces this process by itself with the settings, unless they, or the user's own, are there."""
    missing = {name: value for name, value in SETTINGS.items() if name not in os.environ}
    if missing and sys.platform == "linux":
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **missing})
