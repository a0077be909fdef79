/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program's own calls cost, without any guest: a byte there and back between two processes on one CPU,
 * a static program started and waited for, memory mapped, touched and given back. The system call by itself is in
 * exit.c, a page fault in memory.c.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench/exits/rows.h"

enum { PAGE = 4096, BLOCK = 2 << 20 };

/* The child: what comes goes back, until there is no more. */
static _Noreturn void echo(int from, int to)
{
	char byte;

	while (read(from, &byte, 1) == 1 && write(to, &byte, 1) == 1)
		;
	_exit(0);
}

static uint64_t pipe_row(const struct row *row, uint64_t rounds)
{
	int there[2], back[2];
	uint64_t ticks;
	char byte = 1;
	pid_t child;

	(void)row;
	if (!run_on_cpu(0) || pipe(there) || pipe(back))
		return 0;
	child = fork();
	if (!child) {
		close(there[1]);
		echo(there[0], back[1]);
	}
	ticks = section_begin();
	while (rounds-- && write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1)
		;
	ticks = section_end(ticks);
	close(there[0]);
	close(there[1]);
	close(back[0]);
	close(back[1]);
	waitpid(child, NULL, 0);
	return rounds + 1 ? 0 : ticks;
}

/* This program itself, which main() ends at once. */
static uint64_t spawn_row(const struct row *row, uint64_t rounds)
{
	static char *const argv[] = { "exits", "--nothing", NULL };
	uint64_t ticks;
	int status = 0;

	(void)row;
	if (!run_on_cpu(0))
		return 0;
	ticks = section_begin();
	while (rounds-- && !status) {
		pid_t child = fork();

		if (!child) {
			execv("/proc/self/exe", argv);
			_exit(1);
		}
		if (waitpid(child, &status, 0) != child)
			status = 1;
	}
	ticks = section_end(ticks);
	return status ? 0 : ticks;
}

static uint64_t map(uint64_t rounds, size_t size)
{
	uint64_t ticks = section_begin();

	while (rounds--) {
		char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return 0;
		for (size_t at = 0; at < size; at += PAGE)
			*(volatile char *)(p + at) = 1;
		munmap(p, size);
	}
	return section_end(ticks);
}

static uint64_t map_page_row(const struct row *row, uint64_t rounds)
{
	(void)row;
	return map(rounds, PAGE);
}

static uint64_t map_block_row(const struct row *row, uint64_t rounds)
{
	(void)row;
	return map(rounds, BLOCK);
}

static const struct row rows[] = {
	{ "pipe", "a byte to another process on the same CPU and back", pipe_row, 500, NULL, FP_NOBODY },
	{ "spawn", "fork, execve of a static program, its end, wait", spawn_row, 50, NULL, FP_NOBODY },
	{ "map-4k", "mmap, a store, munmap: 4 KiB", map_page_row, 500, NULL, FP_NOBODY },
	{ "map-2m", "mmap, a store to each page, munmap: 2 MiB", map_block_row, 20, NULL, FP_NOBODY },
};
const struct row_list host_rows = ROW_LIST(rows);
