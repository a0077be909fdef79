/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Empty: gcc's own <limits.h> has everything C asks of a freestanding compiler, and then includes
 * the next one on its path, which is this. What headers of a C library the kernel's sources and
 * libfdt.h want beyond the compiler's stand beside this file.
 */
