/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints nothing and does nothing but execute the marker of tools/plugin/count.c, with number 1, as
 * early as a program can; then it becomes the program its arguments name, or ends. So the plugin
 * tells what the machine executed before its first program, and what the program took.
 */
#include <unistd.h>

int main(int argc, char **argv)
{
	__asm__ volatile("movz xzr, #1, lsl #16");
	if (argc < 2)
		return 0;
	execv(argv[1], argv + 1);
	return 127;
}
