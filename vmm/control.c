/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How running guests are found and ended from outside: each `stet run` listens on an AF_UNIX socket
 * named NAME.sock in /run/stet (or $XDG_RUNTIME_DIR/stet for a plain user), whose directory is the list of
 * guests. One request a connection, a line: "info" is answered by a line of the list, "stop" ends the guest; the
 * connection is closed when that has happened. A socket nobody listens on is left over from a guest
 * that was killed and is removed by who finds it.
 *
 * One thread answers. vm_lock covers whom it tells to stop: a guest that resets is a new machine.
 */
#include "control.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "report.h"

#define SUFFIX	   ".sock"
#define PATIENCE   2000 /* ms for a request, or an answer, to come */
#define BACKLOG	   8
#define LINE_SIZE  160
#define LIST_TITLE "NAME                  PID  CPUS  MEMORY\n"

static char directory[80];
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static char info[LINE_SIZE]; /* the line of the list; written before the thread starts */

static pthread_mutex_t vm_lock = PTHREAD_MUTEX_INITIALIZER; /* covers what follows */
static pthread_cond_t vm_changed = PTHREAD_COND_INITIALIZER;
static void (*vm_stop_function)(void *vm);
static void *vm_stopped;

void control_set_vm(void (*stop)(void *vm), void *vm)
{
	pthread_mutex_lock(&vm_lock);
	vm_stop_function = stop;
	vm_stopped = vm;
	pthread_cond_broadcast(&vm_changed);
	pthread_mutex_unlock(&vm_lock);
}

/* ---- names ---- */

/* The directory of sockets; false: there is none and none can be made. */
static bool find_directory(bool make)
{
	const char *user = getenv("XDG_RUNTIME_DIR");
	const char *bases[] = { "/run", user };

	for (size_t i = 0; i < 2 && bases[i]; i++) {
		if (snprintf(directory, sizeof(directory), "%s/stet", bases[i]) >=
		    (int)sizeof(directory))
			continue;
		if (make && !i)
			mkdir(bases[i], 0755);
		if (make)
			mkdir(directory, 0700);
		if (!access(directory, R_OK | W_OK | X_OK))
			return true;
	}
	return false;
}

static bool set_address(const char *name)
{
	int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s" SUFFIX, directory, name);

	return n < (int)sizeof(address.sun_path);
}

/* A connection to that guest; -1: nobody answers there, errno says why. */
static int connect_to(const char *name)
{
	int fd, err;

	if (!set_address(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || !connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	err = errno;
	close(fd);
	if (err == ECONNREFUSED) /* left over */
		unlink(address.sun_path);
	errno = err;
	return -1;
}

/* ---- the guest's side ---- */

/* A line without its end, as far as it comes in time. */
static void read_line(int fd, char line[LINE_SIZE])
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t used = 0;

	while (used < LINE_SIZE - 1 && poll(&p, 1, PATIENCE) > 0) {
		ssize_t n = read(fd, line + used, LINE_SIZE - 1 - used);

		if (n <= 0)
			break;
		used += (size_t)n;
		if (line[used - 1] == '\n') {
			used--;
			break;
		}
	}
	line[used] = '\0';
}

static void stop_guest(void)
{
	pthread_mutex_lock(&vm_lock);
	while (!vm_stop_function)
		pthread_cond_wait(&vm_changed, &vm_lock);
	vm_stop_function(vm_stopped);
	pthread_mutex_unlock(&vm_lock);
}

/* The connection of a "stop" stays open: the program's end closes it. */
static void answer(int fd)
{
	char line[LINE_SIZE];

	read_line(fd, line);
	if (!strcmp(line, "stop")) {
		stop_guest();
		return;
	}
	if (!strcmp(line, "info"))
		send(fd, info, strlen(info), MSG_NOSIGNAL);
	close(fd);
}

static void *answer_thread(void *listener)
{
	for (;;) {
		int fd = accept4((int)(intptr_t)listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			answer(fd);
	}
	return NULL;
}

static void forget(void)
{
	unlink(address.sun_path);
}

static int listen_as(const char *name)
{
	int other = connect_to(name), fd;

	if (other >= 0)
		die("a guest named %s is running", name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, BACKLOG))
		return -1;
	return fd;
}

void control_start(const char *name, unsigned vcpus, uint64_t memory)
{
	char number[24];
	pthread_t thread;
	int fd;

	snprintf(number, sizeof(number), "%d", (int)getpid());
	name = name ? name : number;
	snprintf(info, sizeof(info), "%-18s %6s  %4u  %5lluM\n", name, number, vcpus,
		 (unsigned long long)memory >> 20);
	fd = find_directory(true) ? listen_as(name) : -1;
	if (fd < 0)
		return;
	atexit(forget);
	if (pthread_create(&thread, NULL, answer_thread, (void *)(intptr_t)fd))
		die("cannot start the control thread");
	pthread_detach(thread);
}

/* ---- the asking side ---- */

/* That guest's line of the list; false: it has just ended. */
static bool ask_info(const char *name, char line[LINE_SIZE])
{
	int fd = connect_to(name);

	if (fd < 0)
		return false;
	*line = '\0';
	if (send(fd, "info\n", 5, MSG_NOSIGNAL) == 5)
		read_line(fd, line);
	close(fd);
	return *line;
}

static int pid_in(const char *line)
{
	int pid = 0;

	sscanf(line, "%*s %d", &pid);
	return pid;
}

/* The next guest of the list, its name and line; false: there are no more. */
static bool next_guest(DIR *dir, char name[LINE_SIZE], char line[LINE_SIZE])
{
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char *suffix = strstr(entry->d_name, SUFFIX);

		if (!suffix || suffix[strlen(SUFFIX)] || suffix - entry->d_name >= LINE_SIZE)
			continue;
		*suffix = '\0';
		strcpy(name, entry->d_name);
		if (ask_info(name, line))
			return true;
	}
	return false;
}

static DIR *open_directory(void)
{
	return find_directory(false) ? opendir(directory) : NULL;
}

void control_list(void)
{
	char name[LINE_SIZE], line[LINE_SIZE];
	DIR *dir = open_directory();

	fputs(LIST_TITLE, stdout);
	while (next_guest(dir, name, line))
		puts(line);
	if (dir)
		closedir(dir);
}

int control_pid(const char *name)
{
	char line[LINE_SIZE];

	if (strchr(name, '/') || !find_directory(false) || !ask_info(name, line))
		return 0;
	return pid_in(line);
}

bool control_name(int pid, char *out, size_t size)
{
	char name[LINE_SIZE], line[LINE_SIZE];
	DIR *dir = open_directory();
	bool found = false;

	while (!found && next_guest(dir, name, line))
		found = pid_in(line) == pid;
	if (dir)
		closedir(dir);
	if (found)
		snprintf(out, size, "%s", name);
	return found;
}

void control_stop(const char *name)
{
	int fd = strchr(name, '/') || !find_directory(false) ? -1 : connect_to(name);
	char end;

	if (fd < 0)
		die("no guest named %s is running", name);
	if (send(fd, "stop\n", 5, MSG_NOSIGNAL) != 5)
		die("%s does not take the request: %m", name);
	while (read(fd, &end, 1) < 0 && errno == EINTR)
		;
	close(fd);
}
